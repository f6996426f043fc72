use super::answer::{Answer, Form};
use super::request::{Query, ResourcePath};
use super::watch::WatchGrant;
use crate::sandbox::cluster::Cluster;
use crate::sandbox::status::Refusal;
use crate::sandbox::verbs::{self, Call, Granted};
use crate::sandbox::{discovery, openapi};
use crate::value::Value;
use hyper::body::Bytes;

/// A request with its whole body.
pub struct Request {
    pub method: String,
    pub path: String,
    pub query: String,
    pub accept: String,
    pub content_type: String,
    pub user_agent: String,
    pub if_none_match: String,
    pub body: Bytes,
}

pub enum Reply {
    Whole {
        code: u16,
        content_type: &'static str,
        headers: Vec<(&'static str, String)>,
        body: Bytes,
    },
    Watch(Box<WatchGrant>),
}

impl Reply {
    pub fn refusal(refusal: &Refusal) -> Self {
        let mut headers = Vec::new();
        if let Some(details) = &refusal.details
            && details.retry_after_seconds > 0
        {
            headers.push(("retry-after", details.retry_after_seconds.to_string()));
        }
        Reply::Whole {
            code: refusal.code,
            content_type: "application/json",
            headers,
            body: Bytes::from(refusal.to_value().to_json()),
        }
    }

    pub fn text(code: u16, text: impl Into<String>) -> Self {
        Reply::Whole {
            code,
            content_type: "text/plain; charset=utf-8",
            headers: Vec::new(),
            body: Bytes::from(text.into()),
        }
    }

    fn json(value: &Value) -> Self {
        Reply::Whole {
            code: 200,
            content_type: "application/json",
            headers: Vec::new(),
            body: Bytes::from(value.to_json()),
        }
    }

    /// What go-restful says about a path that nobody serves.
    fn no_such_path() -> Self {
        Reply::text(404, "404 page not found\n")
    }

    fn answer(answer: &Answer, form: Form) -> Self {
        let (content_type, body) = answer.body.to_bytes(form);
        Reply::Whole {
            code: answer.code,
            content_type,
            headers: answer
                .warnings
                .iter()
                .map(|text| ("warning", warning_header(text)))
                .collect(),
            body,
        }
    }
}

/// RFC 7234: `299 - "text"`.
fn warning_header(text: &str) -> String {
    let plain: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let quoted = plain.replace('\\', "\\\\").replace('"', "\\\"");
    format!("299 - \"{quoted}\"")
}

/// Carries out one request.
pub fn answer(cluster: &mut Cluster, request: &Request) -> Reply {
    let path = request.path.trim_end_matches('/');
    let steps: Vec<&str> = path.split('/').filter(|step| !step.is_empty()).collect();
    if let Some(reply) = unversioned(cluster, request, &steps) {
        return reply;
    }
    let Some(found) = ResourcePath::parse(path) else {
        return Reply::no_such_path();
    };
    resource(cluster, request, &found)
}

/// Everything that is not about a resource.
fn unversioned(cluster: &mut Cluster, request: &Request, steps: &[&str]) -> Option<Reply> {
    let reply = match steps {
        ["version"] => Reply::json(&discovery::version(&cluster.version)),
        ["healthz" | "readyz" | "livez", ..] => Reply::text(200, "ok"),
        [] => Reply::json(&discovery::root(&cluster.catalog)),
        ["api"] | ["apis"] => {
            let is_core = steps[0] == "api";
            match discovery::aggregated(&cluster.catalog, is_core, &request.accept) {
                Some((content_type, body, etag)) => {
                    if request.if_none_match == etag {
                        Reply::Whole {
                            code: 304,
                            content_type: "",
                            headers: vec![("etag", etag)],
                            body: Bytes::new(),
                        }
                    } else {
                        Reply::Whole {
                            code: 200,
                            content_type,
                            headers: vec![("etag", etag), ("vary", "Accept".to_owned())],
                            body: Bytes::from(body),
                        }
                    }
                }
                None if is_core => Reply::json(&discovery::core_versions()),
                None => Reply::json(&discovery::groups(&cluster.catalog)),
            }
        }
        ["api", version] => discovery::resources(&cluster.catalog, "", version).map_or_else(
            || Reply::refusal(&Refusal::no_such_resource()),
            |list| Reply::json(&list),
        ),
        ["apis", group] => discovery::group(&cluster.catalog, group)
            .map_or_else(Reply::no_such_path, |found| Reply::json(&found)),
        ["apis", group, version] => {
            let is_known = discovery::group(&cluster.catalog, group).is_some();
            match discovery::resources(&cluster.catalog, group, version) {
                Some(list) => Reply::json(&list),
                None if is_known => Reply::refusal(&Refusal::no_such_resource()),
                None => Reply::no_such_path(),
            }
        }
        ["openapi", "v2"] => Reply::json(&openapi::v2(cluster)),
        ["openapi", "v3"] => Reply::json(&openapi::index(&cluster.catalog)),
        ["openapi", "v3", rest @ ..] => openapi::document(cluster, &rest.join("/"))
            .map_or_else(Reply::no_such_path, |document| Reply::json(&document)),
        _ => return None,
    };
    Some(reply)
}

fn resource(cluster: &mut Cluster, request: &Request, path: &ResourcePath) -> Reply {
    let Some(resource) = cluster
        .catalog
        .find(&path.group, &path.version, &path.resource)
        .cloned()
    else {
        // A custom group knows only what its definitions say.
        let mut served = cluster.catalog.all();
        let is_builtin = served.any(|r| r.group == path.group && !r.is_custom());
        return if is_builtin {
            Reply::refusal(&Refusal::no_such_resource())
        } else {
            Reply::no_such_path()
        };
    };
    let query = Query::parse(&request.query);
    let form = match Form::negotiate(&request.accept, query.get("includeObject")) {
        Ok(form) => form,
        Err(refusal) => return Reply::refusal(&refusal),
    };
    let is_scoped_wrongly = !resource.namespaced && !path.namespace.is_empty();
    let needs_namespace = resource.namespaced && path.namespace.is_empty() && !path.name.is_empty();
    if is_scoped_wrongly || needs_namespace {
        return Reply::no_such_path();
    }
    let is_known_subresource =
        path.subresource.is_empty() || resource.subresource(&path.subresource).is_some();
    if !is_known_subresource {
        if resource.is_custom() {
            let refusal = Refusal::not_found(&resource.group_resource(), &path.name);
            return Reply::refusal(&refusal);
        }
        return Reply::refusal(&Refusal::no_such_resource());
    }
    let is_watch = path.is_watch || query.flag("watch");
    let call = Call {
        namespace: path.namespace.clone(),
        name: path.name.clone(),
        subresource: path.subresource.clone(),
        user_agent: request.user_agent.clone(),
        content_type: request.content_type.clone(),
        body: request.body.clone(),
        resource,
        query,
        form,
        is_watch,
    };
    match verbs::carry_out(cluster, &request.method, &call) {
        Ok(Granted::Answer(answer)) => Reply::answer(&answer, form),
        Ok(Granted::Watch(watch)) => Reply::Watch(watch),
        Err(refusal) => Reply::refusal(&refusal),
    }
}
