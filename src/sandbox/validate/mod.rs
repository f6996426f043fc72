//! What is wrong with an object: the server's validation of the fields that
//! people get wrong, in the server's words and order.
//!
//! Invariant: what the real server accepts is accepted here; of what it
//! refuses the rarest faults pass.

mod checks;
mod formats;

mod meta;

mod config;
mod pod;
mod service;

mod job;
mod workload;

mod network;
mod rbac;
mod scaling;
mod storage;

use super::status::FieldError;
use crate::object::Gvk;
use crate::value::Value;
use checks::Check;

pub use meta::{custom_meta, custom_meta_update};

/// The faults of a new object of a built-in kind.
pub fn create(gvk: &Gvk, object: &Value) -> Vec<FieldError> {
    let mut check = Check::default();
    meta::create(&mut check, gvk, object);
    meta::known_finalizers(&mut check, object);
    kind(&mut check, gvk, object, None);
    check.into_faults()
}

/// The faults of a changed object: its own, and what may not change.
pub fn update(gvk: &Gvk, object: &Value, live: &Value) -> Vec<FieldError> {
    let mut check = Check::default();
    meta::update(&mut check, object, live);
    meta::known_finalizers(&mut check, object);
    kind(&mut check, gvk, object, Some(live));
    check.into_faults()
}

fn kind(check: &mut Check, gvk: &Gvk, object: &Value, live: Option<&Value>) {
    match (gvk.group.as_str(), gvk.kind.as_str()) {
        ("", "ConfigMap") => config::config_map(check, object, live),
        ("", "Secret") => config::secret(check, object, live),
        ("", "Service") => service::service(check, object, live),
        ("", "Pod") => pod::pod(check, object, live),
        ("", "PersistentVolumeClaim") => storage::claim(check, object, live),
        ("", "PersistentVolume") => storage::volume(check, object, live),
        ("storage.k8s.io", "StorageClass") => storage::class(check, object, live),
        ("apps", "Deployment") => workload::deployment(check, object, live),
        ("apps", "StatefulSet") => workload::stateful_set(check, object, live),
        ("apps", "DaemonSet") => workload::daemon_set(check, object, live),
        ("apps", "ReplicaSet") => workload::replica_set(check, object, live),
        ("batch", "Job") => job::job(check, object, live),
        ("batch", "CronJob") => job::cron_job(check, object, live),
        ("networking.k8s.io" | "extensions", "Ingress") => network::ingress(check, gvk, object),
        ("networking.k8s.io", "NetworkPolicy") => network::policy(check, object),
        ("networking.k8s.io", "IngressClass") => network::ingress_class(check, object, live),
        ("rbac.authorization.k8s.io", "Role" | "ClusterRole") => {
            rbac::role(check, object, gvk.kind == "Role");
        }
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => {
            rbac::binding(check, object, live, gvk.kind == "RoleBinding");
        }
        ("autoscaling", "HorizontalPodAutoscaler") => scaling::autoscaler(check, object),
        ("policy", "PodDisruptionBudget") => scaling::budget(check, object),
        ("scheduling.k8s.io", "PriorityClass") => scaling::priority_class(check, object, live),
        _ => {}
    }
}
