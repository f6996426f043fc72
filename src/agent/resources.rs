//! The kinds that the agent itself reads and writes: known without discovery.

use crate::app::{API_VERSION, APP_PROJECT, APPLICATION};
use crate::kube::{Resource, Verbs};
use crate::object::Gvk;

pub fn application_resource() -> Resource {
    custom_resource(APPLICATION, "applications")
}

pub fn project_resource() -> Resource {
    custom_resource(APP_PROJECT, "appprojects")
}

pub fn secret_resource() -> Resource {
    resource(Gvk::new("", "v1", "Secret"), "secrets")
}

pub fn config_map_resource() -> Resource {
    resource(Gvk::new("", "v1", "ConfigMap"), "configmaps")
}

fn custom_resource(kind: &str, plural: &str) -> Resource {
    let gvk = Gvk::parse(API_VERSION, kind).expect("a constant of the right form");
    resource(gvk, plural)
}

fn resource(gvk: Gvk, plural: &str) -> Resource {
    Resource {
        group: gvk.group,
        version: gvk.version,
        kind: gvk.kind,
        plural: plural.to_owned(),
        namespaced: true,
        verbs: Verbs::default(),
        has_status: false,
    }
}
