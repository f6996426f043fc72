//! Between the served versions of a kind and the one that lies in the store.
//!
//! Most versions of a kind differ in their name alone. The few whose shape
//! changed have a file each; all others go through as they are.
//!
//! Invariant: `from_store(to_hub(x))` in the same version gives x back, but
//! for fields that the newer version cannot hold.

mod autoscaler;
mod crd;
mod event;
mod ingress;
mod slice;

use super::catalog::Resource;
use super::store::Stored;
use crate::value::Value;

/// A pair of functions for a version whose shape is not that of the hub.
struct Shape {
    to_hub: fn(&mut Value),
    from_hub: fn(&mut Value),
}

fn shape(resource: &Resource) -> Option<Shape> {
    let found = match (
        resource.group.as_str(),
        resource.version.as_str(),
        resource.plural.as_str(),
    ) {
        ("extensions" | "networking.k8s.io", "v1beta1", "ingresses") => Shape {
            to_hub: ingress::to_hub,
            from_hub: ingress::from_hub,
        },
        ("autoscaling", "v1", "horizontalpodautoscalers") => Shape {
            to_hub: autoscaler::v1_to_hub,
            from_hub: autoscaler::v1_from_hub,
        },
        ("autoscaling", "v2beta1", "horizontalpodautoscalers") => Shape {
            to_hub: autoscaler::v2beta1_to_hub,
            from_hub: autoscaler::v2beta1_from_hub,
        },
        ("apiextensions.k8s.io", "v1beta1", "customresourcedefinitions") => Shape {
            to_hub: crd::to_hub,
            from_hub: crd::from_hub,
        },
        ("events.k8s.io", _, "events") => Shape {
            to_hub: event::to_hub,
            from_hub: event::from_hub,
        },
        ("discovery.k8s.io", "v1beta1", "endpointslices") => Shape {
            to_hub: slice::to_hub,
            from_hub: slice::from_hub,
        },
        _ => return None,
    };
    Some(found)
}

/// True where objects of this version look as they lie in the store.
pub fn is_hub(resource: &Resource) -> bool {
    shape(resource).is_none()
}

pub fn to_hub(resource: &Resource, mut object: Value) -> Value {
    if let Some(shape) = shape(resource) {
        (shape.to_hub)(&mut object);
    }
    object
}

/// A stored object in the version of a resource.
pub fn from_store(resource: &Resource, stored: &Stored) -> Value {
    let mut object = stored.to_value(&resource.api_version(), &resource.kind);
    if let Some(shape) = shape(resource) {
        (shape.from_hub)(&mut object);
    }
    object
}

/// Resources of old groups that live on under a new one.
pub fn shelf_of(group: &str, plural: &str) -> String {
    let group = match (group, plural) {
        ("extensions", "deployments" | "daemonsets" | "replicasets") => "apps",
        ("extensions", "ingresses" | "networkpolicies") => "networking.k8s.io",
        ("extensions", "podsecuritypolicies") => "policy",
        ("events.k8s.io", "events") => "",
        (group, _) => group,
    };
    format!("{group}/{plural}")
}
