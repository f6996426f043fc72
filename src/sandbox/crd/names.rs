use super::serve::{SHELF, kinds_of};
use crate::sandbox::cluster::Cluster;
use crate::value::Value;

/// What the naming controller says of a definition.
pub enum Verdict {
    Accepted,
    /// Reason and message of `NamesAccepted=False`.
    Refused(&'static str, String),
}

/// Names may be taken by another definition of the same group.
pub fn judge(cluster: &Cluster, definition: &Value) -> Verdict {
    let text = |value: &Value, path: &[&str]| {
        value
            .at(path)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let group = text(definition, &["spec", "group"]);
    let name = text(definition, &["metadata", "name"]);
    let wanted = kinds_of(definition.at(&["spec", "names"]));
    for other in cluster.store.all(SHELF) {
        if *other.name == *name {
            continue;
        }
        let other = other.to_value("", "");
        if text(&other, &["spec", "group"]) != group {
            continue;
        }
        let taken = kinds_of(other.at(&["status", "acceptedNames"]));
        for resource in wanted.resources() {
            if taken.resources().any(|other| other == resource) {
                let (reason, what) = wanted.word(resource);
                return Verdict::Refused(reason, format!("{resource:?} is already in use{what}"));
            }
        }
        for (reason, kind) in [
            ("KindConflict", &wanted.kind),
            ("ListKindConflict", &wanted.list),
        ] {
            if [&taken.kind, &taken.list].contains(&kind) {
                return Verdict::Refused(reason, format!("{kind:?} is already in use"));
            }
        }
    }
    Verdict::Accepted
}
