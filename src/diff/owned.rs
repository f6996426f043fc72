//! managedFields: which fields are ours, and a digest of their live values.

use crate::object::Object;
use crate::value::{Map, Value};
use sha2::{Digest as _, Sha256};
use std::io;

/// 128 bits of SHA-256: enough to tell states of one object apart.
pub type Digest = [u8; 16];

/// The digest of a value's canonical JSON.
pub fn digest_of(value: &impl serde::Serialize) -> Digest {
    let mut hasher = Hasher(Sha256::new());
    serde_json::to_writer(&mut hasher, value).expect("hashing does not fail");
    hasher.finish()
}

/// The digest of the live values of all fields that managedFields says
/// `manager` applied. `None` where it owns nothing.
pub fn owned_digest(live: &Object, manager: &str) -> Option<Digest> {
    let fields = applied_fields(live, manager)?;
    let mut hasher = Hasher(Sha256::new());
    for (element, below) in fields.iter() {
        let child = element
            .strip_prefix("f:")
            .and_then(|field| live.root().get(field));
        hasher.0.update(element.as_bytes());
        hash_field(below, child, &mut hasher);
    }
    Some(hasher.finish())
}

/// The digest of an object without its status and what the server keeps in
/// its metadata.
pub fn content_digest(live: &Object) -> Digest {
    let mut hasher = Hasher(Sha256::new());
    for (key, value) in live.root().iter() {
        match (key, value.as_map()) {
            ("status", _) => {}
            ("metadata", Some(metadata)) => {
                for field in ["labels", "annotations", "finalizers", "ownerReferences"] {
                    hasher.0.update(field.as_bytes());
                    hasher.value(metadata.get(field));
                }
            }
            (key, _) => {
                hasher.0.update(key.as_bytes());
                hasher.value(Some(value));
            }
        }
    }
    hasher.finish()
}

/// Whether desired, live and managedFields agree on every leaf: all that is
/// desired is ours and has its value, all that is ours is desired. False also
/// means "cannot tell without the API server" (defaults inside atomic values,
/// quantities written in another way).
pub fn agrees(desired: &Object, live: &Object, manager: &str) -> bool {
    let Some(fields) = applied_fields(live, manager) else {
        return false;
    };
    let mut wanted = desired.root().clone();
    for identity in ["apiVersion", "kind"] {
        wanted.remove(identity);
    }
    if !fields.contains_key("f:status") {
        // The main endpoint of kinds with a status subresource ignores it.
        wanted.remove("status");
    }
    if let Some(metadata) = wanted.get_mut("metadata").and_then(Value::as_map_mut) {
        metadata.remove("name");
        metadata.remove("namespace");
    }
    map_agrees(fields, &wanted, live.root())
}

fn applied_fields<'a>(live: &'a Object, manager: &str) -> Option<&'a Map> {
    live.at(&["metadata", "managedFields"])?
        .as_seq()?
        .iter()
        .find(|entry| {
            entry.get("manager").and_then(Value::as_str) == Some(manager)
                && entry.get("operation").and_then(Value::as_str) == Some("Apply")
                && entry
                    .get("subresource")
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .is_empty()
        })?
        .get("fieldsV1")?
        .as_map()
}

struct Hasher(Sha256);

impl Hasher {
    fn value(&mut self, value: Option<&Value>) {
        match value {
            Some(value) => {
                serde_json::to_writer(&mut *self, value).expect("hashing does not fail");
            }
            None => self.0.update(b"\0absent"),
        }
    }

    fn finish(self) -> Digest {
        let full = self.0.finalize();
        full[..16].try_into().expect("SHA-256 has 32 bytes")
    }
}

impl io::Write for Hasher {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// managedFields are in canonical order, so equal states hash equally.
fn hash_field(below: &Value, live: Option<&Value>, hasher: &mut Hasher) {
    let Some(fields) = below.as_map().filter(|map| !map.is_empty()) else {
        hasher.value(live);
        return;
    };
    hasher.0.update(b"{");
    for (element, below) in fields.iter().filter(|(element, _)| *element != ".") {
        hasher.0.update(element.as_bytes());
        hash_field(below, live.and_then(|live| child_of(live, element)), hasher);
    }
    hasher.0.update(b"}");
}

/// Where in a list an element of managedFields stands.
pub(super) fn child_at(value: &Value, element: &str) -> Option<usize> {
    let found: *const Value = child_of(value, element)?;
    value
        .as_seq()?
        .iter()
        .position(|item| std::ptr::eq(item, found))
}

/// What a path element of managedFields leads to: `f:name`, `k:{keys}`,
/// `v:value` or `i:index`.
pub(super) fn child_of<'a>(value: &'a Value, element: &str) -> Option<&'a Value> {
    let (kind, rest) = element.split_once(':')?;
    match kind {
        "f" => value.get(rest),
        "k" => {
            let keys = Value::from_json(rest.as_bytes()).ok()?;
            let keys = keys.as_map()?;
            value
                .as_seq()?
                .iter()
                .find(|item| has_keys(item, keys) == KeyMatch::Same)
        }
        "v" => {
            let wanted = Value::from_json(rest.as_bytes()).ok()?;
            value.as_seq()?.iter().find(|item| same(item, &wanted))
        }
        "i" => value.as_seq()?.get(rest.parse::<usize>().ok()?),
        _ => None,
    }
}

#[derive(PartialEq)]
enum KeyMatch {
    Same,
    /// A key field is not written: the server fills in its default.
    Defaulted,
    Different,
}

fn has_keys(item: &Value, keys: &Map) -> KeyMatch {
    let mut result = KeyMatch::Same;
    for (key, wanted) in keys.iter() {
        match item.get(key) {
            Some(found) if same(found, wanted) => {}
            Some(_) => return KeyMatch::Different,
            None => result = KeyMatch::Defaulted,
        }
    }
    result
}

fn map_agrees(fields: &Map, desired: &Map, live: &Map) -> bool {
    let owned = fields.keys().filter(|element| *element != ".").count();
    if owned != desired.len() {
        return false;
    }
    desired.iter().all(
        |(key, wanted)| match (fields.get(&format!("f:{key}")), live.get(key)) {
            (Some(below), Some(found)) => value_agrees(below, wanted, found),
            (Some(_), None) | (None, _) => false,
        },
    )
}

fn value_agrees(fields: &Value, desired: &Value, live: &Value) -> bool {
    let Some(fields) = fields.as_map().filter(|map| map.keys().any(|e| e != ".")) else {
        return same(desired, live);
    };
    match (desired, live) {
        (Value::Map(desired), Value::Map(live)) => map_agrees(fields, desired, live),
        (Value::Seq(desired), Value::Seq(_)) => {
            let elements: Vec<&str> = fields.keys().filter(|e| *e != ".").collect();
            elements.len() == desired.len()
                && elements.iter().all(|element| {
                    item_agrees(element, fields.get(element), desired, live).unwrap_or(false)
                })
        }
        _ => false,
    }
}

fn item_agrees(
    element: &str,
    below: Option<&Value>,
    desired: &[Value],
    live: &Value,
) -> Option<bool> {
    let found = child_of(live, element)?;
    let (kind, rest) = element.split_once(':')?;
    if kind == "v" {
        return Some(desired.iter().any(|item| same(item, found)));
    }
    let keys = Value::from_json(rest.as_bytes()).ok()?;
    let keys = keys.as_map()?;
    let mut candidates = desired
        .iter()
        .filter(|item| has_keys(item, keys) != KeyMatch::Different);
    let wanted = candidates.next()?;
    // Two that could be meant: only the server knows the defaults.
    if candidates.next().is_some() {
        return None;
    }
    Some(value_agrees(below?, wanted, found))
}

/// Equal values; numbers by value, since 1 and 1.0 are one number in JSON.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Int(a), Value::Float(b)) | (Value::Float(b), Value::Int(a)) => *a as f64 == *b,
        (Value::Map(a), Value::Map(b)) => {
            a.len() == b.len()
                && a.iter()
                    .zip(b.iter())
                    .all(|((ka, va), (kb, vb))| ka == kb && same(va, vb))
        }
        (Value::Seq(a), Value::Seq(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (a, b) => a == b,
    }
}
