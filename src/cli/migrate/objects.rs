//! The objects of all applications, one by one: managers, label and
//! last-applied-configuration are written, nothing else.

use super::survey::Found;
use crate::agent::{Clusters, Meant};
use crate::app::{Application, ResourceStatus};
use crate::diff::{ARGOCD_MANAGER, Applier, Step, hand_back_step, take_over_step};
use crate::kube::{Client, Discovery, Patch, Resource, WriteOptions};
use crate::object::{Gvk, Object, names};
use std::collections::BTreeMap;
use std::sync::Arc;

/// So many writes one object gets, those that others outran among them.
const ATTEMPTS: usize = 6;

/// What became of the objects.
#[derive(Debug, Default)]
pub struct Counts {
    written: usize,
    unchanged: usize,
    missing: usize,
    /// They belong to another application, or to nobody.
    others: usize,
    pub faults: Vec<String>,
}

impl Counts {
    pub fn text(&self, hand_back: bool, dry_run: bool) -> String {
        let what = match hand_back {
            true => "handed back",
            false => "taken over",
        };
        let dry = super::super::objects::dry(dry_run);
        format!(
            "{} objects {what}{dry}, {} were so already, {} are of others, {} are not there\n",
            self.written, self.unchanged, self.others, self.missing
        )
    }
}

pub fn take_over(client: &Client, found: &Found, dry_run: bool) -> anyhow::Result<Counts> {
    let options = options(names::FIELD_MANAGER, dry_run);
    each(client, found, &options, &|_, live| take_over_step(live))
}

pub fn hand_back(client: &Client, found: &Found, dry_run: bool) -> anyhow::Result<Counts> {
    let options = options(ARGOCD_MANAGER, dry_run);
    each(client, found, &options, &|app, live| {
        let own = crate::app::resource_options(live);
        let applier = match app.spec.sync_options().overlaid(&own).server_side_apply {
            Some(true) => Applier::Server,
            Some(false) | None => Applier::Client,
        };
        hand_back_step(live, applier)
    })
}

/// Who takes an object over writes it.
fn options(manager: &str, dry_run: bool) -> WriteOptions {
    WriteOptions {
        dry_run,
        ..WriteOptions::by(manager)
    }
}

type Change<'a> = &'a dyn Fn(&Application, &Object) -> Option<Step>;

/// A cluster, and what it serves.
type Reached = (Client, Arc<Discovery>);

fn each(
    client: &Client,
    found: &Found,
    options: &WriteOptions,
    change: Change<'_>,
) -> anyhow::Result<Counts> {
    let mut counts = Counts::default();
    let mut reached: BTreeMap<String, Result<Reached, String>> = BTreeMap::new();
    for app in found
        .applications
        .iter()
        .filter_map(|app| app.read.as_ref().ok())
    {
        let place = match cluster_of(app, &found.clusters) {
            Ok(cluster) => cluster,
            Err(why) => {
                counts
                    .faults
                    .push(format!("application {}: {why}", app.name));
                continue;
            }
        };
        let connected = reached
            .entry(
                place
                    .as_ref()
                    .map_or_else(String::new, |c| c.server.clone()),
            )
            .or_insert_with(|| connect(client, place.as_deref()));
        let (client, discovery) = match connected {
            Ok((client, discovery)) => (&*client, &*discovery),
            Err(why) => {
                counts
                    .faults
                    .push(format!("application {}: {why}", app.name));
                continue;
            }
        };
        let writer = Writer {
            client,
            app,
            instance: app.instance_name(&found.namespace),
            found,
            options,
        };
        for status in &app.status.resources {
            let gvk = Gvk::new(&status.group, &status.version, &status.kind);
            let resource = discovery
                .resource(&gvk)
                .or_else(|| discovery.preferred(&status.group, &status.kind));
            let Some(resource) = resource else {
                counts.missing += 1;
                continue;
            };
            writer.write(resource, status, change, &mut counts);
        }
    }
    Ok(counts)
}

struct Writer<'a> {
    client: &'a Client,
    app: &'a Application,
    instance: String,
    found: &'a Found,
    options: &'a WriteOptions,
}

impl Writer<'_> {
    fn write(
        &self,
        resource: &Resource,
        status: &ResourceStatus,
        change: Change<'_>,
        counts: &mut Counts,
    ) {
        let (namespace, name) = (status.namespace.as_str(), status.name.as_str());
        let (mut problem, mut is_written) = (None, false);
        for _ in 0..ATTEMPTS {
            let live = match self.client.find(resource, namespace, name) {
                Ok(Some(live)) => live,
                Ok(None) => {
                    counts.missing += 1;
                    return;
                }
                Err(error) => {
                    counts.faults.push(error.to_string());
                    return;
                }
            };
            if !self.found.config.tracking.is_of(&live, &self.instance) {
                counts.others += 1;
                return;
            }
            let Some(step) = change(self.app, &live) else {
                match is_written {
                    true => counts.written += 1,
                    false => counts.unchanged += 1,
                }
                return;
            };
            let options = WriteOptions {
                subresource: step.subresource.to_owned(),
                ..self.options.clone()
            };
            let patch = Patch::Json(step.patch);
            match self
                .client
                .patch(resource, namespace, name, &patch, &options)
            {
                Ok(_) if options.dry_run => {
                    counts.written += 1;
                    return;
                }
                Ok(_) => is_written = true,
                // Somebody wrote in between.
                Err(error) if error.is_invalid() || error.code() == 409 => {
                    problem = Some(error);
                }
                Err(error) => {
                    counts.faults.push(error.to_string());
                    return;
                }
            }
        }
        counts.faults.extend(problem.map(|error| error.to_string()));
    }
}

/// `None`: the cluster where the Applications are.
fn cluster_of(
    app: &Application,
    clusters: &Clusters,
) -> Result<Option<Arc<crate::agent::ClusterSecret>>, String> {
    Ok(match clusters.meant(&app.spec.destination)? {
        Meant::Own(_) => None,
        Meant::Other(cluster) => Some(cluster.clone()),
    })
}

fn connect(own: &Client, cluster: Option<&crate::agent::ClusterSecret>) -> Result<Reached, String> {
    let client = match cluster {
        None => own.clone(),
        Some(cluster) => Client::new(cluster.config.clone()?).map_err(|error| error.to_string())?,
    };
    let discovery = client.discover(None).map_err(|error| error.to_string())?;
    Ok((client, discovery))
}
