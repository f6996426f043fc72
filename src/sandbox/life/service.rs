//! Services of the type LoadBalancer get an address.

use super::controller::{Controller, text};
use super::pod::fail_reason;
use crate::sandbox::cluster::Cluster;
use crate::sandbox::store::Stored;
use crate::value::{Map, Value};

const SHELF: &str = "/services";
const CLOUD: Controller<'static> = Controller {
    manager: "sandbox-load-balancer",
};
/// Addresses that RFC 5737 keeps for examples.
const NETWORK: [u8; 3] = [192, 0, 2];

pub fn look(cluster: &mut Cluster, stored: &Stored) {
    if stored.is_deleting {
        return;
    }
    let service = stored.to_value("v1", "Service");
    let has_address = service.at(&["status", "loadBalancer", "ingress"]).is_some();
    let wants =
        text(&service, &["spec", "type"]) == "LoadBalancer" && fail_reason(stored).is_none();
    if wants == has_address {
        return;
    }
    let asked = text(&service, &["spec", "loadBalancerIP"]);
    let address = if asked.is_empty() {
        free_address(cluster)
    } else {
        asked.to_owned()
    };
    // ipMode came with 1.29.
    let has_mode = cluster.version.minor >= 29;
    CLOUD.set_status(cluster, SHELF, stored, |status| {
        let balancer = status.entry_map("loadBalancer");
        if wants {
            let mut entry = Map::new();
            entry.insert("ip", address);
            if has_mode {
                entry.insert("ipMode", "VIP");
            }
            balancer.insert("ingress", vec![Value::Map(entry)]);
        } else {
            balancer.remove("ingress");
        }
    });
}

/// The first that no other Service has.
fn free_address(cluster: &Cluster) -> String {
    let taken: Vec<String> = cluster
        .store
        .all(SHELF)
        .filter_map(|stored| {
            let service = stored.to_value("v1", "Service");
            let list = service.at(&["status", "loadBalancer", "ingress"])?;
            Some(text(list.as_seq()?.first()?, &["ip"]).to_owned())
        })
        .collect();
    let [a, b, c] = NETWORK;
    (1..=254)
        .map(|host| format!("{a}.{b}.{c}.{host}"))
        .find(|address| !taken.contains(address))
        .unwrap_or_else(|| format!("{a}.{b}.{c}.254"))
}
