//! Ingress: v1beta1 has serviceName and servicePort, v1 a service with a port
//! that is a name or a number; `spec.backend` became `spec.defaultBackend`.

use crate::value::{Map, Value};

pub fn to_hub(object: &mut Value) {
    each_backend(object, "backend", "defaultBackend", new_backend);
}

pub fn from_hub(object: &mut Value) {
    each_backend(object, "defaultBackend", "backend", old_backend);
}

fn each_backend(object: &mut Value, from: &str, to: &str, change: fn(Map) -> Map) {
    let Some(spec) = object
        .as_map_mut()
        .and_then(|root| root.get_mut("spec"))
        .and_then(Value::as_map_mut)
    else {
        return;
    };
    if let Some(Value::Map(backend)) = spec.remove(from) {
        spec.insert(to, change(backend));
    }
    let rules = spec.get_mut("rules").and_then(Value::as_seq_mut);
    for rule in rules.into_iter().flatten() {
        let paths = rule
            .as_map_mut()
            .and_then(|rule| rule.get_mut("http"))
            .and_then(Value::as_map_mut)
            .and_then(|http| http.get_mut("paths"))
            .and_then(Value::as_seq_mut);
        for path in paths.into_iter().flatten().filter_map(Value::as_map_mut) {
            if let Some(Value::Map(backend)) = path.remove("backend") {
                path.insert("backend", change(backend));
            }
        }
    }
}

fn new_backend(mut old: Map) -> Map {
    let name = old.remove("serviceName");
    let port = old.remove("servicePort");
    if name.is_none() && port.is_none() {
        return old;
    }
    let mut service = Map::new();
    if let Some(name) = name {
        service.insert("name", name);
    }
    let mut new_port = Map::new();
    match port {
        Some(Value::Str(name)) if !name.is_empty() => {
            new_port.insert("name", name);
        }
        Some(Value::Int(number)) if number != 0 => {
            new_port.insert("number", number);
        }
        Some(_) | None => {}
    }
    service.insert("port", new_port);
    old.insert("service", service);
    old
}

fn old_backend(mut new: Map) -> Map {
    let Some(Value::Map(mut service)) = new.remove("service") else {
        return new;
    };
    if let Some(name) = service.remove("name") {
        new.insert("serviceName", name);
    }
    let port = service.remove("port").unwrap_or_default();
    let port = port
        .get("name")
        .or_else(|| port.get("number"))
        .cloned()
        .unwrap_or(Value::Int(0));
    new.insert("servicePort", port);
    new
}
