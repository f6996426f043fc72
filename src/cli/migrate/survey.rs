//! What there is of Argo CD in a cluster, and what becomes of it.

use super::controllers::Controller;
use super::finding::{Finding, Verdict};
use super::settings;
use crate::agent::{
    ArgocdCm, ClusterSecret, Clusters, Sources, application_resource, config_map_resource,
    project_resource, secret_resource,
};
use crate::app::{AppProject, Application, Source};
use crate::gotmpl::Map;
use crate::helm::{Chart, Vendored, requirements};
use crate::kube::{Client, Discovery, ListOptions, Resource};
use crate::object::{Object, names};
use crate::tree::{Tree, join};
use crate::value::Value;

/// Everything that was read, before anything is concluded from it.
pub struct Found {
    pub namespace: String,
    pub controllers: Vec<Controller>,
    pub applications: Vec<FoundApplication>,
    pub config: ArgocdCm,
    pub clusters: Clusters,
    projects: Vec<Object>,
    cluster_secrets: Vec<Object>,
    config_maps: Vec<Object>,
    /// Sidecars of the repository server: plugins.
    plugins: Vec<String>,
    /// ApplicationSets by name.
    sets: Vec<String>,
}

pub struct FoundApplication {
    pub subject: String,
    pub namespace: String,
    pub read: Result<Application, String>,
    /// The ApplicationSet that made it.
    set: Option<String>,
}

impl Found {
    pub fn read(client: &Client, namespace: &str) -> anyhow::Result<Found> {
        let discovery = client.discover(None)?;
        let here = |selector: &str| ListOptions {
            namespace: namespace.to_owned(),
            label_selector: selector.to_owned(),
            ..ListOptions::default()
        };
        let list = |resource: &Resource, options: &ListOptions| {
            client.list_all(resource, options).map(|found| found.0)
        };
        let config_maps = list(&config_map_resource(), &here(""))?;
        // Others belong to other installations, or to nobody.
        let served = settings::application_namespaces(&config_maps);
        let everywhere = match served.is_empty() {
            true => here(""),
            false => ListOptions::default(),
        };
        let applications = list(&application_resource(), &everywhere)?;
        let is_served = |object: &&Object| {
            let mut globs = served.iter();
            object.namespace() == namespace || globs.any(|glob| glob.matches(object.namespace()))
        };
        let applications = applications.iter().filter(is_served);
        let applications = applications.map(FoundApplication::of).collect();
        let selector = format!("{}=cluster", names::SECRET_TYPE);
        let cluster_secrets = list(&secret_resource(), &here(&selector))?;
        let mut clusters = Clusters::default();
        for secret in &cluster_secrets {
            if let Some(cluster) = ClusterSecret::read(secret) {
                clusters.put(secret.name(), cluster);
            }
        }
        let config = config_maps
            .iter()
            .find(|object| object.name() == "argocd-cm");
        Ok(Found {
            namespace: namespace.to_owned(),
            controllers: Controller::find(client, &discovery, namespace)?,
            applications,
            config: config.map(ArgocdCm::read).unwrap_or_default(),
            clusters,
            projects: list(&project_resource(), &here(""))?,
            cluster_secrets,
            config_maps,
            plugins: plugins(client, &discovery, namespace)?,
            sets: sets(client, &discovery, namespace)?,
        })
    }
}

impl FoundApplication {
    fn of(object: &Object) -> Self {
        let owners = object.owner_references().iter();
        let set = owners
            .filter(|owner| owner.get("kind").and_then(Value::as_str) == Some("ApplicationSet"))
            .find_map(|owner| owner.get("name")?.as_str());
        FoundApplication {
            subject: format!("Application {}/{}", object.namespace(), object.name()),
            namespace: object.namespace().to_owned(),
            read: Application::read(object).map_err(|error| error.to_string()),
            set: set.map(str::to_owned),
        }
    }
}

fn plugins(client: &Client, discovery: &Discovery, namespace: &str) -> anyhow::Result<Vec<String>> {
    let Some(resource) = discovery.preferred("apps", "Deployment") else {
        return Ok(Vec::new());
    };
    let options = ListOptions {
        namespace: namespace.to_owned(),
        label_selector: "app.kubernetes.io/name=argocd-repo-server".to_owned(),
        ..ListOptions::default()
    };
    let mut found = Vec::new();
    for object in client.list_all(resource, &options)?.0 {
        let containers = ["spec", "template", "spec", "containers"];
        let containers = object.at(&containers).and_then(Value::as_seq);
        let names = containers.unwrap_or_default().iter();
        let names = names.filter_map(|container| container.get("name")?.as_str());
        found.extend(
            names
                .filter(|name| *name != "argocd-repo-server" && *name != "repo-server")
                .map(str::to_owned),
        );
    }
    Ok(found)
}

fn sets(client: &Client, discovery: &Discovery, namespace: &str) -> anyhow::Result<Vec<String>> {
    let Some(resource) = discovery.preferred(crate::app::GROUP, "ApplicationSet") else {
        return Ok(Vec::new());
    };
    let options = ListOptions {
        namespace: namespace.to_owned(),
        ..ListOptions::default()
    };
    let (found, _) = client.list_all(resource, &options)?;
    Ok(found.iter().map(|set| set.name().to_owned()).collect())
}

/// With `sources`, also what the repositories hold.
pub fn findings(found: &Found, sources: Option<&Sources>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for controller in &found.controllers {
        findings.push(this_controller(controller, found));
    }
    for name in &found.plugins {
        findings.push(Finding::new(
            &format!("Container {name} of argocd-repo-server"),
            Verdict::NotSupported,
            "no plugin is run: render to plain manifests, Helm or Kustomize",
        ));
    }
    for name in &found.sets {
        findings.push(Finding::new(
            &format!("ApplicationSet {}/{name}", found.namespace),
            Verdict::Changes,
            "is not read: leave Argo CD's applicationset controller running, what it makes is reconciled",
        ));
    }
    for app in &found.applications {
        findings.extend(application(app, found, sources));
    }
    for object in &found.projects {
        findings.extend(project(object));
    }
    for secret in &found.cluster_secrets {
        findings.extend(cluster(secret));
    }
    for registered in sources.map(Sources::registered).unwrap_or_default() {
        let what = match registered.is_template {
            true => "credentials for",
            false => "repository",
        };
        let message = format!("{what} {}", registered.url);
        findings.push(match registered.fault {
            Some(fault) => Finding::new(&registered.origin, Verdict::NotSupported, fault),
            None => Finding::new(&registered.origin, Verdict::CarriesOver, message),
        });
    }
    for object in &found.config_maps {
        findings.extend(settings::findings(object));
    }
    findings
}

fn this_controller(controller: &Controller, found: &Found) -> Finding {
    let subject = controller.to_string();
    // Whoever applies it would scale it up again.
    if let Some(owner) = found.config.tracking.owner(&controller.object) {
        return Finding::new(
            &subject,
            Verdict::Changes,
            format!(
                "application {owner} deploys it: set its replicas to 0 in git before --take-over, or drupelet starts it again"
            ),
        );
    }
    Finding::new(
        &subject,
        Verdict::CarriesOver,
        format!(
            "{}, {} replicas: --take-over scales it to zero",
            controller.image(),
            controller.replicas()
        ),
    )
}

fn application(found: &FoundApplication, all: &Found, sources: Option<&Sources>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut add = |verdict, message: String| {
        findings.push(Finding::new(&found.subject, verdict, message));
    };
    let app = match &found.read {
        Ok(app) => app,
        Err(error) => {
            add(Verdict::NotSupported, error.clone());
            return findings;
        }
    };
    if found.namespace != all.namespace {
        let namespace = &found.namespace;
        add(
            Verdict::Changes,
            format!("start the agent with --application-namespaces {namespace}"),
        );
    }
    if let Some(set) = &found.set {
        add(
            Verdict::Changes,
            format!(
                "ApplicationSet {set} makes it: only Argo CD's applicationset controller changes it"
            ),
        );
    }
    if let Err(error) = Sources::check(app) {
        add(Verdict::NotSupported, error.to_string());
    }
    match all.clusters.meant(&app.spec.destination) {
        Err(why) => add(Verdict::NotSupported, why),
        Ok(crate::agent::Meant::Other(cluster)) => {
            if let Err(why) = &cluster.config {
                add(Verdict::NotSupported, why.clone());
            }
        }
        Ok(crate::agent::Meant::Own(_)) => {}
    }
    for source in app.spec.sources() {
        let kustomize = source.kustomize.as_ref();
        if kustomize.is_some_and(|kustomize| !kustomize.version.is_empty()) {
            add(
                Verdict::Changes,
                "kustomize.version: built as by 5.8.2, whatever it says".to_owned(),
            );
        }
        if let Some(sources) = sources
            && source.chart.is_empty()
            && Sources::check(app).is_ok()
        {
            match stale(sources, source, app.spec.project()) {
                Ok(stale) => {
                    for message in stale {
                        add(Verdict::Changes, message);
                    }
                }
                Err(why) => add(Verdict::Unknown, why),
            }
        }
    }
    if findings.is_empty() {
        let message = format!("{} objects", app.status.resources.len());
        findings.push(Finding::new(&found.subject, Verdict::CarriesOver, message));
    }
    findings
}

/// Dependencies of a source's chart of which charts/ holds another version
/// than Chart.yaml asks for: Argo CD renders what is in charts/.
fn stale(sources: &Sources, source: &Source, project: &str) -> Result<Vec<String>, String> {
    let revision = &source.target_revision;
    let resolved = sources
        .resolve_source(source, revision, project, false)
        .map_err(|error| error.to_string())?;
    let tree = resolved.tree().map_err(|error| error.to_string())?;
    let path = source.path.trim_matches('/');
    let path = if path == "." { "" } else { path };
    let is_chart = |tree: &dyn Tree| tree.entry(&join(path, "Chart.yaml"));
    match is_chart(tree.as_ref()) {
        Ok(Some(_)) => {}
        Ok(None) => return Ok(Vec::new()),
        Err(error) => return Err(error.to_string()),
    }
    let chart = Chart::from_tree(tree.as_ref(), path).map_err(|error| error.to_string())?;
    let all = requirements(&chart, &Map::new());
    let stale = all.requirements.iter().filter(|one| !one.is_disabled);
    let messages = stale.filter_map(|one| {
        let Vendored::Stale { version } = &one.vendored else {
            return None;
        };
        let used = match one.need() {
            Some(_) => format!("{} is rendered", one.wanted()),
            None => "and that is rendered".to_owned(),
        };
        Some(format!(
            "chart {}: charts/ holds {} {version}, Chart.yaml asks for {}: {used}",
            source.path,
            one.name,
            one.wanted()
        ))
    });
    Ok(messages.collect())
}

fn project(object: &Object) -> Vec<Finding> {
    let subject = format!("AppProject {}/{}", object.namespace(), object.name());
    let project = match AppProject::read(object) {
        Ok(project) => project,
        Err(error) => {
            let message = error.to_string();
            return vec![Finding::new(&subject, Verdict::NotSupported, message)];
        }
    };
    let mut findings = Vec::new();
    if !project.spec.roles.is_empty() {
        findings.push(Finding::new(
            &subject,
            Verdict::Changes,
            "roles have no effect: who may do what is what Kubernetes' own RBAC says",
        ));
    }
    if findings.is_empty() {
        findings.push(Finding::new(&subject, Verdict::CarriesOver, ""));
    }
    findings
}

fn cluster(secret: &Object) -> Option<Finding> {
    let cluster = ClusterSecret::read(secret)?;
    Some(match &cluster.config {
        Err(why) => Finding::new(&cluster.origin, Verdict::NotSupported, why.clone()),
        Ok(_) => {
            let message = format!("cluster {}", cluster.server);
            Finding::new(&cluster.origin, Verdict::CarriesOver, message)
        }
    })
}
