//! Pods and their templates.

use super::checks::{Check, int, items, map, same, set, text};
use super::service::{port_number, port_or_name};
use super::{formats, meta};
use crate::sandbox::decode::Quantity;
use crate::value::{Map, Value};

pub fn pod(check: &mut Check, object: &Value, live: Option<&Value>) {
    let none = Value::Null;
    let spec = object.get("spec").unwrap_or(&none);
    pod_spec(check, "spec", spec, &[]);
    let Some(old) = live.and_then(|live| live.get("spec")) else {
        return;
    };
    // Images, the deadline, additional tolerations and a shorter negative
    // grace period may change.
    let frozen = |spec: &Value| -> Value {
        let mut out: Map = spec.as_map().cloned().unwrap_or_default();
        for key in [
            "activeDeadlineSeconds",
            "tolerations",
            "terminationGracePeriodSeconds",
            "schedulingGates",
        ] {
            out.remove(key);
        }
        for list in ["containers", "initContainers"] {
            for container in out
                .get_mut(list)
                .and_then(Value::as_seq_mut)
                .into_iter()
                .flatten()
            {
                if let Some(container) = container.as_map_mut() {
                    container.remove("image");
                }
            }
        }
        Value::Map(out)
    };
    if !same(Some(&frozen(spec)), Some(&frozen(old))) {
        check.forbidden(
            "spec",
            "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)\n",
        );
    }
}

/// `volumes` are names that come from outside (a StatefulSet's claims).
pub fn template(check: &mut Check, path: &str, template: &Value, volumes: &[&str]) {
    let metadata = |key: &str| template.at(&["metadata", key]);
    meta::labels(check, &format!("{path}.labels"), metadata("labels"));
    meta::annotations(
        check,
        &format!("{path}.annotations"),
        metadata("annotations"),
    );
    let none = Value::Null;
    let spec = template.get("spec").unwrap_or(&none);
    pod_spec(check, &format!("{path}.spec"), spec, volumes);
    if !items(spec, "ephemeralContainers").is_empty() {
        check.forbidden(
            format!("{path}.spec.ephemeralContainers"),
            "ephemeral containers not allowed in pod template",
        );
    }
}

fn pod_spec(check: &mut Check, path: &str, spec: &Value, claims: &[&str]) {
    let mut volumes: Vec<&str> = claims.to_vec();
    self::volumes(check, &format!("{path}.volumes"), spec, &mut volumes);
    containers(check, path, spec, &volumes);
    host_network(check, path, spec);
    check.one_of(
        format!("{path}.restartPolicy"),
        spec.get("restartPolicy"),
        &["Always", "OnFailure", "Never"],
    );
    check.one_of(
        format!("{path}.dnsPolicy"),
        spec.get("dnsPolicy"),
        &["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"],
    );
    meta::labels(
        check,
        &format!("{path}.nodeSelector"),
        spec.get("nodeSelector"),
    );
    for key in ["serviceAccountName", "nodeName", "priorityClassName"] {
        let name = text(spec, key);
        if !name.is_empty() {
            check.form(&format!("{path}.{key}"), name, formats::dns_subdomain(name));
        }
    }
    for key in ["hostname", "subdomain"] {
        let name = text(spec, key);
        if !name.is_empty() {
            check.form(&format!("{path}.{key}"), name, formats::dns_label(name));
        }
    }
    if int(spec, "activeDeadlineSeconds").is_some_and(|n| n < 1) {
        check.invalid(
            format!("{path}.activeDeadlineSeconds"),
            spec.get("activeDeadlineSeconds"),
            "must be between 1 and 2147483647, inclusive",
        );
    }
    tolerations(check, &format!("{path}.tolerations"), spec);
    dns_config(check, path, spec);
    for (at, spread) in items(spec, "topologySpreadConstraints").iter().enumerate() {
        let path = format!("{path}.topologySpreadConstraints[{at}]");
        if int(spread, "maxSkew").unwrap_or_default() <= 0 {
            check.invalid(
                format!("{path}.maxSkew"),
                Some(&Value::Int(int(spread, "maxSkew").unwrap_or_default())),
                "must be greater than zero",
            );
        }
        if text(spread, "topologyKey").is_empty() {
            check.required(format!("{path}.topologyKey"), "can not be empty");
        }
        check.one_of(
            format!("{path}.whenUnsatisfiable"),
            spread.get("whenUnsatisfiable"),
            &["DoNotSchedule", "ScheduleAnyway"],
        );
    }
}

fn dns_config(check: &mut Check, path: &str, spec: &Value) {
    let none = Value::Null;
    let config = spec.get("dnsConfig").unwrap_or(&none);
    if text(spec, "dnsPolicy") == "None" && items(config, "nameservers").is_empty() {
        check.required(
            format!("{path}.dnsConfig.nameservers"),
            "must provide at least one DNS nameserver when `dnsPolicy` is None",
        );
    }
}

fn volumes<'a>(check: &mut Check, path: &str, spec: &'a Value, names: &mut Vec<&'a str>) {
    let mut own: Vec<&str> = Vec::new();
    for (at, volume) in items(spec, "volumes").iter().enumerate() {
        let path = format!("{path}[{at}]");
        let name = text(volume, "name");
        let sources: Vec<&str> = volume
            .as_map()
            .into_iter()
            .flat_map(|map| map.iter())
            .filter(|(key, value)| *key != "name" && !value.is_null())
            .map(|(key, _)| key)
            .collect();
        if let [_, extra @ ..] = sources.as_slice() {
            for extra in extra {
                check.forbidden(
                    format!("{path}.{extra}"),
                    "may not specify more than 1 volume type",
                );
            }
        }
        if name.is_empty() {
            check.required(format!("{path}.name"), "");
        } else {
            check.form(&format!("{path}.name"), name, formats::dns_label(name));
            if own.contains(&name) {
                check.duplicate(format!("{path}.name"), &Value::from(name));
            }
        }
        for (source, field) in [
            ("secret", "secretName"),
            ("persistentVolumeClaim", "claimName"),
            ("configMap", "name"),
            ("hostPath", "path"),
        ] {
            if let Some(inner) = set(volume, source)
                && text(inner, field).is_empty()
            {
                check.required(format!("{path}.{source}.{field}"), "");
            }
        }
        own.push(name);
        if !names.contains(&name) {
            names.push(name);
        }
    }
}

fn containers(check: &mut Check, path: &str, spec: &Value, volumes: &[&str]) {
    let regular = items(spec, "containers");
    if regular.is_empty() {
        check.required(format!("{path}.containers"), "");
    }
    let mut names: Vec<&str> = Vec::new();
    for (at, container) in regular.iter().enumerate() {
        let path = format!("{path}.containers[{at}]");
        self::container(check, &path, container, volumes);
        let name = text(container, "name");
        if names.contains(&name) {
            check.duplicate(format!("{path}.name"), &Value::from(name));
        }
        names.push(name);
        probes(check, &path, container);
        if set(container, "restartPolicy").is_some() {
            check.forbidden(
                format!("{path}.restartPolicy"),
                "may not be set for non-init containers",
            );
        }
    }
    host_port_conflicts(check, &format!("{path}.containers"), regular);
    for (at, container) in items(spec, "initContainers").iter().enumerate() {
        let path = format!("{path}.initContainers[{at}]");
        self::container(check, &path, container, volumes);
        let name = text(container, "name");
        let is_sidecar = text(container, "restartPolicy") == "Always";
        check.one_of(
            format!("{path}.restartPolicy"),
            set(container, "restartPolicy"),
            &["Always"],
        );
        if names.contains(&name) {
            check.duplicate(format!("{path}.name"), &Value::from(name));
        } else if !name.is_empty() {
            names.push(name);
        }
        if is_sidecar {
            probes(check, &path, container);
            continue;
        }
        for key in [
            "lifecycle",
            "livenessProbe",
            "readinessProbe",
            "startupProbe",
        ] {
            if set(container, key).is_some() {
                check.forbidden(
                    format!("{path}.{key}"),
                    "may not be set for init containers without restartPolicy=Always",
                );
            }
        }
    }
}

fn container(check: &mut Check, path: &str, container: &Value, volumes: &[&str]) {
    let name = text(container, "name");
    if name.is_empty() {
        check.required(format!("{path}.name"), "");
    } else {
        check.form(&format!("{path}.name"), name, formats::dns_label(name));
    }
    if text(container, "image").is_empty() {
        check.required(format!("{path}.image"), "");
    }
    check.one_of(
        format!("{path}.terminationMessagePolicy"),
        container.get("terminationMessagePolicy"),
        &["FallbackToLogsOnError", "File"],
    );
    ports(check, &format!("{path}.ports"), container);
    for (at, variable) in items(container, "env").iter().enumerate() {
        environment(check, &format!("{path}.env[{at}]"), variable);
    }
    for (at, source) in items(container, "envFrom").iter().enumerate() {
        let path = format!("{path}.envFrom[{at}]");
        let sources: Vec<&str> = ["configMapRef", "secretRef"]
            .into_iter()
            .filter(|key| set(source, key).is_some())
            .collect();
        match sources.as_slice() {
            [] => check.invalid_text(
                path,
                "",
                "must specify one of: `configMapRef` or `secretRef`",
            ),
            [_] => {}
            _ => check.invalid_text(
                path,
                "",
                "may not have more than one field specified at a time",
            ),
        }
    }
    mounts(check, &format!("{path}.volumeMounts"), container, volumes);
    check.one_of(
        format!("{path}.imagePullPolicy"),
        container.get("imagePullPolicy"),
        &["Always", "IfNotPresent", "Never"],
    );
    let none = Value::Null;
    let resources = container.get("resources").unwrap_or(&none);
    self::resources(check, &format!("{path}.resources"), resources);
}

fn ports(check: &mut Check, path: &str, container: &Value) {
    let mut names: Vec<&str> = Vec::new();
    for (at, port) in items(container, "ports").iter().enumerate() {
        let path = format!("{path}[{at}]");
        let name = text(port, "name");
        if !name.is_empty() {
            let faults = formats::port_name(name);
            if !faults.is_empty() {
                check.form(&format!("{path}.name"), name, faults);
            } else if names.contains(&name) {
                check.duplicate(format!("{path}.name"), &Value::from(name));
            } else {
                names.push(name);
            }
        }
        if int(port, "containerPort").unwrap_or_default() == 0 {
            check.required(format!("{path}.containerPort"), "");
        } else {
            port_number(
                check,
                format!("{path}.containerPort"),
                port.get("containerPort"),
            );
        }
        if int(port, "hostPort").unwrap_or_default() != 0 {
            port_number(check, format!("{path}.hostPort"), port.get("hostPort"));
        }
        check.one_of(
            format!("{path}.protocol"),
            port.get("protocol"),
            &["SCTP", "TCP", "UDP"],
        );
    }
}

fn environment(check: &mut Check, path: &str, variable: &Value) {
    let name = text(variable, "name");
    if name.is_empty() {
        check.required(format!("{path}.name"), "");
    } else {
        check.form(&format!("{path}.name"), name, formats::env_name(name));
    }
    let Some(source) = set(variable, "valueFrom") else {
        return;
    };
    let path = format!("{path}.valueFrom");
    let count = source.as_map().map_or(0, |map| {
        map.values().filter(|value| !value.is_null()).count()
    });
    if count == 0 {
        check.invalid_text(
            path.as_str(),
            "",
            "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`",
        );
    } else if !text(variable, "value").is_empty() {
        check.invalid_text(
            path.as_str(),
            "",
            "may not be specified when `value` is not empty",
        );
    } else if count > 1 {
        check.invalid_text(
            path.as_str(),
            "",
            "may not have more than one field specified at a time",
        );
    }
    for key in ["configMapKeyRef", "secretKeyRef"] {
        if let Some(reference) = set(source, key) {
            if text(reference, "name").is_empty() {
                check.required(format!("{path}.{key}.name"), "");
            }
            let entry = text(reference, "key");
            if entry.is_empty() {
                check.required(format!("{path}.{key}.key"), "");
            } else {
                check.form(
                    &format!("{path}.{key}.key"),
                    entry,
                    formats::config_key(entry),
                );
            }
        }
    }
}

fn mounts(check: &mut Check, path: &str, container: &Value, volumes: &[&str]) {
    let mut points: Vec<&str> = Vec::new();
    for (at, mount) in items(container, "volumeMounts").iter().enumerate() {
        let path = format!("{path}[{at}]");
        let name = text(mount, "name");
        let point = text(mount, "mountPath");
        if name.is_empty() {
            check.required(format!("{path}.name"), "");
        }
        if !volumes.contains(&name) {
            check.not_found(format!("{path}.name"), &Value::from(name));
        }
        if point.is_empty() {
            check.required(format!("{path}.mountPath"), "");
        }
        if points.contains(&point) {
            check.invalid_text(format!("{path}.mountPath"), point, "must be unique");
        }
        points.push(point);
    }
}

/// Requests may not exceed limits.
fn resources(check: &mut Check, path: &str, resources: &Value) {
    const OVERCOMMIT: fn(&str) -> bool =
        |name| !name.contains('/') && !name.starts_with("hugepages-");
    let nanos = |value: &Value| value.as_str().and_then(Quantity::parse).map(|q| q.nanos());
    let limits = map(resources, "limits");
    for (kind, amounts) in [("limits", limits), ("requests", map(resources, "requests"))] {
        for (name, amount) in amounts.iter() {
            if nanos(amount).is_some_and(|nanos| nanos < 0) {
                check.invalid(
                    format!("{path}.{kind}[{name}]"),
                    Some(amount),
                    formats::NOT_NEGATIVE,
                );
            }
            let is_standard = matches!(name, "cpu" | "memory" | "ephemeral-storage")
                || name.starts_with("hugepages-");
            if !name.contains('/') && !is_standard {
                check.invalid_text(
                    format!("{path}.{kind}[{name}]"),
                    name,
                    "must be a standard resource type or fully qualified",
                );
                check.invalid_text(
                    format!("{path}.{kind}[{name}]"),
                    name,
                    "must be a standard resource for containers",
                );
            }
            let Some(limit) = limits.get(name).filter(|_| kind == "requests") else {
                continue;
            };
            if !OVERCOMMIT(name) && nanos(amount) != nanos(limit) {
                check.invalid(
                    format!("{path}.requests"),
                    Some(amount),
                    &format!("must be equal to {name} limit of {}", plain(limit)),
                );
            } else if nanos(amount) > nanos(limit) {
                check.invalid(
                    format!("{path}.requests"),
                    Some(amount),
                    &format!(
                        "must be less than or equal to {name} limit of {}",
                        plain(limit)
                    ),
                );
            }
        }
    }
}

fn plain(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn probes(check: &mut Check, path: &str, container: &Value) {
    for key in ["livenessProbe", "readinessProbe", "startupProbe"] {
        let Some(probe) = set(container, key) else {
            continue;
        };
        let path = format!("{path}.{key}");
        handler(check, &path, probe);
        for number in [
            "initialDelaySeconds",
            "timeoutSeconds",
            "periodSeconds",
            "successThreshold",
            "failureThreshold",
        ] {
            check.not_negative(format!("{path}.{number}"), probe.get(number));
        }
        if key != "readinessProbe" && int(probe, "successThreshold").unwrap_or(1) != 1 {
            check.invalid(
                format!("{path}.successThreshold"),
                probe.get("successThreshold"),
                "must be 1",
            );
        }
    }
    if let Some(lifecycle) = set(container, "lifecycle") {
        for key in ["postStart", "preStop"] {
            if let Some(hook) = set(lifecycle, key) {
                handler(check, &format!("{path}.lifecycle.{key}"), hook);
            }
        }
    }
}

fn handler(check: &mut Check, path: &str, handler: &Value) {
    let mut count = 0;
    for key in ["exec", "httpGet", "tcpSocket", "grpc", "sleep"] {
        let Some(action) = set(handler, key) else {
            continue;
        };
        count += 1;
        let path = format!("{path}.{key}");
        if count > 1 {
            check.forbidden(path, "may not specify more than 1 handler type");
            continue;
        }
        match key {
            "exec" if items(action, "command").is_empty() => {
                check.required(format!("{path}.command"), "");
            }
            "httpGet" | "tcpSocket" => {
                port_or_name(check, &format!("{path}.port"), action.get("port"));
                check.one_of(
                    format!("{path}.scheme"),
                    action.get("scheme"),
                    &["HTTP", "HTTPS"],
                );
            }
            "grpc" => port_number(check, format!("{path}.port"), action.get("port")),
            _ => {}
        }
    }
    if count == 0 {
        check.required(path, "must specify a handler type");
    }
}

fn host_port_conflicts(check: &mut Check, path: &str, containers: &[Value]) {
    let mut used: Vec<String> = Vec::new();
    for (at, container) in containers.iter().enumerate() {
        for (port_at, port) in items(container, "ports").iter().enumerate() {
            let number = int(port, "hostPort").unwrap_or_default();
            if number == 0 {
                continue;
            }
            let key = format!(
                "{}/{}/{number}",
                text(port, "protocol"),
                text(port, "hostIP")
            );
            if used.contains(&key) {
                check.duplicate(
                    format!("{path}[{at}].ports[{port_at}].hostPort"),
                    &Value::from(key.as_str()),
                );
            }
            used.push(key);
        }
    }
}

/// On the host's network a container port is the host's port.
fn host_network(check: &mut Check, path: &str, spec: &Value) {
    if spec.get("hostNetwork").and_then(Value::as_bool) != Some(true) {
        return;
    }
    for list in ["containers", "initContainers"] {
        for (at, container) in items(spec, list).iter().enumerate() {
            for (port_at, port) in items(container, "ports").iter().enumerate() {
                let host = int(port, "hostPort").unwrap_or_default();
                if host != 0 && Some(host) != int(port, "containerPort") {
                    check.invalid(
                        format!("{path}.{list}[{at}].ports[{port_at}].hostPort"),
                        port.get("hostPort"),
                        "must match `containerPort` when `hostNetwork` is true",
                    );
                }
            }
        }
    }
}

fn tolerations(check: &mut Check, path: &str, spec: &Value) {
    for (at, toleration) in items(spec, "tolerations").iter().enumerate() {
        let path = format!("{path}[{at}]");
        let (key, operator) = (text(toleration, "key"), text(toleration, "operator"));
        if !key.is_empty() {
            check.form(&format!("{path}.key"), key, formats::qualified_name(key));
        } else if operator != "Exists" {
            check.invalid_text(
                format!("{path}.operator"),
                operator,
                "operator must be Exists when `key` is empty, which means \"match all values and all keys\"",
            );
        }
        if set(toleration, "tolerationSeconds").is_some()
            && text(toleration, "effect") != "NoExecute"
        {
            check.invalid_text(
                format!("{path}.effect"),
                text(toleration, "effect"),
                "effect must be 'NoExecute' when `tolerationSeconds` is set",
            );
        }
        match operator {
            "" | "Equal" => {}
            "Exists" => {
                if !text(toleration, "value").is_empty() {
                    check.invalid_text(
                        format!("{path}.operator"),
                        text(toleration, "value"),
                        "value must be empty when `operator` is 'Exists'",
                    );
                }
            }
            other => check.not_supported(
                format!("{path}.operator"),
                &Value::from(other),
                &["Equal", "Exists"],
            ),
        }
        check.one_of(
            format!("{path}.effect"),
            toleration.get("effect"),
            &["NoExecute", "NoSchedule", "PreferNoSchedule"],
        );
    }
}
