//! Claims, volumes, storage classes.

use super::checks::{Check, items, map, same, set, text};
use super::meta;
use crate::sandbox::decode::Quantity;
use crate::value::{Map, Value};

const MODES: &[&str] = &[
    "ReadOnlyMany",
    "ReadWriteMany",
    "ReadWriteOnce",
    "ReadWriteOncePod",
];

pub fn claim(check: &mut Check, object: &Value, live: Option<&Value>) {
    let none = Value::Null;
    let spec = object.get("spec").unwrap_or(&none);
    claim_spec(check, "spec", spec);
    let Some(live) = live else {
        return;
    };
    let old = live.get("spec").unwrap_or(&none);
    // A bound claim may grow, an unbound one may get its volume.
    let frozen = |spec: &Value| -> Value {
        let mut out: Map = spec.as_map().cloned().unwrap_or_default();
        out.remove("resources");
        out.remove("volumeAttributesClassName");
        Value::Map(out)
    };
    let mut new_frozen = frozen(spec);
    if text(old, "volumeName").is_empty()
        && let (Some(new), Some(old)) = (new_frozen.as_map_mut(), frozen(old).as_map())
    {
        new.remove("volumeName");
        if old.get("storageClassName").is_none() {
            new.remove("storageClassName");
        }
    }
    let amount = |spec: &Value| {
        spec.at(&["resources", "requests", "storage"])
            .and_then(Value::as_str)
            .and_then(Quantity::parse)
            .map(|quantity| quantity.nanos())
    };
    let is_bound = live.at(&["status", "phase"]).and_then(Value::as_str) == Some("Bound");
    let resized = amount(spec) != amount(old);
    if new_frozen != frozen(old) || (resized && !is_bound) {
        check.forbidden(
            "spec",
            "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims",
        );
    } else if resized && amount(spec) < amount(old) {
        check.forbidden(
            "spec.resources.requests.storage",
            "field can not be less than previous value",
        );
    }
}

pub fn claim_spec(check: &mut Check, path: &str, spec: &Value) {
    let modes = items(spec, "accessModes");
    if modes.is_empty() {
        check.required(
            format!("{path}.accessModes"),
            "at least 1 access mode is required",
        );
    }
    meta::selector(check, &format!("{path}.selector"), set(spec, "selector"));
    for mode in modes {
        check.one_of(format!("{path}.accessModes"), Some(mode), MODES);
    }
    let none = Value::Null;
    let resources = spec.get("resources").unwrap_or(&none);
    let path = format!("{path}.resources[storage]");
    match map(resources, "requests").get("storage") {
        None => check.required(path, ""),
        Some(amount) => {
            let nanos = amount.as_str().and_then(Quantity::parse).map(|q| q.nanos());
            if nanos.is_none_or(|nanos| nanos <= 0) {
                check.invalid(path, Some(amount), "must be greater than zero");
            }
        }
    }
}

pub fn volume(check: &mut Check, object: &Value, live: Option<&Value>) {
    const NOT_SOURCES: &[&str] = &[
        "accessModes",
        "capacity",
        "claimRef",
        "mountOptions",
        "nodeAffinity",
        "persistentVolumeReclaimPolicy",
        "storageClassName",
        "volumeAttributesClassName",
        "volumeMode",
    ];
    let none = Value::Null;
    let spec = object.get("spec").unwrap_or(&none);
    let modes = items(spec, "accessModes");
    if modes.is_empty() {
        check.required("spec.accessModes", "");
    }
    for mode in modes {
        check.one_of("spec.accessModes", Some(mode), MODES);
    }
    if map(spec, "capacity").is_empty() {
        check.required("spec.capacity", "");
    }
    check.one_of(
        "spec.persistentVolumeReclaimPolicy",
        set(spec, "persistentVolumeReclaimPolicy"),
        &["Delete", "Recycle", "Retain"],
    );
    let sources = |spec: &Value| -> Value {
        let mut out: Map = spec.as_map().cloned().unwrap_or_default();
        out.retain(|key, value| !NOT_SOURCES.contains(&key) && !value.is_null());
        Value::Map(out)
    };
    let source = sources(spec);
    match source.as_map().map_or(0, Map::len) {
        0 => check.required("spec", "must specify a volume type"),
        1 => {}
        _ => {
            let extra = source
                .as_map()
                .and_then(|map| map.keys().nth(1))
                .unwrap_or_default()
                .to_owned();
            check.forbidden(
                format!("spec.{extra}"),
                "may not specify more than 1 volume type",
            );
        }
    }
    if let Some(old) = live.and_then(|live| live.get("spec")) {
        if source != sources(old) {
            check.forbidden(
                "spec.persistentvolumesource",
                "spec.persistentvolumesource is immutable after creation",
            );
        }
        check.immutable(
            "spec.volumeMode",
            spec.get("volumeMode"),
            old.get("volumeMode"),
        );
    }
}

pub fn class(check: &mut Check, object: &Value, live: Option<&Value>) {
    if let Some(live) = live {
        for (key, path, what) in [
            (
                "parameters",
                "parameters",
                "updates to parameters are forbidden.",
            ),
            (
                "provisioner",
                "provisioner",
                "updates to provisioner are forbidden.",
            ),
            (
                "reclaimPolicy",
                "reclaimPolicy",
                "updates to reclaimPolicy are forbidden.",
            ),
        ] {
            if !same(object.get(key), live.get(key)) {
                check.forbidden(path, what);
            }
        }
        check.immutable(
            "volumeBindingMode",
            object.get("volumeBindingMode"),
            live.get("volumeBindingMode"),
        );
    }
    if text(object, "provisioner").is_empty() {
        check.required("provisioner", "");
    }
    check.one_of(
        "reclaimPolicy",
        set(object, "reclaimPolicy"),
        &["Delete", "Retain"],
    );
    check.one_of(
        "volumeBindingMode",
        set(object, "volumeBindingMode"),
        &["Immediate", "WaitForFirstConsumer"],
    );
}
