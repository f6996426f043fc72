//! Services and what they lead to.

use super::cell::{Row, or_none, some_of};
use crate::value::Value;

fn balancer(row: Row<'_>) -> String {
    let mut addresses: Vec<&str> = row
        .list(&["status", "loadBalancer", "ingress"])
        .iter()
        .map(|entry| match Row(entry).text(&["ip"]) {
            "" => Row(entry).text(&["hostname"]),
            ip => ip,
        })
        .collect();
    addresses.sort_unstable();
    addresses.dedup();
    addresses.join(",")
}

pub fn service(row: Row<'_>) -> Vec<Value> {
    let kind = row.text(&["spec", "type"]);
    let outside: Vec<&str> = row
        .list(&["spec", "externalIPs"])
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let external = match kind {
        "ExternalName" => row.text(&["spec", "externalName"]).to_owned(),
        "LoadBalancer" => {
            let balancer = balancer(row);
            let all: Vec<&str> = balancer
                .split(',')
                .filter(|address| !address.is_empty())
                .chain(outside)
                .collect();
            if all.is_empty() {
                "<pending>".to_owned()
            } else {
                all.join(",")
            }
        }
        _ => or_none(outside.join(",")),
    };
    let ports: Vec<String> = row
        .list(&["spec", "ports"])
        .iter()
        .map(Row)
        .map(|port| {
            let number = port.number(&["port"]);
            let protocol = port.text(&["protocol"]);
            match port.number(&["nodePort"]) {
                0 => format!("{number}/{protocol}"),
                node => format!("{number}:{node}/{protocol}"),
            }
        })
        .collect();
    vec![
        row.name(),
        Value::from(kind),
        Value::from(row.text_or(&["spec", "clusterIP"], "<none>")),
        Value::from(external),
        Value::from(or_none(ports.join(","))),
        row.age(),
        row.labels(&["spec", "selector"]),
    ]
}

pub fn ingress(row: Row<'_>) -> Vec<Value> {
    let rules = row.list(&["spec", "rules"]);
    let hosts: Vec<&str> = rules
        .iter()
        .map(|rule| Row(rule).text(&["host"]))
        .filter(|host| !host.is_empty())
        .collect();
    let hosts = match hosts.len() {
        0 => "*".to_owned(),
        1..=3 => hosts.join(","),
        _ => format!("{} + {} more...", hosts[..3].join(","), rules.len() - 3),
    };
    let class = row
        .at(&["spec", "ingressClassName"])
        .and_then(Value::as_str)
        .unwrap_or("<none>");
    let ports = if row.list(&["spec", "tls"]).is_empty() {
        "80"
    } else {
        "80, 443"
    };
    vec![
        row.name(),
        Value::from(class),
        Value::from(hosts),
        Value::from(balancer(row)),
        Value::from(ports),
        row.age(),
    ]
}

pub fn ingress_class(row: Row<'_>) -> Vec<Value> {
    let parameters = match row.at(&["spec", "parameters"]).map(Row) {
        None => "<none>".to_owned(),
        Some(parameters) => {
            let mut kind = parameters.text(&["kind"]).to_owned();
            if let Some(group) = parameters.at(&["apiGroup"]).and_then(Value::as_str) {
                kind = format!("{kind}.{group}");
            }
            format!("{kind}/{}", parameters.text(&["name"]))
        }
    };
    vec![
        row.name(),
        Value::from(row.text(&["spec", "controller"])),
        Value::from(parameters),
        row.age(),
    ]
}

pub fn endpoints(row: Row<'_>) -> Vec<Value> {
    let mut list = Vec::new();
    for subset in row.list(&["subsets"]).iter().map(Row) {
        let addresses = subset
            .list(&["addresses"])
            .iter()
            .map(|a| Row(a).text(&["ip"]));
        let ports = subset.list(&["ports"]);
        if ports.is_empty() {
            list.extend(addresses.map(str::to_owned));
            continue;
        }
        for port in ports.iter().map(Row) {
            let number = port.number(&["port"]);
            list.extend(addresses.clone().map(|ip| {
                if ip.contains(':') {
                    format!("[{ip}]:{number}")
                } else {
                    format!("{ip}:{number}")
                }
            }));
        }
    }
    vec![row.name(), Value::from(some_of(&list)), row.age()]
}

pub fn slice(row: Row<'_>) -> Vec<Value> {
    let ports: Vec<String> = row
        .list(&["ports"])
        .iter()
        .map(Row)
        .map(
            |port| match (port.number(&["port"]), port.text(&["name"])) {
                (0, "") => "*".to_owned(),
                (0, name) => name.to_owned(),
                (number, _) => number.to_string(),
            },
        )
        .collect();
    let addresses: Vec<String> = row
        .list(&["endpoints"])
        .iter()
        .flat_map(|endpoint| Row(endpoint).list(&["addresses"]))
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect();
    let shown = |list: &[String]| {
        if list.is_empty() {
            Value::from("<unset>")
        } else {
            Value::from(some_of(list))
        }
    };
    vec![
        row.name(),
        Value::from(row.text(&["addressType"])),
        shown(&ports),
        shown(&addresses),
        row.age(),
    ]
}

pub fn policy(row: Row<'_>) -> Vec<Value> {
    vec![
        row.name(),
        row.selector(&["spec", "podSelector"]),
        row.age(),
    ]
}

pub fn api_service(row: Row<'_>) -> Vec<Value> {
    let service = match row.at(&["spec", "service"]).map(Row) {
        Some(service) => format!(
            "{}/{}",
            service.text(&["namespace"]),
            service.text(&["name"])
        ),
        None => "Local".to_owned(),
    };
    let available = row
        .list(&["status", "conditions"])
        .iter()
        .map(Row)
        .find(|condition| condition.text(&["type"]) == "Available");
    let available = match available {
        None => "Unknown".to_owned(),
        Some(condition) => match (condition.text(&["status"]), condition.text(&["reason"])) {
            ("True", _) => "True".to_owned(),
            (status, "") => status.to_owned(),
            (status, reason) => format!("{status} ({reason})"),
        },
    };
    vec![
        row.name(),
        Value::from(service),
        Value::from(available),
        row.age(),
    ]
}
