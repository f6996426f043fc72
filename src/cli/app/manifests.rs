use super::Place;
use super::resources::Which;
use crate::agent::{
    ArgocdCm, Kept, Owner, RenderJob, generated, installed_seed, render_application,
};
use crate::app::Application;
use crate::cli::maps::Maps;
use crate::cli::output::{self, Format};
use crate::diff::{Scope, mask_secret, prepare};
use crate::git::Locator;
use crate::kube::Client;
use crate::object::{Gvk, Object};
use crate::render::Capabilities;
use crate::value::yaml;
use clap::{Args, ValueEnum};
use std::process::ExitCode;

#[derive(Args)]
#[command(
    after_help = "Values of Secrets are masked. `--source git` renders here: with the credentials of repositories that the cluster has. Map a repository to a clone if it is not reachable from here."
)]
pub struct Arguments {
    name: String,
    /// What the sources say, or what is in the cluster
    #[arg(long, value_enum, default_value = "git")]
    source: From,
    /// Another revision than the Application's, for --source git
    #[arg(long)]
    revision: Option<String>,
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    maps: Maps,
    #[command(flatten)]
    place: Place,
    /// YAML documents by default
    #[arg(short, long, value_enum)]
    output: Option<Format>,
}

#[derive(Clone, Copy, ValueEnum)]
enum From {
    Git,
    Live,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let client = arguments.place.cluster.client()?;
    let app = arguments.place.read(&client, &arguments.name)?;
    let config = ArgocdCm::fetch(&client, &arguments.place.namespace)?;
    let objects = match arguments.source {
        From::Git => rendered(arguments, &client, app, &config)?,
        From::Live => live(arguments, &client, &app)?,
    };
    let objects: Vec<Object> = objects
        .into_iter()
        .map(|object| masked(object, &config))
        .collect();
    let names = || {
        objects
            .iter()
            .map(|object| object.key().to_string())
            .collect()
    };
    let list = || output::list(objects.iter().cloned().map(Object::into_value).collect());
    match arguments.output {
        Some(_) => output::show(arguments.output, list, names, |_| documents(&objects)),
        None => output::print(&documents(&objects)),
    }?;
    Ok(ExitCode::SUCCESS)
}

fn documents(objects: &[Object]) -> String {
    let mut text = String::new();
    for object in objects {
        text.push_str("---\n");
        text.push_str(&yaml::emit(&object.clone().into_value()));
    }
    text
}

fn masked(object: Object, config: &ArgocdCm) -> Object {
    let mut object = Some(object);
    mask_secret(&mut object, &mut None, &config.sensitive_annotations);
    object.expect("masking keeps the object")
}

fn rendered(
    arguments: &Arguments,
    client: &Client,
    mut app: Application,
    config: &ArgocdCm,
) -> anyhow::Result<Vec<Object>> {
    if let Some(revision) = &arguments.revision {
        anyhow::ensure!(
            !app.spec.has_multiple_sources(),
            "--revision {revision}: app {} has several sources",
            app.name
        );
        if let Some(source) = &mut app.spec.source {
            source.target_revision.clone_from(revision);
        }
    }
    let namespace = &arguments.place.namespace;
    let seed = installed_seed(client, namespace)?;
    let sources = arguments.maps.sources(Locator::default(), seed)?;
    sources.log_in(client, namespace)?;
    let discovery = client.discover(None)?;
    let instance = app.instance_name(namespace);
    let resolved = sources.resolve(&app, true)?;
    let load = |name: &str| generated(client, namespace, name);
    let owner = Owner::of(&app, namespace, &instance);
    let rendered = render_application(&RenderJob {
        app: &app,
        instance: &instance,
        resolved: &resolved,
        sources: &sources,
        capabilities: &Capabilities {
            kube_version: client.version()?.git_version,
            api_versions: discovery.api_versions(),
        },
        kept: &Kept::new(owner, &load, jiff::Timestamp::now().as_second()),
        look: None,
    })?;
    for (_, warning) in &rendered.warnings {
        eprintln!("warning: {warning}");
    }
    let objects = rendered.objects.into_iter().map(|located| {
        // A kind that is not served yet is taken for one in namespaces.
        let resource = discovery.resource(&located.object.gvk());
        let scope = match resource.is_none_or(|resource| resource.namespaced) {
            true => Scope::Namespaced,
            false => Scope::Cluster,
        };
        prepare(
            located.object,
            scope,
            &app.spec.destination.namespace,
            &config.tracking,
            &instance,
        )
    });
    Ok(objects
        .filter(|object| {
            let key = object.key();
            arguments.which.is_meant(&crate::app::ResourceStatus {
                group: key.group,
                kind: key.kind,
                namespace: key.namespace,
                name: key.name,
                ..Default::default()
            })
        })
        .collect())
}

fn live(arguments: &Arguments, client: &Client, app: &Application) -> anyhow::Result<Vec<Object>> {
    let discovery = client.discover(None)?;
    let mut objects = Vec::new();
    for recorded in &app.status.resources {
        if !arguments.which.is_meant(recorded) {
            continue;
        }
        let gvk = Gvk::new(&recorded.group, &recorded.version, &recorded.kind);
        let served = discovery.resource(&gvk);
        let Some(resource) = served.or_else(|| discovery.preferred(&gvk.group, &gvk.kind)) else {
            eprintln!("warning: {gvk} is not served by the cluster");
            continue;
        };
        if let Some(mut object) = client.find(resource, &recorded.namespace, &recorded.name)? {
            object.metadata_mut().remove("managedFields");
            objects.push(object);
        }
    }
    Ok(objects)
}
