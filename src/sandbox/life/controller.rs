use crate::sandbox::catalog::Resource;
use crate::sandbox::cluster::Cluster;
use crate::sandbox::convert;
use crate::sandbox::discovery::version_order;
use crate::sandbox::rules;
use crate::sandbox::store::Stored;
use crate::sandbox::verbs::{
    DeleteOptions, Propagation, Target, Tracking, Validation, WriteOptions, Written,
    complete_create, complete_update, delete_one,
};
use crate::value::{Map, Value};
use std::rc::Rc;

/// Whose name stands in managedFields.
pub struct Controller<'a> {
    pub manager: &'a str,
}

pub const MANAGER: Controller<'static> = Controller {
    manager: "kube-controller-manager",
};
pub const KUBELET: Controller<'static> = Controller { manager: "kubelet" };

pub fn text<'a>(value: &'a Value, path: &[&str]) -> &'a str {
    value.at(path).and_then(Value::as_str).unwrap_or_default()
}

pub fn number(value: &Value, path: &[&str]) -> Option<i64> {
    value.at(path).and_then(Value::as_i64)
}

/// The newest version of a kind, in the form of the store.
pub fn resource_of(cluster: &Cluster, shelf: &str) -> Option<Rc<Resource>> {
    cluster
        .catalog
        .all()
        .filter(|resource| &*resource.shelf == shelf && convert::is_hub(resource))
        .min_by_key(|resource| version_order(&resource.version))
        .cloned()
}

/// An object as its controller sees it.
pub fn read(cluster: &Cluster, shelf: &str, stored: &Stored) -> Value {
    match resource_of(cluster, shelf) {
        Some(resource) => convert::from_store(&resource, stored),
        None => stored.to_value("", ""),
    }
}

/// A refusal is no fault of a controller: the object went meanwhile, or its
/// namespace does.
impl Controller<'_> {
    fn options(&self) -> WriteOptions {
        WriteOptions {
            manager: self.manager.to_owned(),
            dry_run: false,
            validation: Validation::Ignore,
        }
    }

    pub fn create(
        &self,
        cluster: &mut Cluster,
        shelf: &str,
        namespace: &str,
        mut object: Value,
    ) -> Option<Written> {
        let resource = resource_of(cluster, shelf)?;
        if let Some(root) = object.as_map_mut() {
            root.insert("apiVersion", resource.api_version());
            root.insert("kind", resource.kind.as_str());
        }
        let target = Target {
            resource: &resource,
            namespace,
            name: "",
            subresource: "",
        };
        rules::decode(&resource, &mut object).ok()?;
        rules::default(&resource, &mut object);
        complete_create(cluster, target, object, &self.options(), Tracking::Update).ok()
    }

    /// Changes an object, or by a subresource a part of it; no write where
    /// nothing changes.
    pub fn change(
        &self,
        cluster: &mut Cluster,
        shelf: &str,
        stored: &Stored,
        subresource: &str,
        change: impl FnOnce(&mut Value),
    ) -> Option<Written> {
        let resource = resource_of(cluster, shelf)?;
        let live = convert::from_store(&resource, stored);
        let mut object = live.clone();
        change(&mut object);
        if object == live {
            return None;
        }
        rules::decode(&resource, &mut object).ok()?;
        if object == live {
            return None;
        }
        let target = Target {
            resource: &resource,
            namespace: &stored.namespace,
            name: &stored.name,
            subresource,
        };
        let options = self.options();
        complete_update(cluster, target, &live, object, &options, Tracking::Update).ok()
    }

    /// Changes the status alone.
    pub fn set_status(
        &self,
        cluster: &mut Cluster,
        shelf: &str,
        stored: &Stored,
        change: impl FnOnce(&mut Map),
    ) -> Option<Written> {
        self.change(cluster, shelf, stored, "status", |object| {
            if let Some(root) = object.as_map_mut() {
                change(root.entry_map("status"));
            }
        })
    }
}

pub fn delete(cluster: &mut Cluster, shelf: &str, stored: &Stored) {
    if let Some(resource) = resource_of(cluster, shelf) {
        let options = DeleteOptions {
            propagation: Some(Propagation::Background),
            ..DeleteOptions::default()
        };
        // Refused only where it is gone already.
        let _ = delete_one(cluster, &resource, stored, &options);
    }
}

/// The owners of an object look again when the object changes: one may be its
/// controller, another may wait for it to go.
pub fn touch_owner(cluster: &mut Cluster, stored: &Stored) {
    if stored.owners.is_empty() {
        return;
    }
    let object = stored.to_value("", "");
    let references = object.at(&["metadata", "ownerReferences"]);
    for reference in references.and_then(Value::as_seq).unwrap_or_default() {
        let api_version = text(reference, &["apiVersion"]);
        let group = api_version.split_once('/').map_or("", |(group, _)| group);
        let kind = text(reference, &["kind"]);
        if let Some(resource) = cluster.catalog.find_group_kind(group, kind).cloned() {
            let name = text(reference, &["name"]);
            cluster.life.touch(&resource.shelf, &stored.namespace, name);
        }
    }
}

/// `ownerReferences` with the one controller.
pub fn owned_by(cluster: &Cluster, shelf: &str, owner: &Stored) -> Value {
    let mut reference = Map::new();
    if let Some(resource) = resource_of(cluster, shelf) {
        reference.insert("apiVersion", resource.api_version());
        reference.insert("kind", resource.kind.as_str());
    }
    reference.insert("name", &*owner.name);
    reference.insert("uid", &*owner.uid);
    reference.insert("controller", true);
    reference.insert("blockOwnerDeletion", true);
    Value::Seq(vec![Value::Map(reference)])
}

/// Objects of a shelf that name an owner.
pub fn owned(cluster: &Cluster, shelf: &str, owner: &Stored) -> Vec<Rc<Stored>> {
    cluster
        .store
        .in_namespace(shelf, &owner.namespace)
        .filter(|stored| stored.owners.contains(&owner.uid))
        .cloned()
        .collect()
}

/// Sets a condition; its time moves only with its status.
pub fn set_condition(
    status: &mut Map,
    kind: &str,
    value: &str,
    reason: &str,
    message: &str,
    now: &str,
) {
    let list = status.entry("conditions", || Value::Seq(Vec::new()));
    if list.as_seq().is_none() {
        *list = Value::Seq(Vec::new());
    }
    let Some(list) = list.as_seq_mut() else {
        return;
    };
    let at = list.iter().position(|c| text(c, &["type"]) == kind);
    let mut condition = match at {
        Some(at) => list[at].as_map().cloned().unwrap_or_default(),
        None => Map::new(),
    };
    let is_same = condition.get("status").and_then(Value::as_str) == Some(value);
    condition.insert("type", kind);
    condition.insert("status", value);
    for (key, text) in [("reason", reason), ("message", message)] {
        if text.is_empty() {
            condition.remove(key);
        } else {
            condition.insert(key, text);
        }
    }
    if !is_same {
        condition.insert("lastTransitionTime", now);
    }
    match at {
        Some(at) => list[at] = Value::Map(condition),
        None => list.push(Value::Map(condition)),
    }
}

/// A number that stands for how a template looks: eight letters as in the
/// names of ReplicaSets.
pub fn template_hash(template: &Value) -> String {
    use sha2::{Digest, Sha256};
    const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    Sha256::digest(template.to_json())
        .iter()
        .take(9)
        .map(|byte| LETTERS[usize::from(*byte) % LETTERS.len()] as char)
        .collect()
}
