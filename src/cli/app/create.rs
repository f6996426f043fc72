use super::Place;
use super::spec::SpecOptions;
use crate::agent::application_resource;
use crate::app::{API_VERSION, APPLICATION, Application};
use crate::cli::objects::Put;
use crate::cli::output::Format;
use crate::cli::{documents, objects, output};
use crate::kube::Client;
use crate::object::{Object, names};
use crate::value::{Map, Value};
use anyhow::bail;
use clap::Args;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Args)]
#[command(
    after_help = "Examples:\n  drupelet app create blog --repo https://github.com/me/cluster --path blog --dest-namespace blog --sync-policy auto --self-heal\n  drupelet app create -f app.yaml --upsert\nOptions win over the file. Nothing is changed where an equal Application is there."
)]
pub struct Arguments {
    /// Name; with -f only where the file holds one Application
    name: Option<String>,
    /// File with Applications in YAML or JSON; - is stdin
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Change an Application that is there already
    #[arg(long)]
    upsert: bool,
    /// Have the API server check it, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Deleting the Application shall delete what it deployed
    #[arg(long)]
    set_finalizer: bool,
    /// Label of the Application; may be repeated
    #[arg(short = 'l', long = "label", value_name = "NAME=VALUE")]
    labels: Vec<String>,
    /// Annotation of the Application; may be repeated
    #[arg(long = "annotation", value_name = "NAME=VALUE")]
    annotations: Vec<String>,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    spec: SpecOptions,
    #[arg(short, long, value_enum)]
    output: Option<Format>,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut objects = match &arguments.file {
        // Anything else in it is an error.
        Some(file) => documents::read(file, APPLICATION, |object| {
            Application::read(object)?;
            Ok(())
        })?,
        None => vec![bare(arguments.name.as_deref())?],
    };
    if arguments.name.is_some() && objects.len() > 1 {
        bail!(
            "a name is given, and the file holds {} Applications",
            objects.len()
        );
    }
    for object in &mut objects {
        arguments.complete(object)?;
    }
    let client = arguments.place.cluster.client()?;
    let mut made = Vec::new();
    for object in objects {
        let (object, verb) = arguments.put(&client, &object)?;
        if arguments.output.is_none() {
            let dry = objects::dry(arguments.dry_run);
            output::print(&format!(
                "application.argoproj.io/{} {verb}{dry}\n",
                object.name()
            ))?;
        }
        made.push(object);
    }
    if arguments.output.is_some() {
        let names = made
            .iter()
            .map(|o| format!("application.argoproj.io/{}", o.name()));
        let names: Vec<String> = names.collect();
        let mut values: Vec<Value> = made.into_iter().map(Object::into_value).collect();
        let value = match values.len() {
            1 => values.remove(0),
            _ => output::list(values),
        };
        output::show(
            arguments.output,
            || value,
            || names.clone(),
            |_| names.join("\n") + "\n",
        )?;
    }
    Ok(ExitCode::SUCCESS)
}

impl Arguments {
    fn complete(&self, object: &mut Object) -> anyhow::Result<()> {
        if let Some(name) = &self.name {
            object.metadata_mut().insert("name", name.as_str());
        }
        if object.name().is_empty() {
            bail!("the Application has no name");
        }
        if object.namespace().is_empty() {
            object.set_namespace(&self.place.namespace);
        }
        for (text, is_label) in self
            .labels
            .iter()
            .map(|text| (text, true))
            .chain(self.annotations.iter().map(|text| (text, false)))
        {
            let Some((name, value)) = text.split_once('=') else {
                bail!("{text}: NAME=VALUE expected");
            };
            if is_label {
                object.set_label(name, value);
            } else {
                object.set_annotation(name, value);
            }
        }
        if self.set_finalizer && object.finalizers().next().is_none() {
            let finalizers = vec![Value::from(names::RESOURCES_FINALIZER)];
            object.metadata_mut().insert("finalizers", finalizers);
        }
        let spec = object.root_mut().entry_map("spec");
        self.spec.apply(spec)?;
        if spec.entry_map("destination").get("server").is_none()
            && spec.entry_map("destination").get("name").is_none()
        {
            let server = crate::app::Destination::IN_CLUSTER_URL;
            spec.entry_map("destination").insert("server", server);
        }
        if spec.get("project").is_none() {
            spec.insert("project", crate::app::DEFAULT_PROJECT);
        }
        let app = Application::read(object)?;
        if app.spec.sources().is_empty() {
            bail!(
                "app {}: no source; give --repo and --path, or -f FILE",
                app.name
            );
        }
        Ok(())
    }

    fn put(&self, client: &Client, object: &Object) -> anyhow::Result<(Object, &'static str)> {
        let put = Put {
            resource: &application_resource(),
            upsert: self.upsert,
            dry_run: self.dry_run,
            what: "app",
        };
        put.put(client, object, |live| {
            for field in ["labels", "annotations"] {
                let more = object.at(&["metadata", field]).and_then(Value::as_map);
                for (name, value) in more.into_iter().flat_map(Map::iter) {
                    let texts = live.metadata_mut().entry_map(field);
                    texts.insert(name, value.clone());
                }
            }
            if let Some(finalizers) = object.at(&["metadata", "finalizers"]) {
                let finalizers = finalizers.clone();
                live.metadata_mut().insert("finalizers", finalizers);
            }
            let spec = object.at(&["spec"]).cloned().unwrap_or_default();
            live.root_mut().insert("spec", spec);
        })
    }
}

fn bare(name: Option<&str>) -> anyhow::Result<Object> {
    let Some(name) = name else {
        bail!("give a name, or a file with -f");
    };
    let mut root = Map::from_iter([("apiVersion", API_VERSION), ("kind", APPLICATION)]);
    root.insert("metadata", Map::from_iter([("name", name)]));
    Ok(Object::new(Value::Map(root)).expect("apiVersion and kind are set"))
}
