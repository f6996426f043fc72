use super::Which;
use super::destinations::destination;
use super::resources::group_kind;
use crate::agent::project_resource;
use crate::app::{API_VERSION, APP_PROJECT, AppProject};
use crate::cli::objects::Put;
use crate::cli::output::Format;
use crate::cli::{documents, objects, output};
use crate::object::Object;
use crate::value::{Map, Value};
use anyhow::bail;
use clap::Args;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Args)]
#[command(
    after_help = "Examples:\n  drupelet proj create home --src 'https://github.com/me/*' --dest https://kubernetes.default.svc,blog\n  drupelet proj create home --src '*' --dest '*,*' --allow-cluster-resource '*/*'\n  drupelet proj create -f project.yaml --upsert\nOptions add to what the file says. A new project allows no kind that belongs to no namespace, not even Namespace."
)]
pub struct Arguments {
    /// Name; not needed with -f
    name: Option<String>,
    /// File with one AppProject in YAML or JSON; - is stdin
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Change a project that is there already
    #[arg(long)]
    upsert: bool,
    /// What it is for
    #[arg(long)]
    description: Option<String>,
    /// Repository, as a URL or a pattern; may be repeated
    #[arg(short, long = "src", value_name = "URL")]
    sources: Vec<String>,
    /// Cluster and namespace; may be repeated
    #[arg(short, long = "dest", value_name = "SERVER,NAMESPACE")]
    destinations: Vec<String>,
    /// Namespace whose Applications may be in the project; may be repeated
    #[arg(long = "source-namespace", value_name = "NAMESPACE")]
    source_namespaces: Vec<String>,
    /// Kind of the cluster that is allowed; may be repeated
    #[arg(long = "allow-cluster-resource", value_name = "GROUP/KIND")]
    cluster_kinds: Vec<String>,
    /// Kind of the cluster that is forbidden; may be repeated
    #[arg(long = "deny-cluster-resource", value_name = "GROUP/KIND")]
    denied_cluster_kinds: Vec<String>,
    /// Kind in namespaces that is allowed; then no other is; may be repeated
    #[arg(long = "allow-namespaced-resource", value_name = "GROUP/KIND")]
    namespaced_kinds: Vec<String>,
    /// Kind in namespaces that is forbidden; may be repeated
    #[arg(long = "deny-namespaced-resource", value_name = "GROUP/KIND")]
    denied_namespaced_kinds: Vec<String>,
    #[command(flatten)]
    which: Which,
    #[arg(short, long, value_enum)]
    output: Option<Format>,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let object = arguments.wanted()?;
    let client = arguments.which.place.cluster.client()?;
    let put = Put {
        resource: &project_resource(),
        upsert: arguments.upsert,
        dry_run: arguments.which.dry_run,
        what: "project",
    };
    let (object, verb) = put.put(&client, &object, |live| {
        let spec = object.at(&["spec"]).cloned().unwrap_or_default();
        live.root_mut().insert("spec", spec);
    })?;
    let name = format!("appproject.argoproj.io/{}", object.name());
    let dry = objects::dry(arguments.which.dry_run);
    output::show(
        arguments.output,
        || object.into_value(),
        || vec![name.clone()],
        |_| format!("{name} {verb}{dry}\n"),
    )?;
    Ok(ExitCode::SUCCESS)
}

impl Arguments {
    fn wanted(&self) -> anyhow::Result<Object> {
        let mut object = match &self.file {
            Some(file) => {
                let mut objects = documents::read(file, APP_PROJECT, |object| {
                    AppProject::read(object)?;
                    Ok(())
                })?;
                if objects.len() > 1 {
                    bail!("{}: holds {} projects", file.display(), objects.len());
                }
                objects.remove(0)
            }
            None => {
                let mut root = Map::from_iter([("apiVersion", API_VERSION), ("kind", APP_PROJECT)]);
                root.insert("metadata", Map::new());
                Object::new(Value::Map(root)).expect("apiVersion and kind are set")
            }
        };
        if let Some(name) = &self.name {
            object.metadata_mut().insert("name", name.as_str());
        }
        if object.name().is_empty() {
            bail!("give a name, or a file with -f");
        }
        object.set_namespace(&self.which.place.namespace);
        let spec = object.root_mut().entry_map("spec");
        self.complete(spec)?;
        AppProject::read(&object)?;
        Ok(object)
    }

    fn complete(&self, spec: &mut Map) -> anyhow::Result<()> {
        if let Some(description) = &self.description {
            spec.insert("description", description.as_str());
        }
        for (list, texts) in [
            ("sourceRepos", &self.sources),
            ("sourceNamespaces", &self.source_namespaces),
        ] {
            for text in texts {
                super::add_to(spec, list, Value::from(text.as_str()));
            }
        }
        for text in &self.destinations {
            let Some((server, namespace)) = text.split_once(',') else {
                bail!("--dest {text}: SERVER,NAMESPACE expected");
            };
            let item = destination("server", server, namespace);
            super::add_to(spec, "destinations", item);
        }
        for (list, kinds) in [
            ("clusterResourceWhitelist", &self.cluster_kinds),
            ("clusterResourceBlacklist", &self.denied_cluster_kinds),
            ("namespaceResourceWhitelist", &self.namespaced_kinds),
            ("namespaceResourceBlacklist", &self.denied_namespaced_kinds),
        ] {
            for text in kinds {
                let Some((group, kind)) = text.split_once('/') else {
                    bail!("{text}: GROUP/KIND expected, /KIND for the core group");
                };
                super::add_to(spec, list, group_kind(group, kind));
            }
        }
        Ok(())
    }
}
