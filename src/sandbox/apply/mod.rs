//! Who owns which field: server-side apply, and the tracking of all other
//! writes, as the real server's field manager does them (structured-merge-diff
//! v6 and apimachinery 0.34 are what is matched).
//!
//! ```text
//! live, config ── merge ── prune what was applied before ── conflicts? ──> new
//!                                                     └── managedFields
//! live, new (update, patch) ── compare ── take what changed ── managedFields
//! ```
//!
//! Invariant: managedFields is written here alone; objects come in and go out
//! in the form that Go would print them in (see `defaults`).

mod path;
mod set;

mod typed;

mod compare;
mod merge;

mod managers;

mod atomics;
mod ownership;

pub use ownership::Conflict;
pub use path::{PathElement, path_text};
pub use set::FieldSet;

use crate::object::names::LAST_APPLIED;
use crate::sandbox::schema::Schema;
use crate::value::{Map, Value};
use managers::{ManagerId, Managers, Operation};
use ownership::Updater;

/// Update entries beyond this many are merged into one.
const MAX_UPDATERS: usize = 10;
const OLD_UPDATERS: &str = "ancient-changes";
const BEFORE_FIRST_APPLY: &str = "before-first-apply";

/// Who writes, where, and when.
pub struct Writer<'a> {
    pub manager: &'a str,
    /// "apps/v1"
    pub api_version: &'a str,
    /// "" for the resource itself.
    pub subresource: &'a str,
    /// RFC 3339 in whole seconds.
    pub now: &'a str,
    pub schema: &'a Schema,
    /// What this endpoint never takes from a request.
    pub reset: &'a FieldSet,
}

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ApplyError {
    /// 400
    #[error("{0}")]
    BadRequest(String),
    /// 500: the real server has no better word for these.
    #[error("failed to create typed patch object ({object}): {faults}")]
    Typed { object: String, faults: String },
    /// 409, one cause a field.
    #[error("{}", conflict_text(.0))]
    Conflicts(Vec<Conflict>),
}

/// managedFields as they stand after an update, a patch or a create (`live`
/// is then the kind's empty object). `new` still carries what the client sent
/// in managedFields.
pub fn track_update(live: &Value, mut new: Value, writer: &Writer<'_>) -> Value {
    let sent = take_managed_fields(&mut new);
    let mut managers = match starting_managers(live, sent.as_ref(), writer) {
        Some(managers) => managers,
        None => return new,
    };
    let is_create = metadata_text(live, "uid").is_empty();
    if managers.is_empty() && !is_create {
        // Never tracked, or reset by the client: stays so until an apply.
        return new;
    }
    let live = without_managed_fields(live);
    own_changes(&live, &new, &mut managers, writer.manager, writer);
    set_managed_fields(&mut new, &managers);
    new
}

/// The object that comes out of an apply. `live` is the kind's empty object
/// where there is none yet. `config` is what the client sent, undefaulted.
pub fn apply(
    live: &Value,
    config: &Value,
    writer: &Writer<'_>,
    force: bool,
) -> Result<Value, ApplyError> {
    if config
        .at(&["metadata", "managedFields"])
        .is_some_and(|fields| !fields.is_null())
    {
        return Err(ApplyError::BadRequest(
            "metadata.managedFields must be nil".to_owned(),
        ));
    }
    let faults = typed::validate(writer.schema, config, false);
    if !faults.is_empty() {
        return Err(ApplyError::Typed {
            object: object_text(config),
            faults: typed::fault_text(&faults),
        });
    }
    let mut managers = live
        .at(&["metadata", "managedFields"])
        .and_then(Value::as_seq)
        .map_or(Some(Managers::new()), managers::decode)
        .unwrap_or_default();
    let live = without_managed_fields(live);
    if managers.is_empty() {
        let empty =
            super::decode::empty_object(writer.schema, writer.api_version, metadata_kind(config));
        own_changes(&empty, &live, &mut managers, BEFORE_FIRST_APPLY, writer);
    }
    let mut result = try_apply(&live, config, &managers, writer, force);
    if let (Err(conflicts), "kubectl") = (&result, writer.manager) {
        result = match allowed_by_last_applied(&live, writer) {
            None => result,
            Some(allowed) => {
                let left: Vec<Conflict> = conflicts
                    .iter()
                    .filter(|conflict| !allowed.has(&conflict.path))
                    .cloned()
                    .collect();
                if left.is_empty() {
                    try_apply(&live, config, &managers, writer, true)
                } else {
                    Err(left)
                }
            }
        };
    }
    let (mut object, managers) = result.map_err(ApplyError::Conflicts)?;
    if writer.manager == "kubectl" {
        sync_last_applied(&mut object, config);
    }
    set_managed_fields(&mut object, &managers);
    Ok(object)
}

/// Old times where nothing but the times of managedFields changed, so that a
/// write that changes nothing writes nothing.
pub fn keep_times_of_noop(live: &Value, new: &mut Value) {
    let fields = |object: &Value| -> Vec<Value> {
        object
            .at(&["metadata", "managedFields"])
            .and_then(Value::as_seq)
            .unwrap_or_default()
            .iter()
            .map(|entry| {
                let mut entry = entry.clone();
                if let Some(map) = entry.as_map_mut() {
                    map.remove("time");
                }
                entry
            })
            .collect()
    };
    if fields(live) == fields(new) && without_managed_fields(live) == without_managed_fields(new) {
        *new = live.clone();
    }
}

fn try_apply(
    live: &Value,
    config: &Value,
    managers: &Managers,
    writer: &Writer<'_>,
    force: bool,
) -> Result<(Value, Managers), Vec<Conflict>> {
    let mut managers = managers.clone();
    let who = ManagerId::new(
        writer.manager,
        Operation::Apply,
        writer.api_version,
        writer.subresource,
    );
    let new = updater(writer).apply(live, config, &mut managers, &who, force)?;
    strip(&mut managers, &who);
    if new.is_some()
        && let Some(entry) = managers.get_mut(&who)
    {
        entry.time = writer.now.to_owned();
    }
    cap_updaters(&mut managers);
    Ok((new.unwrap_or_else(|| live.clone()), managers))
}

fn updater<'a>(writer: &'a Writer<'_>) -> Updater<'a> {
    Updater {
        schema: writer.schema,
        reset: writer.reset,
        api_version: writer.api_version,
    }
}

/// What changed between the two goes to `manager`.
fn own_changes(
    live: &Value,
    new: &Value,
    managers: &mut Managers,
    manager: &str,
    writer: &Writer<'_>,
) {
    // Under a name of its own first: fields that it took from its own earlier
    // self count as changed, too.
    let current = ManagerId::new("current-operation", Operation::Update, "", "");
    updater(writer).update(live, new, managers, &current);
    strip(managers, &current);
    if let Some(mut entry) = managers.remove(&current) {
        let who = ManagerId::new(
            manager,
            Operation::Update,
            writer.api_version,
            writer.subresource,
        );
        if let Some(previous) = managers.get(&who) {
            entry.fields = entry.fields.union(&previous.fields);
        }
        entry.id = who.clone();
        entry.time = writer.now.to_owned();
        managers.insert(who, entry);
    }
    cap_updaters(managers);
}

/// The managers to begin an update with; none to leave the object as it is.
fn starting_managers(live: &Value, sent: Option<&Value>, writer: &Writer<'_>) -> Option<Managers> {
    let of_live = || {
        live.at(&["metadata", "managedFields"])
            .and_then(Value::as_seq)
            .and_then(managers::decode)
            .unwrap_or_default()
    };
    // A subresource never sets managedFields by hand.
    if !writer.subresource.is_empty() {
        return Some(of_live());
    }
    let sent = sent.and_then(Value::as_seq);
    let is_reset = match sent {
        Some([]) => true,
        Some([one]) => one.as_map().is_some_and(Map::is_empty),
        _ => false,
    };
    if is_reset {
        return Some(Managers::new());
    }
    match sent.and_then(managers::decode) {
        Some(managers) if !managers.is_empty() => Some(managers),
        _ => Some(of_live()),
    }
}

/// What nobody owns: it identifies the object or belongs to the server.
fn strip(managers: &mut Managers, who: &ManagerId) {
    let stripped = FieldSet::of_fields(&[
        &["apiVersion"],
        &["kind"],
        &["metadata"],
        &["metadata", "name"],
        &["metadata", "namespace"],
        &["metadata", "creationTimestamp"],
        &["metadata", "selfLink"],
        &["metadata", "uid"],
        &["metadata", "clusterName"],
        &["metadata", "generation"],
        &["metadata", "managedFields"],
        &["metadata", "resourceVersion"],
    ]);
    if let Some(entry) = managers.get_mut(who) {
        entry.fields = entry.fields.difference(&stripped);
        if entry.fields.is_empty() {
            managers.remove(who);
        }
    }
}

/// The oldest updaters beyond the limit become one, per version.
fn cap_updaters(managers: &mut Managers) {
    let mut updaters: Vec<(String, ManagerId)> = managers
        .values()
        .filter(|entry| entry.id.operation == Operation::Update)
        .map(|entry| (entry.time.clone(), entry.id.clone()))
        .collect();
    let mut left = updaters.len();
    updaters.sort();
    let mut first_of_version: std::collections::BTreeMap<String, ManagerId> = Default::default();
    for (time, id) in updaters {
        if left <= MAX_UPDATERS {
            break;
        }
        let Some(entry) = managers.get(&id).cloned() else {
            continue;
        };
        let Some(first) = first_of_version.get(&entry.api_version).cloned() else {
            first_of_version.insert(entry.api_version.clone(), id);
            continue;
        };
        let bucket = ManagerId::new(OLD_UPDATERS, Operation::Update, &entry.api_version, "");
        if !managers.contains_key(&bucket)
            && let Some(mut moved) = managers.remove(&first)
        {
            moved.id = bucket.clone();
            managers.insert(bucket.clone(), moved);
        }
        managers.remove(&id);
        if let Some(entry_of_bucket) = managers.get_mut(&bucket) {
            entry_of_bucket.fields = entry_of_bucket.fields.union(&entry.fields);
            entry_of_bucket.time = time;
        }
        left -= 1;
    }
}

/// What client-side apply set and nobody changed since: kubectl may take it.
fn allowed_by_last_applied(live: &Value, writer: &Writer<'_>) -> Option<FieldSet> {
    let text = last_applied(live)?;
    let last = Value::from_json(text.as_bytes()).ok()?;
    if last.get("apiVersion").and_then(Value::as_str) != Some(writer.api_version) {
        return None;
    }
    if !typed::validate(writer.schema, &last, false).is_empty() {
        return None;
    }
    let comparison = compare::compare(writer.schema, &last, live);
    Some(
        typed::field_set(writer.schema, &last)
            .difference(&comparison.modified)
            .difference(&comparison.added)
            .difference(&comparison.removed),
    )
}

fn last_applied(object: &Value) -> Option<&str> {
    object
        .at(&["metadata", "annotations", LAST_APPLIED])
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
}

fn sync_last_applied(object: &mut Value, config: &Value) {
    if last_applied(object).is_none() {
        return;
    }
    let mut config = config.clone();
    if let Some(annotations) = metadata_mut(&mut config).get_mut("annotations")
        && let Some(map) = annotations.as_map_mut()
    {
        map.remove(LAST_APPLIED);
    }
    let text = format!("{}\n", config.to_json());
    metadata_mut(object)
        .entry_map("annotations")
        .insert(LAST_APPLIED, text);
}

fn conflict_text(conflicts: &[Conflict]) -> String {
    if let [one] = conflicts {
        return format!(
            "Apply failed with 1 conflict: conflict with {}: {}",
            one.manager.conflict_name(),
            path_text(&one.path)
        );
    }
    let mut lines = Vec::new();
    let mut last = None;
    for conflict in conflicts {
        if last != Some(&conflict.manager) {
            lines.push(format!(
                "conflicts with {}:",
                conflict.manager.conflict_name()
            ));
            last = Some(&conflict.manager);
        }
        lines.push(format!("- {}", path_text(&conflict.path)));
    }
    format!(
        "Apply failed with {} conflicts: {}",
        conflicts.len(),
        lines.join("\n")
    )
}

impl Conflict {
    /// The cause's message: `conflict with "kubectl" using apps/v1`.
    pub fn message(&self) -> String {
        format!("conflict with {}", self.manager.conflict_name())
    }

    /// The cause's field: `.spec.replicas`.
    pub fn field(&self) -> String {
        path_text(&self.path)
    }
}

/// `default/web; apps/v1, Kind=Deployment`; the core group is the "" of `/v1`.
fn object_text(config: &Value) -> String {
    let text = |path: &[&str]| {
        config
            .at(path)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let api_version = text(&["apiVersion"]);
    let slash = if api_version.contains('/') { "" } else { "/" };
    format!(
        "{}/{}; {slash}{api_version}, Kind={}",
        text(&["metadata", "namespace"]),
        text(&["metadata", "name"]),
        text(&["kind"])
    )
}

fn metadata_kind(object: &Value) -> &str {
    object
        .get("kind")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn metadata_text<'a>(object: &'a Value, key: &str) -> &'a str {
    object
        .at(&["metadata", key])
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn metadata_mut(object: &mut Value) -> &mut Map {
    if object.as_map().is_none() {
        *object = Value::Map(Map::new());
    }
    object
        .as_map_mut()
        .expect("set to a map just above")
        .entry_map("metadata")
}

fn take_managed_fields(object: &mut Value) -> Option<Value> {
    metadata_mut(object).remove("managedFields")
}

fn without_managed_fields(object: &Value) -> Value {
    let mut object = object.clone();
    take_managed_fields(&mut object);
    object
}

fn set_managed_fields(object: &mut Value, managers: &Managers) {
    let entries = managers::encode(managers);
    let metadata = metadata_mut(object);
    if entries.is_empty() {
        metadata.remove("managedFields");
    } else {
        metadata.insert("managedFields", entries);
    }
}
