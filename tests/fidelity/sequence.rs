//! Random sequences of requests, each about one object of its own.

use std::sync::OnceLock;

use drupelet::value::{Map, Value};

use super::random::Random;

/// One request.
#[derive(Debug, Clone)]
pub struct Step {
    pub method: &'static str,
    pub path: String,
    pub content_type: &'static str,
    pub user_agent: &'static str,
    pub body: Option<Value>,
}

#[derive(Debug)]
pub struct Sequence {
    pub kind: String,
    pub steps: Vec<Step>,
}

/// What may be written to one kind: a base that is valid, and values for
/// fields, most of them valid.
struct Kind {
    kind: String,
    path: String,
    custom: bool,
    base: Value,
    fields: Vec<(String, Vec<Value>)>,
    strategic: Vec<Value>,
}

// Amounts in lists that are owned as a whole (kinds.json) are odd numbers with
// binary suffixes: of others the real server sometimes keeps the text in memory
// and sometimes not, and then finds two equal lists different.

const JSON: &str = "application/json";
const MERGE: &str = "application/merge-patch+json";
const STRATEGIC: &str = "application/strategic-merge-patch+json";
const JSON_PATCH: &str = "application/json-patch+json";
const APPLY: &str = "application/apply-patch+yaml";

pub fn n_kinds() -> usize {
    kinds().len()
}

fn kinds() -> &'static [Kind] {
    static KINDS: OnceLock<Vec<Kind>> = OnceLock::new();
    KINDS.get_or_init(|| {
        let parse = |text: &str| Value::from_json(text.as_bytes()).expect("the file is JSON");
        let pod = fields(&parse(include_str!("pod.json")));
        let pod_strategic = parse(include_str!("pod_strategic.json"));
        let pod_strategic = pod_strategic.as_seq().expect("a list");
        let text = |value: &Value, key: &str| -> String {
            let text = value.get(key).and_then(Value::as_str);
            text.unwrap_or_default().to_owned()
        };
        parse(include_str!("kinds.json"))
            .as_seq()
            .expect("a list of kinds")
            .iter()
            .map(|value| {
                let mut own = fields(value.get("fields").expect("fields"));
                let strategic = value.get("strategic").and_then(Value::as_seq);
                let mut strategic = strategic.unwrap_or_default().to_vec();
                let template = text(value, "template");
                if !template.is_empty() {
                    own.extend(
                        pod.iter()
                            .map(|(path, values)| (format!("{template}{path}"), values.clone())),
                    );
                    strategic.extend(pod_strategic.iter().map(|patch| {
                        let mut whole = Value::Map(Map::new());
                        set(&mut whole, &template, patch.clone());
                        whole
                    }));
                }
                Kind {
                    kind: text(value, "kind"),
                    path: text(value, "path"),
                    custom: value.get("custom").is_some(),
                    base: value.get("base").cloned().unwrap_or_default(),
                    fields: own,
                    strategic,
                }
            })
            .collect()
    })
}

fn fields(value: &Value) -> Vec<(String, Vec<Value>)> {
    value
        .as_map()
        .expect("a map of fields")
        .iter()
        .map(|(path, values)| {
            (
                path.to_owned(),
                values.as_seq().expect("a list of values").to_vec(),
            )
        })
        .collect()
}

/// Sets a value at a JSON pointer, making the maps on the way; what does not
/// fit is left out.
fn set(target: &mut Value, path: &str, value: Value) {
    let mut here = target;
    let mut steps = path.trim_start_matches('/').split('/').peekable();
    while let Some(step) = steps.next() {
        let is_last = steps.peek().is_none();
        here = match here {
            Value::Seq(items) => {
                let Some(item) = step.parse().ok().and_then(|at: usize| items.get_mut(at)) else {
                    return;
                };
                item
            }
            Value::Map(map) => {
                if is_last {
                    map.insert(step, value);
                    return;
                }
                // No list is made for an index.
                if steps
                    .peek()
                    .is_some_and(|next| next.parse::<usize>().is_ok())
                    && map.get(step).is_none()
                {
                    return;
                }
                map.entry(step, || Value::Map(Map::new()))
            }
            other => {
                *other = Value::Map(Map::new());
                return;
            }
        };
        if is_last {
            *here = value;
            return;
        }
    }
}

pub fn sequence(seed: u64) -> Sequence {
    let mut random = Random::new(seed);
    let kind = &kinds()[seed as usize % kinds().len()];
    let name = format!("f{seed}");
    let mut steps = vec![if random.chance(60) {
        create(&mut random, kind, &name)
    } else {
        apply(&mut random, kind, &name, true)
    }];
    for _ in 0..4 + random.below(5) {
        let step = match random.below(100) {
            0..=21 => merge(&mut random, kind, &name),
            22..=41 => strategic(&mut random, kind, &name),
            42..=55 => json_patch(&mut random, kind, &name),
            56..=85 => {
                let with_base = random.chance(50);
                apply(&mut random, kind, &name, with_base)
            }
            86..=91 => update(&mut random, kind, &name),
            92..=95 => create(&mut random, kind, &name),
            _ => delete(kind, &name),
        };
        steps.push(step);
    }
    // Nothing is left for the next run.
    steps.push(Step {
        body: Some(parsed(r#"{"metadata":{"finalizers":null}}"#)),
        ..request("PATCH", format!("{}/{name}", kind.path), MERGE)
    });
    steps.push(delete(kind, &name));
    Sequence {
        kind: kind.kind.clone(),
        steps,
    }
}

fn parsed(json: &str) -> Value {
    Value::from_json(json.as_bytes()).expect("written here")
}

fn request(method: &'static str, path: String, content_type: &'static str) -> Step {
    Step {
        method,
        path,
        content_type,
        user_agent: "fidelity/1.0",
        body: None,
    }
}

fn query(random: &mut Random, mut options: Vec<String>) -> String {
    if random.chance(25) {
        let value = random.pick(&["Strict", "Ignore", "Warn"]);
        options.push(format!("fieldValidation={value}"));
    }
    if random.chance(4) {
        options.push("dryRun=All".to_owned());
    }
    if options.is_empty() {
        String::new()
    } else {
        format!("?{}", options.join("&"))
    }
}

fn manager(random: &mut Random) -> Vec<String> {
    match random.below(4) {
        0 => Vec::new(),
        1 => vec!["fieldManager=alice".to_owned()],
        2 => vec!["fieldManager=bob".to_owned()],
        _ => vec!["fieldManager=kubectl-edit".to_owned()],
    }
}

/// Some fields with values.
fn with_fields(random: &mut Random, kind: &Kind, target: &mut Value, count: usize) {
    for _ in 0..count {
        let (path, values) = random.pick(&kind.fields);
        let value = random.pick(values).clone();
        set(target, path, value);
    }
}

fn manifest(random: &mut Random, kind: &Kind, name: &str) -> Value {
    let mut object = kind.base.clone();
    set(&mut object, "/metadata/name", Value::from(name));
    let count = random.below(5);
    with_fields(random, kind, &mut object, count);
    object
}

fn create(random: &mut Random, kind: &Kind, name: &str) -> Step {
    let body = manifest(random, kind, name);
    let options = manager(random);
    let query = query(random, options);
    Step {
        body: Some(body),
        ..request("POST", format!("{}{query}", kind.path), JSON)
    }
}

fn update(random: &mut Random, kind: &Kind, name: &str) -> Step {
    let body = manifest(random, kind, name);
    let options = manager(random);
    let query = query(random, options);
    Step {
        body: Some(body),
        ..request("PUT", format!("{}/{name}{query}", kind.path), JSON)
    }
}

fn merge(random: &mut Random, kind: &Kind, name: &str) -> Step {
    let mut body = Value::Map(Map::new());
    let count = 1 + random.below(3);
    with_fields(random, kind, &mut body, count);
    let options = manager(random);
    let query = query(random, options);
    Step {
        body: Some(body),
        ..request("PATCH", format!("{}/{name}{query}", kind.path), MERGE)
    }
}

fn strategic(random: &mut Random, kind: &Kind, name: &str) -> Step {
    // A custom resource has none; once in a while it is told so.
    if kind.custom && random.chance(90) {
        return merge(random, kind, name);
    }
    let body = if random.chance(60) && !kind.strategic.is_empty() {
        random.pick(&kind.strategic).clone()
    } else {
        let mut body = Value::Map(Map::new());
        let count = 1 + random.below(3);
        with_fields(random, kind, &mut body, count);
        body
    };
    let options = manager(random);
    let query = query(random, options);
    Step {
        body: Some(body),
        ..request("PATCH", format!("{}/{name}{query}", kind.path), STRATEGIC)
    }
}

fn json_patch(random: &mut Random, kind: &Kind, name: &str) -> Step {
    let mut operations = Vec::new();
    for _ in 0..1 + random.below(3) {
        let (path, values) = random.pick(&kind.fields);
        let mut operation = Map::new();
        operation.insert("path", path.as_str());
        match random.below(10) {
            0..=3 => {
                operation.insert("op", "add");
                operation.insert("value", random.pick(values).clone());
            }
            4..=5 => {
                operation.insert("op", "replace");
                operation.insert("value", random.pick(values).clone());
            }
            6..=7 => {
                operation.insert("op", "remove");
            }
            8 => {
                operation.insert("op", "test");
                operation.insert("value", random.pick(values).clone());
            }
            _ => {
                let (from, _) = random.pick(&kind.fields);
                operation.insert("op", *random.pick(&["copy", "move"]));
                operation.insert("from", from.as_str());
            }
        }
        operations.push(Value::Map(operation));
    }
    let options = manager(random);
    let query = query(random, options);
    Step {
        body: Some(Value::Seq(operations)),
        ..request("PATCH", format!("{}/{name}{query}", kind.path), JSON_PATCH)
    }
}

fn apply(random: &mut Random, kind: &Kind, name: &str, with_base: bool) -> Step {
    let mut body = if with_base {
        kind.base.clone()
    } else {
        let mut identity = Map::new();
        for key in ["apiVersion", "kind"] {
            if let Some(value) = kind.base.get(key) {
                identity.insert(key, value.clone());
            }
        }
        Value::Map(identity)
    };
    set(&mut body, "/metadata/name", Value::from(name));
    let count = random.below(4);
    with_fields(random, kind, &mut body, count);
    let mut options = vec![format!(
        "fieldManager={}",
        random.pick(&["one", "two", "kubectl"])
    )];
    if random.chance(60) {
        options.push("force=true".to_owned());
    }
    let query = query(random, options);
    Step {
        body: Some(body),
        ..request("PATCH", format!("{}/{name}{query}", kind.path), APPLY)
    }
}

fn delete(kind: &Kind, name: &str) -> Step {
    request("DELETE", format!("{}/{name}", kind.path), JSON)
}
