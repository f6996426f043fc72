//! Ingresses get an address; APIServices are available.

use super::controller::{Controller, set_condition};
use super::pod::fail_reason;
use crate::sandbox::cluster::Cluster;
use crate::sandbox::store::Stored;
use crate::value::{Map, Value};

const INGRESSES: &str = "networking.k8s.io/ingresses";
const API_SERVICES: &str = "apiregistration.k8s.io/apiservices";
/// Where all ingresses are reached; of RFC 5737's addresses for examples.
const INGRESS_ADDRESS: &str = "198.51.100.1";

const INGRESS_CONTROLLER: Controller<'static> = Controller {
    manager: "sandbox-ingress",
};
const AGGREGATOR: Controller<'static> = Controller {
    manager: "kube-apiserver",
};

pub fn look(cluster: &mut Cluster, stored: &Stored) {
    let ingress = stored.to_value("", "");
    let has_address = ingress.at(&["status", "loadBalancer", "ingress"]).is_some();
    if stored.is_deleting || has_address || fail_reason(stored).is_some() {
        return;
    }
    INGRESS_CONTROLLER.set_status(cluster, INGRESSES, stored, |status| {
        let mut entry = Map::new();
        entry.insert("ip", INGRESS_ADDRESS);
        status
            .entry_map("loadBalancer")
            .insert("ingress", vec![Value::Map(entry)]);
    });
}

pub fn look_at_api_service(cluster: &mut Cluster, stored: &Stored) {
    let service = stored.to_value("", "");
    if stored.is_deleting {
        return;
    }
    let is_local = service.at(&["spec", "service"]).is_none_or(Value::is_null);
    let now = cluster.clock.seconds();
    let failed = fail_reason(stored);
    AGGREGATOR.set_status(cluster, API_SERVICES, stored, |status| {
        let (value, reason, message) = match (&failed, is_local) {
            (Some(text), _) => ("False", "FailedDiscoveryCheck", text.as_str()),
            (None, true) => ("True", "Local", "Local APIServices are always available"),
            (None, false) => ("True", "Passed", "all checks passed"),
        };
        set_condition(status, "Available", value, reason, message, &now);
    });
}
