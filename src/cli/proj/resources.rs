use super::{Which, add_to, change, take_from, text};
use crate::value::{Map, Value};
use clap::{Args, ValueEnum};
use std::process::ExitCode;

const CLUSTER_ALLOWED: &str = "clusterResourceWhitelist";
const CLUSTER_DENIED: &str = "clusterResourceBlacklist";
/// Absent it allows all kinds, empty it allows none.
pub const NAMESPACED_ALLOWED: &str = "namespaceResourceWhitelist";
const NAMESPACED_DENIED: &str = "namespaceResourceBlacklist";

#[derive(Clone, Copy, ValueEnum)]
enum List {
    /// What is in it is allowed
    Allow,
    /// What is in it is forbidden
    Deny,
}

#[derive(Args)]
#[command(
    after_help = "Examples:\n  drupelet proj allow-cluster-resource home '' Namespace\n  drupelet proj allow-cluster-resource home rbac.authorization.k8s.io '*'\n  drupelet proj deny-cluster-resource home '' Namespace --list deny\nallow adds to the list of what is allowed, or with --list deny takes out of the list of what is forbidden; deny the other way round."
)]
pub struct ClusterArguments {
    #[command(flatten)]
    kind: Kind,
    /// Which list is changed
    #[arg(short, long, value_enum, default_value = "allow")]
    list: List,
    #[command(flatten)]
    which: Which,
}

#[derive(Args)]
#[command(
    after_help = "Examples:\n  drupelet proj deny-namespace-resource home '' ResourceQuota\n  drupelet proj allow-namespace-resource home apps Deployment --list allow\ndeny adds to the list of what is forbidden, or with --list allow takes out of the list of what is allowed; allow the other way round. Without a list of what is allowed all kinds are; an empty one allows none."
)]
pub struct NamespaceArguments {
    #[command(flatten)]
    kind: Kind,
    /// Which list is changed
    #[arg(short, long, value_enum, default_value = "deny")]
    list: List,
    #[command(flatten)]
    which: Which,
}

#[derive(Args)]
struct Kind {
    /// The project
    name: String,
    /// API group, '' for the core group; or a pattern
    group: String,
    /// Kind, or a pattern
    kind: String,
}

impl Kind {
    fn is(&self, item: &Value) -> bool {
        text(item, "group") == self.group && text(item, "kind") == self.kind
    }

    fn add(&self, which: &Which, list: &str) -> anyhow::Result<ExitCode> {
        change(which, &self.name, |spec| {
            add_to(spec, list, group_kind(&self.group, &self.kind));
            Ok(())
        })
    }

    fn remove(&self, which: &Which, list: &str) -> anyhow::Result<ExitCode> {
        change(which, &self.name, |spec| {
            take_from(spec, list, |item| self.is(item));
            Ok(())
        })
    }
}

pub fn allow_cluster(arguments: &ClusterArguments) -> anyhow::Result<ExitCode> {
    let ClusterArguments { kind, list, which } = arguments;
    match list {
        List::Allow => kind.add(which, CLUSTER_ALLOWED),
        List::Deny => kind.remove(which, CLUSTER_DENIED),
    }
}

pub fn deny_cluster(arguments: &ClusterArguments) -> anyhow::Result<ExitCode> {
    let ClusterArguments { kind, list, which } = arguments;
    match list {
        List::Allow => kind.remove(which, CLUSTER_ALLOWED),
        List::Deny => kind.add(which, CLUSTER_DENIED),
    }
}

pub fn allow_namespaced(arguments: &NamespaceArguments) -> anyhow::Result<ExitCode> {
    let NamespaceArguments { kind, list, which } = arguments;
    match list {
        List::Allow => kind.add(which, NAMESPACED_ALLOWED),
        List::Deny => kind.remove(which, NAMESPACED_DENIED),
    }
}

pub fn deny_namespaced(arguments: &NamespaceArguments) -> anyhow::Result<ExitCode> {
    let NamespaceArguments { kind, list, which } = arguments;
    match list {
        List::Allow => kind.remove(which, NAMESPACED_ALLOWED),
        List::Deny => kind.add(which, NAMESPACED_DENIED),
    }
}

pub fn group_kind(group: &str, kind: &str) -> Value {
    Value::Map(Map::from_iter([("group", group), ("kind", kind)]))
}
