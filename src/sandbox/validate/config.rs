//! ConfigMaps and Secrets.

use super::checks::{Check, map, same, set, text};
use super::formats;
use crate::value::Value;

const MAX_BYTES: usize = 1 << 20;
const FROZEN: &str = "field is immutable when `immutable` is set";

pub fn config_map(check: &mut Check, object: &Value, live: Option<&Value>) {
    if let Some(live) = live {
        frozen(check, object, live, &["data", "binaryData"]);
    }
    let binary = map(object, "binaryData");
    let mut size = 0;
    for (key, value) in map(object, "data").iter() {
        check.form(&format!("data[{key}]"), key, formats::config_key(key));
        if binary.contains_key(key) {
            check.invalid_text(
                format!("data[{key}]"),
                key,
                "duplicate of key present in binaryData",
            );
        }
        size += value.as_str().unwrap_or_default().len();
    }
    for (key, value) in binary.iter() {
        check.form(&format!("binaryData[{key}]"), key, formats::config_key(key));
        size += value.as_str().unwrap_or_default().len() / 4 * 3;
    }
    if size > MAX_BYTES {
        check.too_long("", MAX_BYTES);
    }
}

fn frozen(check: &mut Check, object: &Value, live: &Value, fields: &[&str]) {
    let is_frozen = |object: &Value| object.get("immutable").and_then(Value::as_bool) == Some(true);
    if !is_frozen(live) {
        return;
    }
    if !is_frozen(object) {
        check.forbidden("immutable", FROZEN);
    }
    for field in fields {
        if !same(object.get(field), live.get(field)) {
            check.forbidden(*field, FROZEN);
        }
    }
}

pub fn secret(check: &mut Check, object: &Value, live: Option<&Value>) {
    if let Some(live) = live {
        check.immutable("type", object.get("type"), live.get("type"));
        frozen(check, object, live, &["data"]);
    }
    let data = map(object, "data");
    let mut size = 0;
    for (key, value) in data.iter() {
        check.form(&format!("data[{key}]"), key, formats::config_key(key));
        size += value.as_str().unwrap_or_default().len() / 4 * 3;
    }
    if size > MAX_BYTES {
        check.too_long("data", MAX_BYTES);
    }
    let needs = |check: &mut Check, keys: &[&str]| {
        for key in keys {
            if !data.contains_key(key) {
                check.required(format!("data[{key}]"), "");
            }
        }
    };
    match text(object, "type") {
        "kubernetes.io/service-account-token" => {
            let name = "kubernetes.io/service-account.name";
            let annotation = object
                .at(&["metadata", "annotations", name])
                .and_then(Value::as_str);
            if annotation.is_none_or(str::is_empty) {
                check.required(format!("metadata.annotations[{name}]"), "");
            }
        }
        "kubernetes.io/dockercfg" => needs(check, &[".dockercfg"]),
        "kubernetes.io/dockerconfigjson" => needs(check, &[".dockerconfigjson"]),
        "kubernetes.io/basic-auth"
            if !data.contains_key("username") && !data.contains_key("password") =>
        {
            needs(check, &["username", "password"]);
        }
        "kubernetes.io/ssh-auth" => {
            let key = set(&Value::Map(data.clone()), "ssh-privatekey").cloned();
            if key.is_none_or(|key| key.as_str() == Some("")) {
                check.required("data[ssh-privatekey]", "");
            }
        }
        "kubernetes.io/tls" => needs(check, &["tls.crt", "tls.key"]),
        _ => {}
    }
}
