use super::{Custom, flag};
use crate::sandbox::status::FieldError;
use crate::value::Value;

/// Checks an object against the schema of its definition; the texts are those
/// of kube-openapi's validator. `x-kubernetes-validations` (CEL) are not
/// evaluated.
pub fn validate(custom: &Custom, object: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if let Some(schema) = custom.open_api() {
        check(schema, object, "", &mut errors);
    }
    errors
}

fn check(schema: &Value, value: &Value, path: &str, errors: &mut Vec<FieldError>) {
    if value.is_null() && flag(schema, "nullable") {
        return;
    }
    let wanted = if flag(schema, "x-kubernetes-int-or-string") {
        "integer,string"
    } else {
        text(schema, "type")
    };
    if !has_type(schema, wanted, value) {
        let shown = if path.is_empty() { "<nil>" } else { path };
        let detail = format!(
            "{shown} in body must be of type {wanted}: {:?}",
            type_name(value)
        );
        let value = if value.is_null() {
            Value::from("null")
        } else {
            Value::from(type_name(value))
        };
        errors.push(FieldError::type_invalid(path, &value, &detail));
        return;
    }
    check_enum(schema, value, path, errors);
    match value {
        Value::Map(_) => check_map(schema, value, path, errors),
        Value::Seq(items) => check_list(schema, items, value, path, errors),
        Value::Str(string) => check_string(schema, string, value, path, errors),
        Value::Int(_) | Value::Uint(_) | Value::Float(_) => {
            check_number(schema, value, path, errors);
        }
        Value::Null | Value::Bool(_) => {}
    }
    check_combined(schema, value, path, errors);
}

fn text<'a>(schema: &'a Value, name: &str) -> &'a str {
    schema.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn child(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Int(_) | Value::Uint(_) => "integer",
        Value::Float(_) => "number",
        Value::Str(_) => "string",
        Value::Seq(_) => "array",
        Value::Map(_) => "object",
    }
}

fn has_type(schema: &Value, wanted: &str, value: &Value) -> bool {
    if flag(schema, "x-kubernetes-int-or-string") {
        return matches!(value, Value::Int(_) | Value::Uint(_) | Value::Str(_));
    }
    match wanted {
        "object" => value.as_map().is_some(),
        "array" => value.as_seq().is_some(),
        "string" => value.as_str().is_some(),
        "boolean" => value.as_bool().is_some(),
        "integer" => match value {
            Value::Int(_) | Value::Uint(_) => true,
            Value::Float(number) => number.fract() == 0.0,
            _ => false,
        },
        "number" => matches!(value, Value::Int(_) | Value::Uint(_) | Value::Float(_)),
        _ => true,
    }
}

fn check_enum(schema: &Value, value: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let Some(allowed) = schema.get("enum").and_then(Value::as_seq) else {
        return;
    };
    if !allowed.contains(value) {
        let known: Vec<String> = allowed
            .iter()
            .map(|v| v.as_str().map_or_else(|| v.to_json(), str::to_owned))
            .collect();
        errors.push(FieldError::not_supported(path, value, &known));
    }
}

fn check_map(schema: &Value, value: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let Some(map) = value.as_map() else {
        return;
    };
    let required = schema.get("required").and_then(Value::as_seq);
    for name in required
        .unwrap_or_default()
        .iter()
        .filter_map(Value::as_str)
    {
        if !map.contains_key(name) {
            errors.push(FieldError::required(child(path, name), ""));
        }
    }
    let count = map.len() as i64;
    if let Some(least) = schema.get("minProperties").and_then(Value::as_i64)
        && count < least
    {
        let detail = format!("{path} in body should have at least {least} properties");
        errors.push(FieldError::invalid(path, &Value::Int(count), &detail));
    }
    if let Some(most) = schema.get("maxProperties").and_then(Value::as_i64)
        && count > most
    {
        errors.push(FieldError::too_many(path, count, most));
    }
    let properties = schema.get("properties").and_then(Value::as_map);
    let other = schema.get("additionalProperties");
    for (key, inner) in map.iter() {
        // The root's metadata is validated as everybody's.
        if path.is_empty() && matches!(key, "apiVersion" | "kind" | "metadata") {
            continue;
        }
        let inner_schema = properties
            .and_then(|p| p.get(key))
            .or_else(|| other.filter(|o| o.as_map().is_some()));
        if let Some(inner_schema) = inner_schema {
            check(inner_schema, inner, &child(path, key), errors);
        }
    }
}

fn check_list(
    schema: &Value,
    items: &[Value],
    value: &Value,
    path: &str,
    errors: &mut Vec<FieldError>,
) {
    if let Some(inner) = schema.get("items") {
        for (at, item) in items.iter().enumerate() {
            check(inner, item, &format!("{path}[{at}]"), errors);
        }
    }
    let count = items.len() as i64;
    if let Some(least) = schema.get("minItems").and_then(Value::as_i64)
        && count < least
    {
        let detail = format!("{path} in body should have at least {least} items");
        errors.push(FieldError::invalid(path, &Value::Int(count), &detail));
    }
    if let Some(most) = schema.get("maxItems").and_then(Value::as_i64)
        && count > most
    {
        errors.push(FieldError::too_many(path, count, most));
    }
    if flag(schema, "uniqueItems")
        && items
            .iter()
            .enumerate()
            .any(|(at, i)| items[..at].contains(i))
    {
        let detail = format!("{path} in body shouldn't contain duplicates");
        errors.push(FieldError::invalid(path, value, &detail));
    }
    check_keys(schema, items, path, errors);
}

/// Items of sets and keyed lists must differ.
fn check_keys(schema: &Value, items: &[Value], path: &str, errors: &mut Vec<FieldError>) {
    match text(schema, "x-kubernetes-list-type") {
        "set" => {
            for (at, item) in items.iter().enumerate() {
                if items[..at].contains(item) {
                    errors.push(FieldError::duplicate(format!("{path}[{at}]"), item));
                }
            }
        }
        "map" => {
            let keys: Vec<&str> = schema
                .get("x-kubernetes-list-map-keys")
                .and_then(Value::as_seq)
                .unwrap_or_default()
                .iter()
                .filter_map(Value::as_str)
                .collect();
            let key_of = |item: &Value| -> Value {
                Value::Map(
                    keys.iter()
                        .filter_map(|key| Some((*key, item.get(key)?.clone())))
                        .collect(),
                )
            };
            for (at, item) in items.iter().enumerate() {
                let key = key_of(item);
                if items[..at].iter().any(|other| key_of(other) == key) {
                    errors.push(FieldError::duplicate(format!("{path}[{at}]"), &key));
                }
            }
        }
        _ => {}
    }
}

fn check_string(
    schema: &Value,
    string: &str,
    value: &Value,
    path: &str,
    errors: &mut Vec<FieldError>,
) {
    // The first that does not hold is the only one named.
    let length = string.chars().count() as i64;
    let most = schema.get("maxLength").and_then(Value::as_i64);
    let least = schema.get("minLength").and_then(Value::as_i64);
    let pattern = text(schema, "pattern");
    // A pattern that is no regular expression was refused with the schema.
    let matches = || regex::Regex::new(pattern).map_or(true, |regex| regex.is_match(string));
    if let Some(most) = most.filter(|most| length > *most) {
        errors.push(FieldError::too_long(path, most as usize));
    } else if let Some(least) = least.filter(|least| length < *least) {
        let detail = format!("{path} in body should be at least {least} chars long");
        errors.push(FieldError::invalid(path, value, &detail));
    } else if !pattern.is_empty() && !matches() {
        let detail = format!("{path} in body should match '{pattern}'");
        errors.push(FieldError::invalid(path, value, &detail));
    }
    let format = text(schema, "format");
    let fits = match format {
        "date-time" => string.parse::<jiff::Timestamp>().is_ok(),
        "ipv4" => string.parse::<std::net::Ipv4Addr>().is_ok(),
        "ipv6" => string.parse::<std::net::Ipv6Addr>().is_ok(),
        _ => true,
    };
    if !fits {
        let detail = format!("{path} in body must be of type {format}: {string:?}");
        errors.push(FieldError::invalid(path, value, &detail));
    }
}

fn as_f64(value: &Value) -> Option<f64> {
    match value {
        Value::Int(number) => Some(*number as f64),
        Value::Uint(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        _ => None,
    }
}

fn check_number(schema: &Value, value: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let Some(number) = as_f64(value) else {
        return;
    };
    if let Some(bound) = schema.get("minimum") {
        let exclusive = flag(schema, "exclusiveMinimum");
        let least = as_f64(bound).unwrap_or(f64::MIN);
        if number < least || (exclusive && number <= least) {
            let than = if exclusive {
                "greater than"
            } else {
                "greater than or equal to"
            };
            let detail = format!("{path} in body should be {than} {}", bound.to_json());
            errors.push(FieldError::invalid(path, value, &detail));
        }
    }
    if let Some(bound) = schema.get("maximum") {
        let exclusive = flag(schema, "exclusiveMaximum");
        let most = as_f64(bound).unwrap_or(f64::MAX);
        if number > most || (exclusive && number >= most) {
            let than = if exclusive {
                "less than"
            } else {
                "less than or equal to"
            };
            let detail = format!("{path} in body should be {than} {}", bound.to_json());
            errors.push(FieldError::invalid(path, value, &detail));
        }
    }
    if let Some(step) = schema.get("multipleOf").and_then(as_f64)
        && step > 0.0
        && (number / step).fract() != 0.0
    {
        let detail = format!("{path} in body should be a multiple of {step}");
        errors.push(FieldError::invalid(path, value, &detail));
    }
}

fn check_combined(schema: &Value, value: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let list = |name: &str| schema.get(name).and_then(Value::as_seq);
    let passes = |inner: &Value| {
        let mut found = Vec::new();
        check(inner, value, path, &mut found);
        found.is_empty()
    };
    let name = if path.is_empty() { "<nil>" } else { path };
    for inner in list("allOf").unwrap_or_default() {
        check(inner, value, path, errors);
    }
    if let Some(any) = list("anyOf")
        && !any.iter().any(passes)
    {
        let detail = format!("{name:?} must validate at least one schema (anyOf)");
        errors.push(FieldError::invalid(path, value, &detail));
    }
    if let Some(one) = list("oneOf") {
        let n_passed = one.iter().filter(|inner| passes(inner)).count();
        if n_passed != 1 {
            let found = match n_passed {
                0 => "Found none valid".to_owned(),
                n => format!("Found {n} valid alternatives"),
            };
            let detail = format!("{name:?} must validate one and only one schema (oneOf). {found}");
            errors.push(FieldError::invalid(path, value, &detail));
        }
    }
    if let Some(not) = schema.get("not")
        && passes(not)
    {
        let detail = format!("{name:?} must not validate the schema (not)");
        errors.push(FieldError::invalid(path, value, &detail));
    }
}
