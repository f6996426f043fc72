//! What a server answered, without what differs from run to run.

use drupelet::value::{Map, Value};
use sha2::{Digest, Sha256};

#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub code: u16,
    /// "" for success.
    pub reason: String,
    pub message: String,
    /// Masked; null for a failure.
    pub object: Value,
}

impl Answer {
    pub fn new(code: u16, body: Value) -> Self {
        let text = |key: &str| -> String {
            let text = body.get(key).and_then(Value::as_str);
            text.unwrap_or_default().to_owned()
        };
        let is_failure = code >= 400;
        Answer {
            code,
            reason: if is_failure {
                text("reason")
            } else {
                String::new()
            },
            message: if is_failure {
                text("message")
            } else {
                String::new()
            },
            object: if is_failure {
                Value::Null
            } else {
                masked(body)
            },
        }
    }

    /// The real server panics over some JSON patches and cuts the connection.
    pub fn broken() -> Self {
        Answer {
            code: 0,
            reason: String::new(),
            message: String::new(),
            object: Value::Null,
        }
    }

    /// Code, reason and a digest of the object: what is recorded.
    pub fn digest(&self) -> String {
        if self.object.is_null() {
            return format!("{}:{}", self.code, self.reason);
        }
        let digest = Sha256::digest(self.object.to_json().as_bytes());
        format!(
            "{}:{:02x}{:02x}{:02x}{:02x}",
            self.code, digest[0], digest[1], digest[2], digest[3]
        )
    }
}

fn masked(mut object: Value) -> Value {
    let Some(map) = object.as_map_mut() else {
        return object;
    };
    if map.get("kind").and_then(Value::as_str) == Some("Status") {
        if let Some(Value::Map(details)) = map.get_mut("details") {
            details.remove("uid");
        }
        return object;
    }
    let metadata = map.entry_map("metadata");
    metadata.remove("resourceVersion");
    for key in ["uid", "creationTimestamp", "deletionTimestamp"] {
        if let Some(value) = metadata.get_mut(key) {
            *value = Value::from("masked");
        }
    }
    // Entries are sorted by time, too: how often a second passes between two
    // requests differs from run to run.
    if let Some(Value::Seq(entries)) = metadata.get_mut("managedFields") {
        for entry in entries.iter_mut() {
            if let Some(entry) = entry.as_map_mut() {
                entry.remove("time");
            }
        }
        entries.sort_by_key(Value::to_json);
    }
    if let Some(Value::Map(spec)) = map.get_mut("spec") {
        mask_allocations(spec);
    }
    object
}

/// Addresses and ports that the server chose.
fn mask_allocations(spec: &mut Map) {
    let is_address = |value: &Value| !matches!(value.as_str(), None | Some("" | "None"));
    if let Some(value) = spec.get_mut("clusterIP")
        && is_address(value)
    {
        *value = Value::from("masked");
    }
    if let Some(Value::Seq(addresses)) = spec.get_mut("clusterIPs") {
        for value in addresses.iter_mut().filter(|value| is_address(value)) {
            *value = Value::from("masked");
        }
    }
    if let Some(value) = spec.get_mut("healthCheckNodePort") {
        *value = Value::from("masked");
    }
    if let Some(Value::Seq(ports)) = spec.get_mut("ports") {
        for port in ports.iter_mut().filter_map(Value::as_map_mut) {
            if let Some(value) = port.get_mut("nodePort") {
                *value = Value::from("masked");
            }
        }
    }
}
