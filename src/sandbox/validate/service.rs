//! Services.

use std::net::IpAddr;

use super::checks::{Check, int, items, set, text};
use super::{formats, meta};
use crate::value::{Map, Value};

pub fn service(check: &mut Check, object: &Value, live: Option<&Value>) {
    let none = Value::Null;
    let spec = object.get("spec").unwrap_or(&none);
    let kind = text(spec, "type");
    let ports = items(spec, "ports");
    let is_headless = text(spec, "clusterIP") == "None";
    let cluster_ips = items(spec, "clusterIPs");
    if let Some(old) = live.and_then(|live| live.get("spec")) {
        cluster_ips_change(check, spec, old);
        if needs_health_check(spec)
            && needs_health_check(old)
            && int(spec, "healthCheckNodePort") != int(old, "healthCheckNodePort")
        {
            check.forbidden("spec.healthCheckNodePort", formats::IMMUTABLE);
        }
    }
    if ports.is_empty() && !is_headless && kind != "ExternalName" {
        check.required("spec.ports", "");
    }
    match kind {
        "LoadBalancer" | "NodePort" if is_headless => check.invalid(
            "spec.clusterIPs[0]",
            cluster_ips.first(),
            &format!("may not be set to 'None' for {kind} services"),
        ),
        "ExternalName" => external_name(check, spec),
        _ => {}
    }
    self::ports(check, ports);
    meta::labels(check, "spec.selector", spec.get("selector"));
    check.one_of(
        "spec.sessionAffinity",
        set(spec, "sessionAffinity"),
        &["ClientIP", "None"],
    );
    if text(spec, "sessionAffinity") == "ClientIP" {
        let path = ["sessionAffinityConfig", "clientIP", "timeoutSeconds"];
        let seconds = spec.at(&path);
        if seconds
            .and_then(Value::as_i64)
            .is_some_and(|seconds| !(1..=86400).contains(&seconds))
        {
            check.invalid(
                "spec.sessionAffinityConfig.clientIP.timeoutSeconds",
                seconds,
                "must be greater than 0 and less than 86400",
            );
        }
    }
    for (at, address) in items(spec, "externalIPs").iter().enumerate() {
        external_ip(check, &format!("spec.externalIPs[{at}]"), address);
    }
    check.one_of(
        "spec.type",
        spec.get("type"),
        &["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"],
    );
    port_conflicts(check, kind, ports);
    source_ranges(check, kind, spec);
    if kind != "LoadBalancer" {
        for key in ["allocateLoadBalancerNodePorts", "loadBalancerClass"] {
            if set(spec, key).is_some() {
                check.forbidden(
                    format!("spec.{key}"),
                    "may only be used when `type` is 'LoadBalancer'",
                );
            }
        }
    }
    traffic(check, kind, spec);
}

fn external_name(check: &mut Check, spec: &Value) {
    let fields = [
        ("clusterIPs", !items(spec, "clusterIPs").is_empty()),
        ("ipFamilies", !items(spec, "ipFamilies").is_empty()),
        ("ipFamilyPolicy", set(spec, "ipFamilyPolicy").is_some()),
    ];
    for (key, is_set) in fields {
        if is_set {
            check.forbidden(
                format!("spec.{key}"),
                "may not be set for ExternalName services",
            );
        }
    }
    let name = text(spec, "externalName");
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.is_empty() {
        check.required("spec.externalName", "");
    } else {
        check.form("spec.externalName", name, formats::dns_subdomain(name));
    }
}

fn ports(check: &mut Check, ports: &[Value]) {
    let mut names: Vec<&str> = Vec::new();
    for (at, port) in ports.iter().enumerate() {
        let path = format!("spec.ports[{at}]");
        let name = text(port, "name");
        if name.is_empty() {
            if ports.len() > 1 {
                check.required(format!("{path}.name"), "");
            }
        } else {
            check.form(&format!("{path}.name"), name, formats::dns_label(name));
            if names.contains(&name) {
                check.duplicate(format!("{path}.name"), &Value::from(name));
            }
            names.push(name);
        }
        port_number(check, format!("{path}.port"), port.get("port"));
        check.one_of(
            format!("{path}.protocol"),
            port.get("protocol"),
            &["SCTP", "TCP", "UDP"],
        );
        port_or_name(check, &format!("{path}.targetPort"), port.get("targetPort"));
        if let Some(protocol) = set(port, "appProtocol").and_then(Value::as_str) {
            check.form(
                &format!("{path}.appProtocol"),
                protocol,
                formats::qualified_name(protocol),
            );
        }
    }
}

pub fn port_number(check: &mut Check, path: impl Into<String>, value: Option<&Value>) {
    let number = value.and_then(Value::as_i64).unwrap_or_default();
    if !(1..=65535).contains(&number) {
        check.invalid(path, Some(&Value::Int(number)), formats::PORT_RANGE);
    }
}

pub fn port_or_name(check: &mut Check, path: &str, value: Option<&Value>) {
    match value {
        Some(Value::Str(name)) => check.form(path, name, formats::port_name(name)),
        other => port_number(check, path, other),
    }
}

fn external_ip(check: &mut Check, path: &str, address: &Value) {
    let text = address.as_str().unwrap_or_default();
    let Ok(ip) = text.parse::<IpAddr>() else {
        check.invalid(
            path,
            Some(address),
            "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)",
        );
        return;
    };
    let special = match ip {
        _ if ip.is_unspecified() => Some(format!("may not be unspecified ({text})")),
        _ if ip.is_loopback() => {
            Some("may not be in the loopback range (127.0.0.0/8, ::1/128)".to_owned())
        }
        IpAddr::V4(v4) if v4.is_link_local() => {
            Some("may not be in the link-local range (169.254.0.0/16, fe80::/10)".to_owned())
        }
        IpAddr::V4(v4) if v4.octets()[..3] == [224, 0, 0] => Some(
            "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)".to_owned(),
        ),
        _ => None,
    };
    if let Some(what) = special {
        check.invalid(path, Some(address), &what);
    }
}

fn port_conflicts(check: &mut Check, kind: &str, ports: &[Value]) {
    let is_used = |port: &Value, key: &str| int(port, key).filter(|number| *number != 0).is_some();
    for (at, port) in ports.iter().enumerate() {
        if kind == "ClusterIP" && is_used(port, "nodePort") {
            check.forbidden(
                format!("spec.ports[{at}].nodePort"),
                "may not be used when `type` is 'ClusterIP'",
            );
        }
    }
    let same = |a: &Value, b: &Value, key: &str| {
        a.get(key) == b.get(key) && a.get("protocol") == b.get("protocol")
    };
    for (at, port) in ports.iter().enumerate() {
        if is_used(port, "nodePort") && ports[..at].iter().any(|p| same(p, port, "nodePort")) {
            check.duplicate(
                format!("spec.ports[{at}].nodePort"),
                port.get("nodePort").unwrap_or(&Value::Null),
            );
        }
    }
    for (at, port) in ports.iter().enumerate() {
        if ports[..at].iter().any(|p| same(p, port, "port")) {
            let mut key = Map::new();
            for name in ["port", "protocol"] {
                key.insert(name, port.get(name).cloned().unwrap_or_default());
            }
            check.duplicate(format!("spec.ports[{at}]"), &Value::Map(key));
        }
    }
}

fn source_ranges(check: &mut Check, kind: &str, spec: &Value) {
    // The server's own spelling of the path.
    const PATH: &str = "spec.LoadBalancerSourceRanges";
    let ranges = items(spec, "loadBalancerSourceRanges");
    if !ranges.is_empty() && kind != "LoadBalancer" {
        check.forbidden(PATH, "may only be used when `type` is 'LoadBalancer'");
    }
    for (at, range) in ranges.iter().enumerate() {
        let text = range.as_str().unwrap_or_default().trim();
        if !is_cidr(text) {
            check.invalid_text(
                format!("{PATH}[{at}]"),
                text,
                "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)",
            );
        }
    }
}

pub fn is_cidr(text: &str) -> bool {
    let Some((address, bits)) = text.split_once('/') else {
        return false;
    };
    let most = match address.parse::<IpAddr>() {
        Ok(IpAddr::V4(_)) => 32,
        Ok(IpAddr::V6(_)) => 128,
        Err(_) => return false,
    };
    bits.parse::<u32>().is_ok_and(|bits| bits <= most)
}

fn is_external(spec: &Value) -> bool {
    match text(spec, "type") {
        "LoadBalancer" | "NodePort" => true,
        "ClusterIP" => !items(spec, "externalIPs").is_empty(),
        _ => false,
    }
}

fn needs_health_check(spec: &Value) -> bool {
    text(spec, "type") == "LoadBalancer" && text(spec, "externalTrafficPolicy") == "Local"
}

fn traffic(check: &mut Check, kind: &str, spec: &Value) {
    const POLICIES: &[&str] = &["Cluster", "Local"];
    let policy = text(spec, "externalTrafficPolicy");
    if !is_external(spec) {
        if !policy.is_empty() {
            check.invalid_text(
                "spec.externalTrafficPolicy",
                policy,
                "may only be set for externally-accessible services",
            );
        }
    } else if policy.is_empty() {
        check.required("spec.externalTrafficPolicy", "");
    } else {
        check.one_of(
            "spec.externalTrafficPolicy",
            spec.get("externalTrafficPolicy"),
            POLICIES,
        );
    }
    let health = int(spec, "healthCheckNodePort").unwrap_or_default();
    if !needs_health_check(spec) && health != 0 {
        check.invalid(
            "spec.healthCheckNodePort",
            spec.get("healthCheckNodePort"),
            "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
        );
    }
    let inner = set(spec, "internalTrafficPolicy");
    if inner.is_none() && matches!(kind, "NodePort" | "LoadBalancer" | "ClusterIP") {
        check.required("spec.internalTrafficPolicy", "");
    }
    check.one_of("spec.internalTrafficPolicy", inner, POLICIES);
    check.one_of(
        "spec.trafficDistribution",
        set(spec, "trafficDistribution"),
        &["PreferClose", "PreferSameNode", "PreferSameZone"],
    );
    check.one_of(
        "spec.ipFamilyPolicy",
        set(spec, "ipFamilyPolicy"),
        &["PreferDualStack", "RequireDualStack", "SingleStack"],
    );
}

fn cluster_ips_change(check: &mut Check, spec: &Value, old: &Value) {
    let is_name = |spec: &Value| text(spec, "type") == "ExternalName";
    let is_headless = |spec: &Value| text(spec, "clusterIP") == "None";
    if is_name(spec) || is_name(old) || (is_headless(spec) && is_headless(old)) {
        return;
    }
    let (new, had) = (items(spec, "clusterIPs"), items(old, "clusterIPs"));
    if had.is_empty() {
        return;
    }
    match new.first() {
        None => check.invalid(
            "spec.clusterIPs[0]",
            spec.get("clusterIPs"),
            "primary clusterIP can not be unset",
        ),
        Some(first) if Some(first) != had.first() => check.invalid(
            "spec.clusterIPs[0]",
            spec.get("clusterIPs"),
            "may not change once set",
        ),
        Some(_) => {}
    }
}
