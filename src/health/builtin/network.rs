use crate::health::fields::{items, text};
use crate::health::{Health, HealthStatus};
use crate::object::Object;

const ADDRESSES: &[&str] = &["status", "loadBalancer", "ingress"];

/// A load balancer needs an address; every other Service is as it should be.
pub fn service(object: &Object) -> Health {
    let waits = text(object, &["spec", "type"]) == "LoadBalancer";
    judge(waits && items(object, ADDRESSES).is_empty())
}

/// An Ingress needs an address, unless its controller is one that never
/// writes any: Traefik, as k3s brings it (argo-cd#14607).
pub fn ingress(object: &Object) -> Health {
    let class = match text(object, &["spec", "ingressClassName"]) {
        "" => object
            .annotation("kubernetes.io/ingress.class")
            .unwrap_or_default(),
        class => class,
    };
    judge(items(object, ADDRESSES).is_empty() && class != "traefik")
}

fn judge(is_waiting: bool) -> Health {
    let status = match is_waiting {
        true => HealthStatus::Progressing,
        false => HealthStatus::Healthy,
    };
    Health::new(status, "")
}
