//! The differences of one application, for somebody who asks: rendered and
//! compared on the spot, nothing kept.

use super::argocd_cm::ArgocdCm;
use super::compare::{CompareError, rules_for};
use super::kept::{Kept, Owner};
use super::rendering::{RenderJob, generated, render_application};
use super::sources::Sources;
use crate::app::Application;
use crate::diff::{Change, Scope, agrees, changes, mask_secret, prepare, scrub};
use crate::kube::{ApplyOptions, Client, FieldValidation, ListOptions, Resource};
use crate::object::{Object, ResourceKey, names};
use crate::render::Capabilities;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// One object that a sync would touch.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    pub key: ResourceKey,
    /// `missing`, `differs`, `extra`, or `refused`.
    pub what: &'static str,
    /// Secrets are masked.
    pub changes: Vec<Change>,
}

/// What a sync of the application would change now.
pub fn differences(
    client: &Client,
    app: &Application,
    control_namespace: &str,
    sources: &Sources,
) -> Result<Vec<Difference>, CompareError> {
    if !app.spec.destination.is_in_cluster() {
        return Err(CompareError::Invalid(vec![
            "the application goes to another cluster: what it would change there is not shown here"
                .to_owned(),
        ]));
    }
    let discovery = client.discover(None)?;
    let config = ArgocdCm::fetch(client, control_namespace)?;
    let instance = app.instance_name(control_namespace);
    let resolved = sources
        .resolve(app, true)
        .map_err(|error| CompareError::Render(error.to_string()))?;
    let load = |name: &str| generated(client, control_namespace, name);
    let owner = Owner::of(app, control_namespace, &instance);
    let kept = Kept::new(owner, &load, jiff::Timestamp::now().as_second());
    let rendered = render_application(&RenderJob {
        app,
        instance: &instance,
        resolved: &resolved,
        sources,
        capabilities: &Capabilities {
            kube_version: client.version()?.git_version,
            api_versions: discovery.api_versions(),
        },
        kept: &kept,
        look: None,
    })?;
    let mut found = Vec::new();
    let mut desired_keys = BTreeSet::new();
    let mut kinds: BTreeMap<(String, String), Arc<Resource>> = BTreeMap::new();
    for recorded in &app.status.resources {
        if let Some(resource) = discovery.preferred(&recorded.group, &recorded.kind) {
            let kind = (resource.group.clone(), resource.kind.clone());
            kinds.insert(kind, resource.clone());
        }
    }
    for located in rendered.objects {
        let gvk = located.object.gvk();
        let Some(resource) = discovery.resource(&gvk).cloned() else {
            let key = located.object.key();
            desired_keys.insert(key.clone());
            found.push(Difference {
                key,
                what: "refused",
                changes: vec![Change {
                    path: format!("kind {} of {} is not served", gvk.kind, gvk.api_version()),
                    live: None,
                    predicted: None,
                }],
            });
            continue;
        };
        let scope = if resource.namespaced {
            Scope::Namespaced
        } else {
            Scope::Cluster
        };
        let object = prepare(
            located.object,
            scope,
            &app.spec.destination.namespace,
            &config.tracking,
            &instance,
        );
        let key = object.key();
        desired_keys.insert(key.clone());
        if object.annotation(names::HOOK).is_none() && object.annotation(names::HELM_HOOK).is_none()
        {
            found.extend(difference(client, app, &config, &resource, object, key)?);
        }
        kinds.insert((resource.group.clone(), resource.kind.clone()), resource);
    }
    for resource in kinds.values() {
        let options = ListOptions {
            label_selector: format!("{}={}", names::MANAGED_LABEL, names::MANAGED_LABEL_VALUE),
            ..ListOptions::default()
        };
        client.list(resource, &options, &mut |object| {
            let is_extra = config.tracking.is_of(&object, &instance)
                && object.owner_references().is_empty()
                && !desired_keys.contains(&object.key());
            if is_extra {
                found.push(Difference {
                    key: object.key(),
                    what: "extra",
                    changes: Vec::new(),
                });
            }
        })?;
    }
    Ok(found)
}

fn difference(
    client: &Client,
    app: &Application,
    config: &ArgocdCm,
    resource: &Resource,
    desired: Object,
    key: ResourceKey,
) -> Result<Option<Difference>, CompareError> {
    let Some(live) = client.find(resource, desired.namespace(), desired.name())? else {
        return Ok(Some(Difference {
            key,
            what: "missing",
            changes: Vec::new(),
        }));
    };
    if agrees(&desired, &live, names::FIELD_MANAGER) {
        return Ok(None);
    }
    let options = ApplyOptions {
        force: true,
        dry_run: true,
        field_validation: FieldValidation::Strict,
        ..ApplyOptions::by(names::FIELD_MANAGER)
    };
    let predicted = match client.apply(resource, &desired, &options) {
        Ok(predicted) => predicted,
        Err(error) if error.is_retryable() => return Err(error.into()),
        Err(error) => {
            return Ok(Some(Difference {
                key,
                what: "refused",
                changes: vec![Change {
                    path: scrub(&error.to_string(), &desired),
                    live: None,
                    predicted: None,
                }],
            }));
        }
    };
    let ignore = rules_for(config, &app.spec.ignore_differences, &desired);
    let (mut live, mut predicted) = (Some(live), Some(predicted));
    mask_secret(&mut live, &mut predicted, &config.sensitive_annotations);
    let changes = match (&live, &predicted) {
        (Some(live), Some(predicted)) => changes(live, predicted, &ignore),
        _ => Vec::new(),
    };
    Ok((!changes.is_empty()).then_some(Difference {
        key,
        what: "differs",
        changes,
    }))
}
