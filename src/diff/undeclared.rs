//! Fields that no schema knows. A server-side apply is refused for them,
//! whatever `fieldValidation` says, where a client-side apply would pass and
//! lose them: `Validate=false` means the latter.

use crate::object::Object;
use crate::value::{Map, Value};

/// How the API server says it (structured-merge-diff): a path in front.
const UNDECLARED: &str = ": field not declared in schema";

/// The object without the fields that an API server's refusal names; `None`
/// where it names none.
pub fn without_undeclared(desired: &Object, refusal: &str) -> Option<Object> {
    let mut object = desired.clone();
    let mut is_changed = false;
    let mut rest = refusal;
    while let Some(end) = rest.find(UNDECLARED) {
        let before = &rest[..end];
        rest = &rest[end + UNDECLARED.len()..];
        // The first follows the kind, each other one is a line of its own.
        let line = before.rsplit('\n').next().unwrap_or_default();
        let path = match line.trim_start().starts_with('.') {
            true => line.trim_start(),
            false => line.rfind("): .").map_or("", |at| &line[at + 3..]),
        };
        if let Some(path) = path.strip_prefix('.') {
            is_changed |= remove(object.root_mut(), path);
        }
    }
    is_changed.then_some(object)
}

/// Removes what stands at a path that begins with a field's name. Names may
/// hold dots: the longest that is there is meant.
fn remove(map: &mut Map, path: &str) -> bool {
    let is_end = |rest: &str| rest.is_empty() || rest.starts_with(['.', '[']);
    let names = map
        .keys()
        .filter(|name| path.strip_prefix(name).is_some_and(is_end));
    let Some(name) = names.max_by_key(|name| name.len()).map(str::to_owned) else {
        return false;
    };
    let rest = &path[name.len()..];
    if rest.is_empty() {
        return map.remove(&name).is_some();
    }
    map.get_mut(&name)
        .is_some_and(|value| remove_below(value, rest))
}

/// The same below a value: `.name…` of a mapping, `[…]…` of a list.
fn remove_below(value: &mut Value, path: &str) -> bool {
    match value {
        Value::Map(map) => path.strip_prefix('.').is_some_and(|path| remove(map, path)),
        Value::Seq(items) => {
            let Some((keys, rest)) = selector(path) else {
                return false;
            };
            let item = match keys.as_slice() {
                [(index, None)] => index
                    .parse()
                    .ok()
                    .and_then(|index: usize| items.get_mut(index)),
                keys => items.iter_mut().find(|item| is_selected(item, keys)),
            };
            item.is_some_and(|item| remove_below(item, rest))
        }
        _ => false,
    }
}

/// Keys of an item with their values as JSON, or its index alone.
type Selector = Vec<(String, Option<Value>)>;

/// Takes `[name="a",port=80]` or `[3]` off the front.
fn selector(path: &str) -> Option<(Selector, &str)> {
    let mut rest = path.strip_prefix('[')?;
    let mut keys = Vec::new();
    loop {
        let end = rest.find(['=', ',', ']'])?;
        let key = rest[..end].to_owned();
        rest = &rest[end..];
        let mut value = None;
        if let Some(text) = rest.strip_prefix('=') {
            let end = literal(text)?;
            value = Some(Value::from_json(&text.as_bytes()[..end]).ok()?);
            rest = &text[end..];
        }
        keys.push((key, value));
        match rest.as_bytes().first()? {
            b',' => rest = &rest[1..],
            b']' => return Some((keys, &rest[1..])),
            _ => return None,
        }
    }
}

/// Where a JSON string, number or word ends.
fn literal(text: &str) -> Option<usize> {
    let Some(string) = text.strip_prefix('"') else {
        return text.find([',', ']']);
    };
    let mut escaped = false;
    for (at, c) in string.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some(at + 2),
            _ => {}
        }
    }
    None
}

/// A key that an item lacks has its default there.
fn is_selected(item: &Value, keys: &[(String, Option<Value>)]) -> bool {
    keys.iter().all(|(key, value)| {
        let found = item.get(key);
        found.is_none() || found == value.as_ref()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::yaml;

    #[track_caller]
    fn check(object: &str, refusal: &str, wanted: Option<&str>) {
        let read = |text: &str| Object::new(yaml::parse_one(text).expect("YAML")).expect("object");
        let found = without_undeclared(&read(object), refusal);
        assert_eq!(found, wanted.map(read));
    }

    const POD: &str = "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {a.b: 1, containers: [{name: x}, {name: 'y\"]', image: i, foo: {a: 1}, ports: [{containerPort: 80, bar: 1}, {containerPort: 81, bar: 1}]}]}}";

    #[test]
    fn the_fields_that_a_refusal_names_are_taken_out() {
        check(
            POD,
            "failed to create typed patch object (n/p; /v1, Kind=Pod): .spec.a.b: field not declared in schema",
            Some(
                "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{name: x}, {name: 'y\"]', image: i, foo: {a: 1}, ports: [{containerPort: 80, bar: 1}, {containerPort: 81, bar: 1}]}]}}",
            ),
        );
        check(
            POD,
            "x): errors:\n  .spec.containers[name=\"y\\\"]\"].foo: field not declared in schema\n  .spec.containers[1].ports[containerPort=81,protocol=\"TCP\"].bar: field not declared in schema (HTTP 500)",
            Some(
                "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {a.b: 1, containers: [{name: x}, {name: 'y\"]', image: i, ports: [{containerPort: 80, bar: 1}, {containerPort: 81}]}]}}",
            ),
        );
    }

    #[test]
    fn what_is_not_understood_changes_nothing() {
        for refusal in [
            "",
            ": field not declared in schema",
            "): .spec.nobody: field not declared in schema",
            "): .spec.containers[name=\"z\"].foo: field not declared in schema",
            "): .spec.containers[name=\"y: field not declared in schema",
            "): .spec.containers[9].foo: field not declared in schema",
            "): .spec.containers[name=].foo: field not declared in schema",
            "): .metadata.name.x[0]: field not declared in schema",
        ] {
            check(POD, refusal, None);
        }
    }
}
