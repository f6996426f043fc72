use super::Call;
use crate::sandbox::cluster::Cluster;
use crate::sandbox::http::{Answer, Body, List, WatchGrant};
use crate::sandbox::status::{FieldError, GroupName, Refusal};
use crate::sandbox::store::{FieldSelector, LabelSelector, Place, Stored};
use crate::value::{Map, Value};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::rc::Rc;
use std::time::Duration;

pub fn get(cluster: &Cluster, call: &Call) -> Result<Answer, Refusal> {
    let stored = find(cluster, call)?;
    Ok(Answer::ok(Body::Stored(call.resource.clone(), stored)))
}

/// The object that a call names.
pub fn find(cluster: &Cluster, call: &Call) -> Result<Rc<Stored>, Refusal> {
    cluster
        .store
        .get(&call.resource.shelf, &call.namespace, &call.name)
        .cloned()
        .ok_or_else(|| Refusal::not_found(&call.resource.group_resource(), &call.name))
}

pub struct Selection {
    pub labels: LabelSelector,
    pub fields: FieldSelector,
}

impl Selection {
    pub fn of(call: &Call) -> Result<Self, Refusal> {
        let labels =
            LabelSelector::parse(call.query.get("labelSelector")).map_err(Refusal::bad_request)?;
        let mut text = call.query.get("fieldSelector").to_owned();
        if !call.name.is_empty() {
            // A watch on one object.
            text = format!("metadata.name={}", call.name);
        }
        let fields = FieldSelector::parse(&text).map_err(Refusal::bad_request)?;
        for field in fields.fields() {
            check_field(call, field)?;
        }
        Ok(Selection { labels, fields })
    }

    pub fn matches(&self, stored: &Stored) -> bool {
        self.labels.matches(stored) && self.fields.matches(stored)
    }
}

/// Fields that may be selected beside name and namespace, as the scheme of
/// kube-apiserver registers them; a kind that registers any words its refusal
/// differently.
const SELECTABLE: &[(&str, &[&str])] = &[
    (
        "/pods",
        &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.podIPs",
            "status.nominatedNodeName",
        ],
    ),
    (
        "/events",
        &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
    ),
    ("/secrets", &["type"]),
    ("/nodes", &["spec.unschedulable"]),
    ("/namespaces", &["status.phase"]),
    ("/replicationcontrollers", &["status.replicas"]),
    ("/services", &["spec.clusterIP", "spec.type"]),
    ("batch/jobs", &["status.successful"]),
    (
        "certificates.k8s.io/certificatesigningrequests",
        &["spec.signerName"],
    ),
];

fn check_field(call: &Call, field: &str) -> Result<(), Refusal> {
    if matches!(field, "metadata.name" | "metadata.namespace") {
        return Ok(());
    }
    let shelf = &*call.resource.shelf;
    let registered = SELECTABLE.iter().find(|(of, _)| *of == shelf);
    match registered {
        Some((_, fields)) if fields.contains(&field) => Ok(()),
        Some(_) => Err(Refusal::bad_request(format!(
            "field label not supported: {field}"
        ))),
        None if call.resource.selectable.iter().any(|f| f == field) => Ok(()),
        None if call.resource.is_custom() => Err(Refusal::bad_request(format!(
            "field label not supported: {field}"
        ))),
        None => Err(Refusal::bad_request(format!(
            "{field:?} is not a known field selector: only \"metadata.name\", \"metadata.namespace\""
        ))),
    }
}

pub fn list(cluster: &Cluster, call: &Call) -> Result<Answer, Refusal> {
    let selection = Selection::of(call)?;
    let current = cluster.store.resource_version();
    let limit = call.query.number("limit")?.unwrap_or(0).max(0) as usize;
    let (after, version) = match call.query.get("continue") {
        "" => (None, check_version(call, current)?),
        token => {
            let (place, version) = read_token(token)?;
            (Some(place), version)
        }
    };
    let page = cluster.store.page(
        &call.resource.shelf,
        &call.namespace,
        after.as_ref(),
        limit,
        |stored| selection.matches(stored),
    );
    let is_selective = !selection.labels.is_empty() || !selection.fields.is_empty();
    let (next, remaining) = match page.next {
        Some((place, remaining)) => (
            Some(write_token(&place, version)),
            // The server does not know it for a selection.
            (!is_selective).then_some(remaining),
        ),
        None => (None, None),
    };
    Ok(Answer::ok(Body::List(List {
        resource: call.resource.clone(),
        items: page.items,
        resource_version: version,
        next,
        remaining,
    })))
}

/// The version at which a list is answered: always the current one, which
/// suits every wish but an exact older version.
fn check_version(call: &Call, current: u64) -> Result<u64, Refusal> {
    let asked = call.query.get("resourceVersion");
    let matching = call.query.get("resourceVersionMatch");
    let invalid = |error: FieldError| {
        let kind = GroupName::new("meta.k8s.io", "ListOptions");
        Err(Refusal::invalid(&kind, "", &[error]))
    };
    match matching {
        "" => {}
        "Exact" | "NotOlderThan" if asked.is_empty() => {
            return invalid(FieldError::forbidden(
                "resourceVersionMatch",
                "resourceVersionMatch is forbidden unless resourceVersion is provided",
            ));
        }
        "Exact" if asked == "0" => {
            return invalid(FieldError::forbidden(
                "resourceVersionMatch",
                "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"",
            ));
        }
        "Exact" | "NotOlderThan" => {}
        other => {
            let supported = ["Exact", "NotOlderThan", ""].map(str::to_owned);
            return invalid(FieldError::not_supported(
                "resourceVersionMatch",
                &Value::from(other),
                &supported,
            ));
        }
    }
    let version = parse_version(asked)?;
    if version > current {
        return Err(Refusal::too_large_resource_version(version, current));
    }
    if matching == "Exact" && version != current {
        return Err(Refusal::gone(
            "The resourceVersion for the provided list is too old.",
        ));
    }
    Ok(current)
}

fn parse_version(text: &str) -> Result<u64, Refusal> {
    if text.is_empty() {
        return Ok(0);
    }
    text.parse().map_err(|_| {
        Refusal::bad_request(format!(
            "invalid resource version: resourceVersion: Invalid value: {text:?}: strconv.ParseUint: parsing {text:?}: invalid syntax"
        ))
    })
}

/// Continue tokens are opaque: the place after which to go on, and the
/// version of the first page.
fn write_token(place: &Place, version: u64) -> String {
    let mut map = Map::new();
    map.insert("v", "meta.k8s.io/v1");
    map.insert("rv", version as i64);
    map.insert("namespace", &*place.0);
    map.insert("name", &*place.1);
    URL_SAFE_NO_PAD.encode(Value::Map(map).to_json())
}

fn read_token(token: &str) -> Result<(Place, u64), Refusal> {
    let parse = || {
        let bytes = URL_SAFE_NO_PAD.decode(token.trim_end_matches('=')).ok()?;
        let value = Value::from_json(&bytes).ok()?;
        let text = |key| value.get(key).and_then(Value::as_str);
        let version = value.get("rv").and_then(Value::as_i64)?;
        Some((
            (text("namespace")?.into(), text("name")?.into()),
            u64::try_from(version).ok()?,
        ))
    };
    parse().ok_or_else(|| {
        Refusal::bad_request(
            "invalid continue token: continue key is not valid: token is malformed",
        )
    })
}

pub fn watch(cluster: &Cluster, call: &Call) -> Result<WatchGrant, Refusal> {
    let selection = Selection::of(call)?;
    let current = cluster.store.resource_version();
    let asked = call.query.get("resourceVersion");
    let version = parse_version(asked)?;
    if version > current {
        return Err(Refusal::too_large_resource_version(version, current));
    }
    let streams_list = call.query.flag("sendInitialEvents");
    let bookmarks = call.query.flag("allowWatchBookmarks");
    check_initial_events(call, streams_list)?;
    // Without a version a watch begins with what is there.
    let begins_with_state = if call.query.has("sendInitialEvents") {
        streams_list
    } else {
        version == 0
    };
    let initial = if begins_with_state {
        let everything = |stored: &Stored| selection.matches(stored);
        cluster
            .store
            .page(&call.resource.shelf, &call.namespace, None, 0, everything)
            .items
    } else {
        Vec::new()
    };
    let timeout = match call.query.number("timeoutSeconds")? {
        Some(seconds) if seconds > 0 => Duration::from_secs(seconds as u64),
        Some(_) | None => WatchGrant::DEFAULT_TIMEOUT,
    };
    let from = if begins_with_state || version == 0 {
        current
    } else {
        version
    };
    Ok(WatchGrant {
        resource: call.resource.clone(),
        namespace: call.namespace.clone(),
        labels: selection.labels,
        fields: selection.fields,
        form: call.form,
        bookmarks,
        from,
        initial,
        mark_initial_end: streams_list && bookmarks,
        timeout,
    })
}

/// The rules of `sendInitialEvents` (KEP-3157).
fn check_initial_events(call: &Call, streams_list: bool) -> Result<(), Refusal> {
    let matching = call.query.get("resourceVersionMatch");
    let mut errors = Vec::new();
    if call.query.has("sendInitialEvents") {
        if matching != "NotOlderThan" {
            errors.push(FieldError::forbidden(
                "resourceVersionMatch",
                "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
            ));
        }
        if errors.is_empty() && streams_list && !call.query.flag("allowWatchBookmarks") {
            errors.push(FieldError::forbidden(
                "sendInitialEvents",
                "sendInitialEvents requires setting allowWatchBookmarks to true",
            ));
        }
    } else if !matching.is_empty() {
        errors.push(FieldError::forbidden(
            "resourceVersionMatch",
            "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
        ));
    }
    if errors.is_empty() {
        return Ok(());
    }
    let kind = GroupName::new("meta.k8s.io", "ListOptions");
    Err(Refusal::invalid(&kind, "", &errors))
}
