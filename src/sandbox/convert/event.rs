//! Event: what core/v1 calls involvedObject and message is regarding and note
//! in events.k8s.io; its older fields moved behind `deprecated`.

use crate::value::{Map, Value};

const NAMES: &[(&str, &str)] = &[
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
    ("reportingComponent", "reportingController"),
];

fn rename(root: &mut Map, from: &str, to: &str) {
    if let Some(value) = root.remove(from) {
        root.insert(to, value);
    }
}

/// The hub is core/v1.
pub fn to_hub(object: &mut Value) {
    if let Some(root) = object.as_map_mut() {
        for (core, new) in NAMES {
            rename(root, new, core);
        }
    }
}

pub fn from_hub(object: &mut Value) {
    if let Some(root) = object.as_map_mut() {
        for (core, new) in NAMES {
            rename(root, core, new);
        }
    }
}
