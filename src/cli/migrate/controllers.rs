//! Argo CD's application controller at rest and at work, and our own agent.

use super::super::app::CLI_MANAGER;
use crate::kube::{Client, Discovery, ListOptions, Patch, Resource, WriteOptions};
use crate::object::{Gvk, Object};
use crate::value::{Map, Value};
use anyhow::bail;
use std::fmt;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// By this Argo CD's manifests and chart mark it.
const SELECTOR: &str = "app.kubernetes.io/name=argocd-application-controller";
/// And this our own chart the agent.
const AGENT_SELECTOR: &str = "app.kubernetes.io/name=drupelet";
/// How many replicas it had before it was laid to rest.
const REPLICAS: &str = "drupelet.io/replicas-before";

/// Its pods are waited for so long.
const LONGEST: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_millis(250);

/// A StatefulSet or Deployment of Argo CD's application controller.
pub struct Controller {
    resource: Arc<Resource>,
    pub object: Object,
}

impl fmt::Display for Controller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let object = &self.object;
        write!(
            f,
            "{} {}/{}",
            object.kind(),
            object.namespace(),
            object.name()
        )
    }
}

impl Controller {
    /// All of a namespace.
    pub fn find(
        client: &Client,
        discovery: &Discovery,
        namespace: &str,
    ) -> anyhow::Result<Vec<Controller>> {
        let mut found = Vec::new();
        for kind in ["StatefulSet", "Deployment"] {
            let Some(resource) = discovery.preferred("apps", kind) else {
                continue;
            };
            for object in labelled(client, resource, namespace, SELECTOR)? {
                found.push(Controller {
                    resource: resource.clone(),
                    object,
                });
            }
        }
        Ok(found)
    }

    pub fn replicas(&self) -> i64 {
        let replicas = self.object.at(&["spec", "replicas"]);
        replicas.and_then(Value::as_i64).unwrap_or(1)
    }

    pub fn image(&self) -> &str {
        let containers = ["spec", "template", "spec", "containers"];
        let containers = self.object.at(&containers).and_then(Value::as_seq);
        let first = containers.and_then(|containers| containers.first());
        first
            .and_then(|container| container.get("image")?.as_str())
            .unwrap_or_default()
    }

    /// Scales it to zero, and waits until its pods are gone.
    pub fn rest(&self, client: &Client, dry_run: bool) -> anyhow::Result<()> {
        if self.replicas() == 0 {
            return Ok(());
        }
        let replicas = Value::from(self.replicas().to_string());
        self.scale(client, 0, replicas, dry_run)?;
        if dry_run {
            return Ok(());
        }
        let until = Instant::now() + LONGEST;
        loop {
            let live = client.get(&self.resource, self.object.namespace(), self.object.name())?;
            let left = live.at(&["status", "replicas"]).and_then(Value::as_i64);
            if left.unwrap_or(0) == 0 {
                return Ok(());
            }
            if Instant::now() > until {
                bail!("{self}: its pods are not gone after {LONGEST:?}; nothing was taken over");
            }
            thread::sleep(PAUSE);
        }
    }

    /// Scales it to what it was before it was laid to rest.
    pub fn wake(&self, client: &Client, dry_run: bool) -> anyhow::Result<()> {
        if self.replicas() > 0 {
            return Ok(());
        }
        let before = self.object.annotation(REPLICAS);
        let before = before.and_then(|text| text.parse().ok()).unwrap_or(1);
        self.scale(client, before, Value::Null, dry_run)
    }

    fn scale(
        &self,
        client: &Client,
        replicas: i64,
        before: Value,
        dry_run: bool,
    ) -> anyhow::Result<()> {
        let one = |key: &str, value: Value| Value::Map(Map::from_iter([(key, value)]));
        let patch = Value::Map(Map::from_iter([
            ("metadata", one("annotations", one(REPLICAS, before))),
            ("spec", one("replicas", Value::from(replicas))),
        ]));
        let options = WriteOptions {
            dry_run,
            ..WriteOptions::by(CLI_MANAGER)
        };
        let (namespace, name) = (self.object.namespace(), self.object.name());
        client.patch(
            &self.resource,
            namespace,
            name,
            &Patch::Merge(patch),
            &options,
        )?;
        Ok(())
    }
}

/// Two that reconcile the same objects would take them from one another.
pub fn refuse_beside_agent(client: &Client, namespace: &str) -> anyhow::Result<()> {
    let discovery = client.discover(None)?;
    for kind in ["DaemonSet", "Deployment"] {
        let Some(resource) = discovery.preferred("apps", kind) else {
            continue;
        };
        for object in labelled(client, resource, namespace, AGENT_SELECTOR)? {
            let replicas = object.at(&["spec", "replicas"]).and_then(Value::as_i64);
            if replicas != Some(0) {
                bail!(
                    "{kind} {namespace}/{} runs the agent: delete it first (its Applications stay), or scale it to zero",
                    object.name()
                );
            }
        }
    }
    let lease = Gvk::new("coordination.k8s.io", "v1", "Lease");
    let Some(resource) = discovery.resource(&lease) else {
        return Ok(());
    };
    let Some(lease) = client.find(resource, namespace, "drupelet")? else {
        return Ok(());
    };
    let text = |path: &[&str]| lease.at(path).and_then(Value::as_str).unwrap_or_default();
    let holder = text(&["spec", "holderIdentity"]);
    let renewed = text(&["spec", "renewTime"]).parse::<jiff::Timestamp>();
    let duration = lease.at(&["spec", "leaseDurationSeconds"]);
    let duration = duration.and_then(Value::as_i64).unwrap_or(0);
    let runs = renewed
        .is_ok_and(|renewed| renewed.as_second() + duration > jiff::Timestamp::now().as_second());
    if !holder.is_empty() && runs {
        bail!("the agent of {holder} holds the Lease {namespace}/drupelet: stop it first");
    }
    Ok(())
}

fn labelled(
    client: &Client,
    resource: &Resource,
    namespace: &str,
    selector: &str,
) -> anyhow::Result<Vec<Object>> {
    let options = ListOptions {
        namespace: namespace.to_owned(),
        label_selector: selector.to_owned(),
        ..ListOptions::default()
    };
    Ok(client.list_all(resource, &options)?.0)
}
