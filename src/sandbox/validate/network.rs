//! Ingresses, their classes, network policies.

use super::checks::{Check, int, items, same, set, text};
use super::service::{is_cidr, port_number};
use super::{formats, meta};
use crate::object::Gvk;
use crate::value::Value;

pub fn ingress(check: &mut Check, gvk: &Gvk, object: &Value) {
    let none = Value::Null;
    let spec = object.get("spec").unwrap_or(&none);
    let backend_field = if gvk.version == "v1" {
        "defaultBackend"
    } else {
        "backend"
    };
    let default = set(spec, backend_field);
    let rules = items(spec, "rules");
    if rules.is_empty() && default.is_none() {
        check.invalid(
            "spec",
            spec.get("rules"),
            &format!("either `{backend_field}` or `rules` must be specified"),
        );
    }
    if let Some(default) = default {
        backend(check, &format!("spec.{backend_field}"), default, gvk);
    }
    for (at, rule) in rules.iter().enumerate() {
        let path = format!("spec.rules[{at}]");
        host(check, &path, text(rule, "host"));
        let Some(http) = set(rule, "http") else {
            continue;
        };
        let paths = items(http, "paths");
        if paths.is_empty() {
            check.required(format!("{path}.http.paths"), "");
        }
        for (at, item) in paths.iter().enumerate() {
            ingress_path(check, &format!("{path}.http.paths[{at}]"), item, gvk);
        }
    }
    for (at, tls) in items(spec, "tls").iter().enumerate() {
        let path = format!("spec.tls[{at}]");
        for (at, name) in items(tls, "hosts").iter().enumerate() {
            let name = name.as_str().unwrap_or_default();
            let faults = if name.contains('*') {
                formats::wildcard_subdomain(name)
            } else {
                formats::dns_subdomain(name)
            };
            check.form(&format!("{path}.hosts[{at}]"), name, faults);
        }
        let secret = text(tls, "secretName");
        if !secret.is_empty() {
            check.form(
                &format!("{path}.secretName"),
                secret,
                formats::dns_subdomain(secret),
            );
        }
    }
    if let Some(class) = set(spec, "ingressClassName").and_then(Value::as_str) {
        check.form(
            "spec.ingressClassName",
            class,
            formats::dns_subdomain(class),
        );
    }
}

fn host(check: &mut Check, path: &str, host: &str) {
    if host.is_empty() {
        return;
    }
    let path = format!("{path}.host");
    if host.parse::<std::net::IpAddr>().is_ok() {
        check.invalid_text(path.as_str(), host, "must be a DNS name, not an IP address");
    }
    let faults = if host.contains('*') {
        formats::wildcard_subdomain(host)
    } else {
        formats::dns_subdomain(host)
    };
    check.form(&path, host, faults);
}

fn ingress_path(check: &mut Check, path: &str, item: &Value, gvk: &Gvk) {
    let value = text(item, "path");
    let Some(kind) = set(item, "pathType") else {
        check.required(format!("{path}.pathType"), "pathType must be specified");
        return;
    };
    let path_field = format!("{path}.path");
    match kind.as_str().unwrap_or_default() {
        "Exact" | "Prefix" => {
            if !value.starts_with('/') {
                check.invalid_text(path_field.as_str(), value, "must be an absolute path");
            }
            for part in ["//", "/./", "/../", "%2f", "%2F"] {
                if value.contains(part) {
                    let what = format!("must not contain '{part}'");
                    check.invalid_text(path_field.as_str(), value, &what);
                }
            }
            for end in ["/..", "/."] {
                if value.ends_with(end) {
                    let what = format!("cannot end with '{end}'");
                    check.invalid_text(path_field.as_str(), value, &what);
                }
            }
        }
        "ImplementationSpecific" => {
            if !value.is_empty() && !value.starts_with('/') {
                check.invalid_text(path_field.as_str(), value, "must be an absolute path");
            }
        }
        _ => check.not_supported(
            format!("{path}.pathType"),
            kind,
            &["Exact", "ImplementationSpecific", "Prefix"],
        ),
    }
    let none = Value::Null;
    backend(
        check,
        &format!("{path}.backend"),
        item.get("backend").unwrap_or(&none),
        gvk,
    );
}

fn backend(check: &mut Check, path: &str, backend: &Value, gvk: &Gvk) {
    if gvk.version != "v1" {
        return;
    }
    let (resource, service) = (set(backend, "resource"), set(backend, "service"));
    let Some(service) = service else {
        match resource {
            Some(resource) => {
                for key in ["kind", "name"] {
                    if text(resource, key).is_empty() {
                        check.required(format!("{path}.resource.{key}"), "");
                    }
                }
            }
            None => check.invalid_text(path, "", "resource or service backend is required"),
        }
        return;
    };
    if resource.is_some() {
        check.invalid_text(path, "", "cannot set both resource and service backends");
        return;
    }
    let name = text(service, "name");
    if name.is_empty() {
        check.required(format!("{path}.service.name"), "");
    } else {
        check.form(
            &format!("{path}.service.name"),
            name,
            formats::dns_1035(name),
        );
    }
    let none = Value::Null;
    let port = service.get("port").unwrap_or(&none);
    let (port_name, number) = (text(port, "name"), int(port, "number").unwrap_or_default());
    match (port_name.is_empty(), number) {
        (true, 0) => check.required(path, "port name or number is required"),
        (true, _) => port_number(
            check,
            format!("{path}.service.port.number"),
            port.get("number"),
        ),
        (false, 0) => check.form(
            &format!("{path}.service.port.name"),
            port_name,
            formats::port_name(port_name),
        ),
        (false, _) => check.invalid_text(path, "", "cannot set both port name & port number"),
    }
}

pub fn ingress_class(check: &mut Check, object: &Value, live: Option<&Value>) {
    let controller = |object: &Value| object.at(&["spec", "controller"]).cloned();
    if let Some(live) = live {
        check.immutable(
            "spec.controller",
            controller(object).as_ref(),
            controller(live).as_ref(),
        );
    }
}

pub fn policy(check: &mut Check, object: &Value) {
    let none = Value::Null;
    let spec = object.get("spec").unwrap_or(&none);
    meta::selector(check, "spec.podSelector", spec.get("podSelector"));
    for (direction, peers) in [("ingress", "from"), ("egress", "to")] {
        for (at, rule) in items(spec, direction).iter().enumerate() {
            let path = format!("spec.{direction}[{at}]");
            for (at, port) in items(rule, "ports").iter().enumerate() {
                policy_port(check, &format!("{path}.ports[{at}]"), port);
            }
            for (at, peer) in items(rule, peers).iter().enumerate() {
                policy_peer(check, &format!("{path}.{peers}[{at}]"), peer);
            }
        }
    }
    let types = items(spec, "policyTypes");
    if types.len() > 2 {
        check.invalid(
            "spec.policyTypes",
            spec.get("policyTypes"),
            "may not specify more than two policyTypes",
        );
        return;
    }
    for (at, kind) in types.iter().enumerate() {
        check.one_of(
            format!("spec.policyTypes[{at}]"),
            Some(kind),
            &["Ingress", "Egress"],
        );
    }
}

fn policy_port(check: &mut Check, path: &str, port: &Value) {
    check.one_of(
        format!("{path}.protocol"),
        set(port, "protocol"),
        &["TCP", "UDP", "SCTP"],
    );
    let end = set(port, "endPort");
    match set(port, "port") {
        Some(Value::Int(number)) => {
            port_number(check, format!("{path}.port"), port.get("port"));
            if let Some(last) = end.and_then(Value::as_i64) {
                if last < *number {
                    check.invalid(
                        format!("{path}.endPort"),
                        port.get("port"),
                        "must be greater than or equal to `port`",
                    );
                }
                port_number(check, format!("{path}.endPort"), end);
            }
        }
        Some(name) => {
            if end.is_some() {
                check.invalid(
                    format!("{path}.endPort"),
                    end,
                    "may not be specified when `port` is non-numeric",
                );
            }
            let name = name.as_str().unwrap_or_default();
            check.form(&format!("{path}.port"), name, formats::port_name(name));
        }
        None => {
            if end.is_some() {
                check.invalid(
                    format!("{path}.endPort"),
                    end,
                    "may not be specified when `port` is not specified",
                );
            }
        }
    }
}

fn policy_peer(check: &mut Check, path: &str, peer: &Value) {
    let mut count = 0;
    for key in ["podSelector", "namespaceSelector"] {
        if let Some(selector) = set(peer, key) {
            count += 1;
            meta::selector(check, &format!("{path}.{key}"), Some(selector));
        }
    }
    let block = set(peer, "ipBlock");
    if let Some(block) = block {
        count += 1;
        let path = format!("{path}.ipBlock");
        let cidr = text(block, "cidr");
        if cidr.is_empty() {
            check.required(format!("{path}.cidr"), "");
        } else if !is_cidr(cidr) {
            check.invalid_text(
                format!("{path}.cidr"),
                cidr,
                "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)",
            );
        }
        for (at, except) in items(block, "except").iter().enumerate() {
            let text = except.as_str().unwrap_or_default();
            if !is_cidr(text) {
                check.invalid_text(
                    format!("{path}.except[{at}]"),
                    text,
                    "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)",
                );
            } else if same(Some(except), block.get("cidr")) {
                check.invalid_text(
                    format!("{path}.except[{at}]"),
                    text,
                    "must be a strict subset of `cidr`",
                );
            }
        }
    }
    if count == 0 {
        check.required(path, "must specify a peer");
    } else if count > 1 && block.is_some() {
        check.forbidden(path, "may not specify both ipBlock and another peer");
    }
}
