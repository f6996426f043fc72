//! `lookup` of charts, answered by the cluster that an application goes to.
//!
//! Invariant: nothing is read that the application's project would not let it
//! write; nothing is read at all unless `--helm-lookup` turns it on.

use super::permissions::Permits;
use crate::helm::Lookup;
use crate::kube::{Client, Discovery, ListOptions};
use crate::object::{Gvk, ResourceKey};
use crate::project::Refusal;
use crate::value::{Map, Value};

/// How many different things one render may look up.
pub(super) const MAX_LOOKUPS: usize = 64;
/// How much the objects of one list may come to, as JSON.
const MAX_LIST_BYTES: usize = 4 << 20;

/// Answers a lookup of a render.
pub type Look<'a> = &'a dyn Fn(&Lookup) -> Result<Value, String>;

/// The object or the list; an empty mapping where the object is not there.
pub(super) fn look_up(
    lookup: &Lookup,
    client: &Client,
    discovery: &Discovery,
    permits: &Permits,
) -> Result<Value, String> {
    let (group, version) = match lookup.api_version.split_once('/') {
        Some((group, version)) => (group, version),
        None => ("", lookup.api_version.as_str()),
    };
    let gvk = Gvk::new(group, version, &lookup.kind);
    let resource = discovery
        .resource(&gvk)
        .ok_or_else(|| "the cluster does not serve this kind".to_owned())?;
    let namespace = match resource.namespaced {
        true => lookup.namespace.as_str(),
        false => "",
    };
    let key = |namespace: &str, name: &str| ResourceKey {
        group: group.to_owned(),
        kind: lookup.kind.clone(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    };
    match permits.check(&key(namespace, &lookup.name), resource.namespaced) {
        Ok(()) => {}
        // Of all namespaces, those that the project has are looked at.
        Err(Refusal::Namespace { .. }) if namespace.is_empty() => {}
        Err(refusal) => return Err(refusal.to_string()),
    }
    let nothing = || Value::Map(Map::new());
    if !lookup.name.is_empty() {
        if resource.namespaced && namespace.is_empty() {
            return Ok(nothing());
        }
        let found = client.find(resource, namespace, &lookup.name);
        let found = found.map_err(|error| error.to_string())?;
        return Ok(found.map_or_else(nothing, |object| object.into_value()));
    }
    let options = ListOptions {
        namespace: namespace.to_owned(),
        limit: 500,
        ..ListOptions::default()
    };
    let mut items = Vec::new();
    let mut n_bytes = 0;
    client
        .list(resource, &options, &mut |object| {
            let own = key(object.namespace(), object.name());
            if permits.check(&own, resource.namespaced).is_ok() && n_bytes <= MAX_LIST_BYTES {
                let value = object.into_value();
                n_bytes += value.to_json().len();
                items.push(value);
            }
        })
        .map_err(|error| error.to_string())?;
    if n_bytes > MAX_LIST_BYTES {
        return Err(format!(
            "the list has more than {MAX_LIST_BYTES} bytes: name an object or a namespace"
        ));
    }
    let mut list = Map::new();
    list.insert("apiVersion", lookup.api_version.as_str());
    list.insert("kind", format!("{}List", lookup.kind));
    list.insert("metadata", Map::new());
    list.insert("items", items);
    Ok(Value::Map(list))
}
