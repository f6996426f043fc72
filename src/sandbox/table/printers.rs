//! Which kind has which columns: those of kube-apiserver 1.34
//! (pkg/printers/internalversion) for the kinds that people look at.

use super::cell::Row;
use super::{network, plain, storage, workload};
use crate::value::Value;

/// Name and type; those behind `wide` have the priority 1.
pub struct Printer {
    pub columns: &'static [(&'static str, &'static str)],
    pub wide: &'static [(&'static str, &'static str)],
    pub cells: fn(Row<'_>) -> Vec<Value>,
}

const S: &str = "string";
const I: &str = "integer";
const B: &str = "boolean";
const CONTAINERS: &[(&str, &str)] = &[("Containers", S), ("Images", S), ("Selector", S)];
const SUBJECTS: &[(&str, &str)] = &[("Users", S), ("Groups", S), ("ServiceAccounts", S)];

const fn printer(
    columns: &'static [(&'static str, &'static str)],
    wide: &'static [(&'static str, &'static str)],
    cells: fn(Row<'_>) -> Vec<Value>,
) -> Printer {
    Printer {
        columns,
        wide,
        cells,
    }
}

/// The printer of what lies on a shelf.
pub fn of(shelf: &str) -> Option<Printer> {
    const NAME: (&str, &str) = ("Name", S);
    const AGE: (&str, &str) = ("Age", S);
    let found = match shelf {
        "/pods" => printer(
            &[NAME, ("Ready", S), ("Status", S), ("Restarts", S), AGE],
            &[
                ("IP", S),
                ("Node", S),
                ("Nominated Node", S),
                ("Readiness Gates", S),
            ],
            workload::pod,
        ),
        "apps/deployments" => printer(
            &[NAME, ("Ready", S), ("Up-to-date", S), ("Available", S), AGE],
            CONTAINERS,
            workload::deployment,
        ),
        "apps/replicasets" => printer(
            &[NAME, ("Desired", I), ("Current", I), ("Ready", I), AGE],
            CONTAINERS,
            workload::replica_set,
        ),
        "/replicationcontrollers" => printer(
            &[NAME, ("Desired", I), ("Current", I), ("Ready", I), AGE],
            CONTAINERS,
            workload::replication_controller,
        ),
        "apps/statefulsets" => printer(
            &[NAME, ("Ready", S), AGE],
            &[("Containers", S), ("Images", S)],
            workload::stateful_set,
        ),
        "apps/daemonsets" => printer(
            &[
                NAME,
                ("Desired", I),
                ("Current", I),
                ("Ready", I),
                ("Up-to-date", I),
                ("Available", I),
                ("Node Selector", S),
                AGE,
            ],
            CONTAINERS,
            workload::daemon_set,
        ),
        "batch/jobs" => printer(
            &[
                NAME,
                ("Status", S),
                ("Completions", S),
                ("Duration", S),
                AGE,
            ],
            CONTAINERS,
            workload::job,
        ),
        "batch/cronjobs" => printer(
            &[
                NAME,
                ("Schedule", S),
                ("Timezone", S),
                ("Suspend", B),
                ("Active", I),
                ("Last Schedule", S),
                AGE,
            ],
            CONTAINERS,
            workload::cron_job,
        ),
        "autoscaling/horizontalpodautoscalers" => printer(
            &[
                NAME,
                ("Reference", S),
                ("Targets", S),
                ("MinPods", S),
                ("MaxPods", S),
                ("Replicas", S),
                AGE,
            ],
            &[],
            workload::autoscaler,
        ),
        "policy/poddisruptionbudgets" => printer(
            &[
                NAME,
                ("Min Available", S),
                ("Max Unavailable", S),
                ("Allowed Disruptions", I),
                AGE,
            ],
            &[],
            workload::budget,
        ),
        "/services" => printer(
            &[
                NAME,
                ("Type", S),
                ("Cluster-IP", S),
                ("External-IP", S),
                ("Port(s)", S),
                AGE,
            ],
            &[("Selector", S)],
            network::service,
        ),
        "networking.k8s.io/ingresses" => printer(
            &[
                NAME,
                ("Class", S),
                ("Hosts", S),
                ("Address", S),
                ("Ports", S),
                AGE,
            ],
            &[],
            network::ingress,
        ),
        "networking.k8s.io/ingressclasses" => printer(
            &[NAME, ("Controller", S), ("Parameters", S), AGE],
            &[],
            network::ingress_class,
        ),
        "networking.k8s.io/networkpolicies" => {
            printer(&[NAME, ("Pod-Selector", S), AGE], &[], network::policy)
        }
        "/endpoints" => printer(&[NAME, ("Endpoints", S), AGE], &[], network::endpoints),
        "discovery.k8s.io/endpointslices" => printer(
            &[
                NAME,
                ("AddressType", S),
                ("Ports", S),
                ("Endpoints", S),
                AGE,
            ],
            &[],
            network::slice,
        ),
        "apiregistration.k8s.io/apiservices" => printer(
            &[NAME, ("Service", S), ("Available", S), AGE],
            &[],
            network::api_service,
        ),
        "/persistentvolumes" => printer(
            &[
                NAME,
                ("Capacity", S),
                ("Access Modes", S),
                ("Reclaim Policy", S),
                ("Status", S),
                ("Claim", S),
                ("StorageClass", S),
                ("VolumeAttributesClass", S),
                ("Reason", S),
                AGE,
            ],
            &[("VolumeMode", S)],
            storage::volume,
        ),
        "/persistentvolumeclaims" => printer(
            &[
                NAME,
                ("Status", S),
                ("Volume", S),
                ("Capacity", S),
                ("Access Modes", S),
                ("StorageClass", S),
                ("VolumeAttributesClass", S),
                AGE,
            ],
            &[("VolumeMode", S)],
            storage::claim,
        ),
        "storage.k8s.io/storageclasses" => printer(
            &[
                NAME,
                ("Provisioner", S),
                ("ReclaimPolicy", S),
                ("VolumeBindingMode", S),
                ("AllowVolumeExpansion", S),
                AGE,
            ],
            &[],
            storage::storage_class,
        ),
        "storage.k8s.io/csidrivers" => printer(
            &[
                NAME,
                ("AttachRequired", B),
                ("PodInfoOnMount", B),
                ("StorageCapacity", B),
                ("TokenRequests", S),
                ("RequiresRepublish", B),
                ("Modes", S),
                AGE,
            ],
            &[],
            storage::driver,
        ),
        "/namespaces" => printer(&[NAME, ("Status", S), AGE], &[], plain::namespace),
        "/configmaps" => printer(&[NAME, ("Data", S), AGE], &[], plain::config_map),
        "/secrets" => printer(&[NAME, ("Type", S), ("Data", S), AGE], &[], plain::secret),
        "/serviceaccounts" => printer(&[NAME, ("Secrets", S), AGE], &[], plain::service_account),
        "/nodes" => printer(
            &[NAME, ("Status", S), ("Roles", S), AGE, ("Version", S)],
            &[
                ("Internal-IP", S),
                ("External-IP", S),
                ("OS-Image", S),
                ("Kernel-Version", S),
                ("Container-Runtime", S),
            ],
            plain::node,
        ),
        "rbac.authorization.k8s.io/rolebindings"
        | "rbac.authorization.k8s.io/clusterrolebindings" => {
            printer(&[NAME, ("Role", S), AGE], SUBJECTS, plain::role_binding)
        }
        "rbac.authorization.k8s.io/roles"
        | "rbac.authorization.k8s.io/clusterroles"
        | "apiextensions.k8s.io/customresourcedefinitions" => {
            printer(&[NAME, ("Created At", "date")], &[], plain::created)
        }
        "coordination.k8s.io/leases" => printer(&[NAME, ("Holder", S), AGE], &[], plain::lease),
        "scheduling.k8s.io/priorityclasses" => printer(
            &[NAME, ("Value", I), ("Global-Default", B), AGE],
            &[("PreemptionPolicy", S)],
            plain::priority_class,
        ),
        "node.k8s.io/runtimeclasses" => {
            printer(&[NAME, ("Handler", S), AGE], &[], plain::runtime_class)
        }
        "admissionregistration.k8s.io/mutatingwebhookconfigurations"
        | "admissionregistration.k8s.io/validatingwebhookconfigurations" => {
            printer(&[NAME, ("Webhooks", I), AGE], &[], plain::webhooks)
        }
        "/resourcequotas" => printer(
            &[NAME, ("Request", S), ("Limit", S), AGE],
            &[],
            plain::quota,
        ),
        "storage.k8s.io/volumeattributesclasses" | "resource.k8s.io/deviceclasses" => {
            printer(&[NAME, AGE], &[], plain::named)
        }
        _ => return None,
    };
    Some(found)
}

/// The columns of events, of which some in the middle are wide.
pub const EVENT_COLUMNS: &[(&str, &str, i64)] = &[
    ("Last Seen", S, 0),
    ("Type", S, 0),
    ("Reason", S, 0),
    ("Object", S, 0),
    ("Subobject", S, 1),
    ("Source", S, 1),
    ("Message", S, 0),
    ("First Seen", S, 1),
    ("Count", S, 1),
    ("Name", S, 1),
];
