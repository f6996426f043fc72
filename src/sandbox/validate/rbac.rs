//! Roles and their bindings.

use super::checks::{Check, items, text};
use super::formats;
use crate::value::Value;

const GROUP: &str = "rbac.authorization.k8s.io";

pub fn role(check: &mut Check, object: &Value, namespaced: bool) {
    for (at, rule) in items(object, "rules").iter().enumerate() {
        let path = format!("rules[{at}]");
        if items(rule, "verbs").is_empty() {
            check.required(
                format!("{path}.verbs"),
                "verbs must contain at least one value",
            );
        }
        let is_empty = |key: &str| items(rule, key).is_empty();
        if !is_empty("nonResourceURLs") {
            let path = format!("{path}.nonResourceURLs");
            let urls = rule.get("nonResourceURLs");
            if namespaced {
                check.invalid(
                    path.as_str(),
                    urls,
                    "namespaced rules cannot apply to non-resource URLs",
                );
            }
            if !is_empty("apiGroups") || !is_empty("resources") || !is_empty("resourceNames") {
                check.invalid(
                    path,
                    urls,
                    "rules cannot apply to both regular resources and non-resource URLs",
                );
            }
            continue;
        }
        if is_empty("apiGroups") {
            check.required(
                format!("{path}.apiGroups"),
                "resource rules must supply at least one api group",
            );
        }
        if is_empty("resources") {
            check.required(
                format!("{path}.resources"),
                "resource rules must supply at least one resource",
            );
        }
    }
}

pub fn binding(check: &mut Check, object: &Value, live: Option<&Value>, namespaced: bool) {
    if let Some(live) = live
        && object.get("roleRef") != live.get("roleRef")
    {
        check.invalid("roleRef", object.get("roleRef"), "cannot change roleRef");
    }
    let none = Value::Null;
    let role = object.get("roleRef").unwrap_or(&none);
    check.one_of("roleRef.apiGroup", role.get("apiGroup"), &[GROUP]);
    let kinds: &[&str] = if namespaced {
        &["Role", "ClusterRole"]
    } else {
        &["ClusterRole"]
    };
    check.one_of("roleRef.kind", role.get("kind"), kinds);
    let name = text(role, "name");
    if name.is_empty() {
        check.required("roleRef.name", "");
    } else {
        check.form("roleRef.name", name, formats::path_segment(name));
    }
    for (at, subject) in items(object, "subjects").iter().enumerate() {
        let path = format!("subjects[{at}]");
        let name = text(subject, "name");
        if name.is_empty() {
            check.required(format!("{path}.name"), "");
        }
        match text(subject, "kind") {
            "ServiceAccount" => {
                if !name.is_empty() {
                    check.form(&format!("{path}.name"), name, formats::dns_subdomain(name));
                }
                if !text(subject, "apiGroup").is_empty() {
                    check.not_supported(
                        format!("{path}.apiGroup"),
                        &Value::from(text(subject, "apiGroup")),
                        &[""],
                    );
                }
                if !namespaced && text(subject, "namespace").is_empty() {
                    check.required(format!("{path}.namespace"), "");
                }
            }
            "User" | "Group" => {
                check.one_of(
                    format!("{path}.apiGroup"),
                    Some(&Value::from(text(subject, "apiGroup"))),
                    &[GROUP],
                );
            }
            other => check.not_supported(
                format!("{path}.kind"),
                &Value::from(other),
                &["ServiceAccount", "User", "Group"],
            ),
        }
    }
}
