//! Deployments, StatefulSets, DaemonSets, ReplicaSets.

use super::checks::{Check, int, items, map, same, set, text};
use super::{formats, meta, pod, storage};
use crate::value::{Map, Value};

fn spec_of(object: &Value) -> &Value {
    static NONE: Value = Value::Null;
    object.get("spec").unwrap_or(&NONE)
}

fn selector_and_template(check: &mut Check, spec: &Value, kind: &str, volumes: &[&str]) {
    let selector = set(spec, "selector");
    match selector {
        None => check.required("spec.selector", ""),
        Some(selector) => {
            meta::selector(check, "spec.selector", Some(selector));
            if is_empty_selector(selector) {
                check.invalid(
                    "spec.selector",
                    Some(selector),
                    &format!("empty selector is invalid for {kind}"),
                );
            }
        }
    }
    let labels = spec.at(&["template", "metadata", "labels"]);
    // Without a selector nothing is selected.
    let matches = selector
        .is_some_and(|selector| is_empty_selector(selector) || meta::matches(selector, labels));
    if !matches {
        check.invalid(
            "spec.template.metadata.labels",
            labels,
            "`selector` does not match template `labels`",
        );
    }
    let none = Value::Null;
    let template = spec.get("template").unwrap_or(&none);
    pod::template(check, "spec.template", template, volumes);
    always_restarts(check, template, kind);
}

fn always_restarts(check: &mut Check, template: &Value, kind: &str) {
    let policy = template.at(&["spec", "restartPolicy"]);
    check.one_of("spec.template.spec.restartPolicy", policy, &["Always"]);
    if template.at(&["spec", "activeDeadlineSeconds"]).is_some() {
        let kind = match kind {
            "daemonset" => "DaemonSet",
            "statefulset" => "StatefulSet",
            _ => "ReplicaSet",
        };
        check.forbidden(
            "spec.template.spec.activeDeadlineSeconds",
            &format!("activeDeadlineSeconds in {kind} is not Supported"),
        );
    }
}

fn is_empty_selector(selector: &Value) -> bool {
    map(selector, "matchLabels").is_empty() && items(selector, "matchExpressions").is_empty()
}

/// The number that an int or a percentage is, of a hundred.
fn is_zero(value: Option<&Value>) -> bool {
    match value {
        Some(Value::Int(number)) => *number == 0,
        Some(Value::Str(text)) => text.trim_end_matches('%').parse() == Ok(0),
        _ => true,
    }
}

fn int_or_percent(check: &mut Check, path: &str, value: Option<&Value>) {
    match value {
        Some(Value::Int(number)) if *number < 0 => {
            check.invalid(path, value, formats::NOT_NEGATIVE)
        }
        Some(Value::Str(text)) => {
            let percent = text
                .strip_suffix('%')
                .filter(|digits| !digits.is_empty() && digits.bytes().all(|c| c.is_ascii_digit()));
            match percent {
                None => check.invalid(
                    path,
                    value,
                    "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')",
                ),
                Some(digits) if digits.parse().is_ok_and(|n: u32| n > 100) => {
                    check.invalid(path, value, "must not be greater than 100%");
                }
                Some(_) => {}
            }
        }
        _ => {}
    }
}

pub fn deployment(check: &mut Check, object: &Value, live: Option<&Value>) {
    let spec = spec_of(object);
    check.not_negative("spec.replicas", spec.get("replicas"));
    selector_and_template(check, spec, "deployment", &[]);
    let none = Value::Null;
    let strategy = spec.get("strategy").unwrap_or(&none);
    let rolling = set(strategy, "rollingUpdate");
    match text(strategy, "type") {
        "Recreate" => {
            if rolling.is_some() {
                check.forbidden(
                    "spec.strategy.rollingUpdate",
                    "may not be specified when strategy `type` is 'Recreate'",
                );
            }
        }
        "RollingUpdate" => {
            let rolling = rolling.unwrap_or(&none);
            let path = "spec.strategy.rollingUpdate";
            let value = |key: &str| rolling.get(key);
            int_or_percent(
                check,
                &format!("{path}.maxUnavailable"),
                value("maxUnavailable"),
            );
            int_or_percent(check, &format!("{path}.maxSurge"), value("maxSurge"));
            if is_zero(value("maxUnavailable")) && is_zero(value("maxSurge")) {
                check.invalid(
                    format!("{path}.maxUnavailable"),
                    value("maxUnavailable"),
                    "may not be 0 when `maxSurge` is 0",
                );
            }
        }
        _ => check.not_supported("spec.strategy", strategy, &["Recreate", "RollingUpdate"]),
    }
    check.not_negative("spec.minReadySeconds", spec.get("minReadySeconds"));
    check.not_negative(
        "spec.revisionHistoryLimit",
        spec.get("revisionHistoryLimit"),
    );
    check.not_negative(
        "spec.progressDeadlineSeconds",
        spec.get("progressDeadlineSeconds"),
    );
    let deadline = int(spec, "progressDeadlineSeconds");
    if deadline.is_some_and(|n| n <= int(spec, "minReadySeconds").unwrap_or_default()) {
        check.invalid(
            "spec.progressDeadlineSeconds",
            spec.get("progressDeadlineSeconds"),
            "must be greater than minReadySeconds",
        );
    }
    if let Some(live) = live {
        check.immutable(
            "spec.selector",
            spec.get("selector"),
            spec_of(live).get("selector"),
        );
    }
}

pub fn replica_set(check: &mut Check, object: &Value, live: Option<&Value>) {
    let spec = spec_of(object);
    check.not_negative("spec.replicas", spec.get("replicas"));
    check.not_negative("spec.minReadySeconds", spec.get("minReadySeconds"));
    selector_and_template(check, spec, "replicaset", &[]);
    if let Some(live) = live {
        check.immutable(
            "spec.selector",
            spec.get("selector"),
            spec_of(live).get("selector"),
        );
    }
}

pub fn daemon_set(check: &mut Check, object: &Value, live: Option<&Value>) {
    let spec = spec_of(object);
    if let Some(live) = live {
        check.immutable(
            "spec.selector",
            spec.get("selector"),
            spec_of(live).get("selector"),
        );
    }
    let none = Value::Null;
    let template = spec.get("template").unwrap_or(&none);
    let selector = set(spec, "selector");
    meta::selector(check, "spec.selector", selector);
    let labels = template.at(&["metadata", "labels"]);
    if !selector.is_some_and(|selector| meta::matches(selector, labels)) {
        check.invalid(
            "spec.template.metadata.labels",
            labels,
            "`selector` does not match template `labels`",
        );
    }
    if selector.is_some_and(is_empty_selector) {
        check.invalid(
            "spec.selector",
            selector,
            "empty selector is invalid for daemonset",
        );
    }
    pod::template(check, "spec.template", template, &[]);
    always_restarts(check, template, "daemonset");
    check.not_negative("spec.minReadySeconds", spec.get("minReadySeconds"));
    let strategy = spec.get("updateStrategy").unwrap_or(&none);
    match text(strategy, "type") {
        "OnDelete" => {}
        "RollingUpdate" => {
            let rolling = set(strategy, "rollingUpdate").unwrap_or(&none);
            let path = "spec.updateStrategy.rollingUpdate";
            let (unavailable, surge) = (rolling.get("maxUnavailable"), rolling.get("maxSurge"));
            int_or_percent(check, &format!("{path}.maxUnavailable"), unavailable);
            int_or_percent(check, &format!("{path}.maxSurge"), surge);
            match (is_zero(unavailable), is_zero(surge)) {
                (true, true) => check.required(
                    format!("{path}.maxUnavailable"),
                    "cannot be 0 when maxSurge is 0",
                ),
                (false, false) => check.invalid(
                    format!("{path}.maxSurge"),
                    surge,
                    "may not be set when maxUnavailable is non-zero",
                ),
                _ => {}
            }
        }
        _ => check.not_supported(
            "spec.updateStrategy",
            strategy,
            &["RollingUpdate", "OnDelete"],
        ),
    }
    check.not_negative(
        "spec.revisionHistoryLimit",
        spec.get("revisionHistoryLimit"),
    );
}

pub fn stateful_set(check: &mut Check, object: &Value, live: Option<&Value>) {
    let spec = spec_of(object);
    match text(spec, "podManagementPolicy") {
        "OrderedReady" | "Parallel" => {}
        _ => check.invalid(
            "spec.podManagementPolicy",
            spec.get("podManagementPolicy"),
            "must be 'OrderedReady' or 'Parallel'",
        ),
    }
    let none = Value::Null;
    let strategy = spec.get("updateStrategy").unwrap_or(&none);
    match text(strategy, "type") {
        "RollingUpdate" => check.not_negative(
            "spec.updateStrategy.rollingUpdate.partition",
            strategy.at(&["rollingUpdate", "partition"]),
        ),
        "OnDelete" => {
            if let Some(rolling) = set(strategy, "rollingUpdate") {
                check.invalid(
                    "spec.updateStrategy.rollingUpdate",
                    Some(rolling),
                    "only allowed for updateStrategy 'RollingUpdate'",
                );
            }
        }
        _ => check.invalid(
            "spec.updateStrategy",
            Some(strategy),
            "must be 'RollingUpdate' or 'OnDelete'",
        ),
    }
    for key in ["whenDeleted", "whenScaled"] {
        check.one_of(
            format!("spec.persistentVolumeClaimRetentionPolicy.{key}"),
            spec.at(&["persistentVolumeClaimRetentionPolicy", key]),
            &["Retain", "Delete"],
        );
    }
    let claims = items(spec, "volumeClaimTemplates");
    if live.is_none() {
        for (at, claim) in claims.iter().enumerate() {
            let path = format!("spec.volumeClaimTemplates[{at}]");
            storage::claim_spec(check, &format!("{path}.spec"), spec_of(claim));
        }
    }
    check.not_negative("spec.replicas", spec.get("replicas"));
    check.not_negative("spec.minReadySeconds", spec.get("minReadySeconds"));
    check.not_negative("spec.ordinals.start", spec.at(&["ordinals", "start"]));
    let service = text(spec, "serviceName");
    if live.is_none() && !service.is_empty() {
        check.form("spec.serviceName", service, formats::dns_label(service));
    }
    let volumes: Vec<&str> = claims
        .iter()
        .filter_map(|claim| claim.at(&["metadata", "name"]).and_then(Value::as_str))
        .collect();
    selector_and_template(check, spec, "statefulset", &volumes);
    let Some(live) = live else {
        return;
    };
    let frozen = |object: &Value| -> Value {
        let mut out: Map = spec_of(object).as_map().cloned().unwrap_or_default();
        for key in [
            "replicas",
            "template",
            "updateStrategy",
            "minReadySeconds",
            "ordinals",
            "revisionHistoryLimit",
            "persistentVolumeClaimRetentionPolicy",
        ] {
            out.remove(key);
        }
        Value::Map(out)
    };
    if !same(Some(&frozen(object)), Some(&frozen(live))) {
        check.forbidden(
            "spec",
            "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
        );
    }
}
