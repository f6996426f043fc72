//! The functions that expressions may call, arithmetic, and jq's order.

use super::eval::{Evaluation, Fault, Output, Place, Step, error, is_true, size};
use crate::value::{Map, Value};
use jaq_core::load::parse::Term;
use jaq_core::ops::Math;
use regex::Regex;
use std::borrow::Cow;
use std::cmp::Ordering;

/// Name and number of arguments.
const FUNCTIONS: &[(&str, usize)] = &[
    ("empty", 0),
    ("error", 0),
    ("error", 1),
    ("not", 0),
    ("true", 0),
    ("false", 0),
    ("null", 0),
    ("length", 0),
    ("keys", 0),
    ("keys_unsorted", 0),
    ("type", 0),
    ("tostring", 0),
    ("tojson", 0),
    ("tonumber", 0),
    ("ascii_downcase", 0),
    ("ascii_upcase", 0),
    ("values", 0),
    ("nulls", 0),
    ("booleans", 0),
    ("numbers", 0),
    ("strings", 0),
    ("arrays", 0),
    ("objects", 0),
    ("iterables", 0),
    ("scalars", 0),
    ("add", 0),
    ("any", 0),
    ("all", 0),
    ("min", 0),
    ("max", 0),
    ("sort", 0),
    ("unique", 0),
    ("reverse", 0),
    ("first", 0),
    ("last", 0),
    ("to_entries", 0),
    ("from_entries", 0),
    ("recurse", 0),
    ("has", 1),
    ("in", 1),
    ("contains", 1),
    ("inside", 1),
    ("startswith", 1),
    ("endswith", 1),
    ("ltrimstr", 1),
    ("rtrimstr", 1),
    ("split", 1),
    ("join", 1),
    ("test", 1),
    ("test", 2),
    ("index", 1),
    ("select", 1),
    ("map", 1),
    ("any", 1),
    ("any", 2),
    ("all", 1),
    ("all", 2),
    ("first", 1),
    ("last", 1),
    ("nth", 1),
    ("limit", 2),
    ("recurse", 1),
    ("range", 1),
    ("range", 2),
    ("getpath", 1),
    ("path", 1),
    ("paths", 0),
    ("isempty", 1),
    ("IN", 1),
    ("sort_by", 1),
    ("with_entries", 1),
];

pub(super) fn is_known(name: &str, n_arguments: usize) -> bool {
    FUNCTIONS.contains(&(name, n_arguments))
}

type Outputs<'v> = Result<Vec<Output<'v>>, Fault>;

pub(super) fn call<'v>(
    evaluation: &mut Evaluation<'v>,
    name: &str,
    arguments: &[Term<&str>],
    input: Output<'v>,
) -> Outputs<'v> {
    match arguments {
        [] => without_arguments(evaluation, name, input),
        [argument] => match streams(evaluation, name, argument, &input)? {
            Some(outputs) => Ok(outputs),
            None => {
                let mut outputs = Vec::new();
                for value in evaluation.values(argument, &input)? {
                    let result = of_value(evaluation, name, &input, &value)?;
                    outputs.push(result);
                }
                Ok(outputs)
            }
        },
        [first, second] => with_two(evaluation, name, first, second, &input),
        _ => error(format!("{name} is not supported")),
    }
}

fn made<'v>(value: Value) -> Output<'v> {
    Output {
        place: Place::Nowhere,
        value: Cow::Owned(value),
    }
}

fn without_arguments<'v>(
    evaluation: &mut Evaluation<'v>,
    name: &str,
    input: Output<'v>,
) -> Outputs<'v> {
    let value: &Value = &input.value;
    let is = |wanted: &[&str]| wanted.contains(&kind(value));
    let kept = match name {
        "empty" => Some(false),
        "values" => Some(!value.is_null()),
        "nulls" => Some(value.is_null()),
        "booleans" => Some(is(&["boolean"])),
        "numbers" => Some(is(&["number"])),
        "strings" => Some(is(&["string"])),
        "arrays" => Some(is(&["array"])),
        "objects" => Some(is(&["object"])),
        "iterables" => Some(is(&["array", "object"])),
        "scalars" => Some(!is(&["array", "object"])),
        _ => None,
    };
    match (kept, name) {
        (Some(true), _) => return Ok(vec![input]),
        (Some(false), _) => return Ok(Vec::new()),
        (None, "recurse") => {
            let mut found = Vec::new();
            evaluation.recurse(input, &mut found)?;
            return Ok(found);
        }
        (None, "first") => return Ok(vec![evaluation.index(&input, &Value::Int(0))?]),
        (None, "last") => return Ok(vec![evaluation.index(&input, &Value::Int(-1))?]),
        (None, "paths") => {
            let mut found = Vec::new();
            let root = Output {
                place: Place::Root,
                value: input.value,
            };
            evaluation.recurse(root, &mut found)?;
            let below = found.into_iter().skip(1);
            return below.map(|output| path_value(&output).map(made)).collect();
        }
        (None, "error") => return Err(Fault::Error(value.clone())),
        (None, _) => {}
    }
    evaluation.charge(size(value))?;
    let result = match name {
        "not" => Value::Bool(!is_true(value)),
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        "null" => Value::Null,
        "type" => Value::from(kind(value)),
        "tojson" => Value::Str(value.to_json()),
        "tostring" => Value::Str(text(value)),
        "tonumber" => match value {
            Value::Str(digits) => match digits.trim().parse::<i64>() {
                Ok(whole) => Value::Int(whole),
                Err(_) => match digits.trim().parse::<f64>() {
                    Ok(number) => Value::Float(number),
                    Err(_) => return error(format!("{digits:?} cannot be parsed as a number")),
                },
            },
            number if kind(number) == "number" => number.clone(),
            other => return error(format!("{} cannot be parsed as a number", kind(other))),
        },
        "ascii_downcase" => Value::Str(string(value)?.to_ascii_lowercase()),
        "ascii_upcase" => Value::Str(string(value)?.to_ascii_uppercase()),
        "length" => length(value)?,
        "keys" | "keys_unsorted" => keys(value)?,
        "add" => add_up(evaluation, value)?,
        "any" => Value::Bool(items(value)?.iter().any(is_true)),
        "all" => Value::Bool(items(value)?.iter().all(is_true)),
        "min" => items(value)?
            .iter()
            .min_by(|a, b| compare(a, b))
            .cloned()
            .unwrap_or_default(),
        "max" => items(value)?
            .iter()
            .max_by(|a, b| compare(a, b))
            .cloned()
            .unwrap_or_default(),
        "sort" | "unique" => {
            let mut sorted = array(value)?.to_vec();
            sorted.sort_by(compare);
            if name == "unique" {
                sorted.dedup_by(|a, b| compare(a, b).is_eq());
            }
            Value::Seq(sorted)
        }
        "reverse" => Value::Seq(array(value)?.iter().rev().cloned().collect()),
        "to_entries" => to_entries(value)?,
        "from_entries" => from_entries(value)?,
        _ => return error(format!("{name} is not supported")),
    };
    Ok(vec![made(result)])
}

/// Functions whose argument is a stream and not a value; `None` for others.
fn streams<'v>(
    evaluation: &mut Evaluation<'v>,
    name: &str,
    argument: &Term<&str>,
    input: &Output<'v>,
) -> Result<Option<Vec<Output<'v>>>, Fault> {
    let mut outputs = Vec::new();
    match name {
        "select" => {
            for value in evaluation.values(argument, input)? {
                if is_true(&value) {
                    outputs.push(input.clone());
                }
            }
        }
        "map" => {
            let mut below = Vec::new();
            evaluation.iterate(input.clone(), &mut below)?;
            let mut mapped = Vec::new();
            for item in below {
                mapped.extend(evaluation.values(argument, &item)?);
            }
            outputs.push(made(Value::Seq(mapped)));
        }
        "any" | "all" => {
            let mut below = Vec::new();
            evaluation.iterate(input.clone(), &mut below)?;
            let mut result = name == "all";
            for item in below {
                for value in evaluation.values(argument, &item)? {
                    match name {
                        "all" => result &= is_true(&value),
                        _ => result |= is_true(&value),
                    }
                }
            }
            outputs.push(made(Value::Bool(result)));
        }
        "first" => outputs.extend(evaluation.run(argument, input.clone())?.into_iter().next()),
        "last" => outputs.extend(evaluation.run(argument, input.clone())?.pop()),
        "isempty" => {
            let is_empty = evaluation.run(argument, input.clone())?.is_empty();
            outputs.push(made(Value::Bool(is_empty)));
        }
        "recurse" => recurse_by(evaluation, argument, input.clone(), &mut outputs)?,
        "path" => {
            let root = Output {
                place: Place::Root,
                value: input.value.clone(),
            };
            for output in evaluation.run(argument, root)? {
                outputs.push(made(path_value(&output)?));
            }
        }
        "IN" => {
            let found = evaluation.values(argument, input)?;
            let is_in = found
                .iter()
                .any(|value| compare(value, &input.value).is_eq());
            outputs.push(made(Value::Bool(is_in)));
        }
        "sort_by" => {
            let mut keyed = Vec::new();
            for item in array(&input.value)?.to_vec() {
                let key = evaluation.values(argument, &made(item.clone()))?;
                keyed.push((Value::Seq(key), item));
            }
            keyed.sort_by(|(a, _), (b, _)| compare(a, b));
            let sorted = keyed.into_iter().map(|(_, item)| item);
            outputs.push(made(Value::Seq(sorted.collect())));
        }
        "range" => {
            for to in evaluation.values(argument, input)? {
                for at in 0..to.as_i64().unwrap_or(0) {
                    evaluation.charge(1)?;
                    outputs.push(made(Value::Int(at)));
                }
            }
        }
        "with_entries" => {
            let mut entries = Vec::new();
            for entry in array(&to_entries(&input.value)?)?.to_vec() {
                entries.extend(evaluation.values(argument, &made(entry))?);
            }
            outputs.push(made(from_entries(&Value::Seq(entries))?));
        }
        _ => return Ok(None),
    }
    Ok(Some(outputs))
}

fn recurse_by<'v>(
    evaluation: &mut Evaluation<'v>,
    argument: &Term<&str>,
    from: Output<'v>,
    found: &mut Vec<Output<'v>>,
) -> Result<(), Fault> {
    let mut waiting = vec![from];
    while let Some(next) = waiting.pop() {
        evaluation.charge(1)?;
        let below = evaluation.run(argument, next.clone())?;
        found.push(next);
        waiting.extend(below.into_iter().rev());
    }
    Ok(())
}

fn of_value<'v>(
    evaluation: &mut Evaluation<'v>,
    name: &str,
    input: &Output<'v>,
    argument: &Value,
) -> Result<Output<'v>, Fault> {
    let value: &Value = &input.value;
    evaluation.charge(size(value) + size(argument))?;
    let result = match name {
        "error" => return Err(Fault::Error(argument.clone())),
        "has" => Value::Bool(has(value, argument)?),
        "in" => Value::Bool(has(argument, value)?),
        "contains" => Value::Bool(contains(value, argument)?),
        "inside" => Value::Bool(contains(argument, value)?),
        "startswith" => Value::Bool(string(value)?.starts_with(string(argument)?)),
        "endswith" => Value::Bool(string(value)?.ends_with(string(argument)?)),
        "ltrimstr" => match (value, argument) {
            (Value::Str(text), Value::Str(part)) => {
                Value::from(text.strip_prefix(part.as_str()).unwrap_or(text))
            }
            (other, _) => other.clone(),
        },
        "rtrimstr" => match (value, argument) {
            (Value::Str(text), Value::Str(part)) => {
                Value::from(text.strip_suffix(part.as_str()).unwrap_or(text))
            }
            (other, _) => other.clone(),
        },
        "split" => match (string(value)?, string(argument)?) {
            ("", _) => Value::Seq(Vec::new()),
            (text, "") => Value::Seq(text.chars().map(|c| Value::Str(c.to_string())).collect()),
            (text, separator) => Value::Seq(text.split(separator).map(Value::from).collect()),
        },
        "join" => {
            let mut joined = String::new();
            for (at, item) in array(value)?.iter().enumerate() {
                if at > 0 {
                    joined.push_str(string(argument)?);
                }
                if !item.is_null() {
                    joined.push_str(&text(item));
                }
                evaluation.charge(joined.len() / 16)?;
            }
            Value::Str(joined)
        }
        "test" => Value::Bool(matches(string(value)?, string(argument)?, "")?),
        "index" => match (value, argument) {
            (Value::Str(text), Value::Str(part)) => {
                text.find(part.as_str()).map_or(Value::Null, |at| {
                    Value::from(text[..at].chars().count() as i64)
                })
            }
            (Value::Seq(list), item) => list
                .iter()
                .position(|other| compare(other, item).is_eq())
                .map_or(Value::Null, |at| Value::from(at as i64)),
            (Value::Null, _) => Value::Null,
            (other, _) => return error(format!("cannot find an index in {}", kind(other))),
        },
        "nth" => return evaluation.index(input, argument),
        "getpath" => {
            let mut at = input.clone();
            for step in array(argument)? {
                at = evaluation.index(&at, step)?;
            }
            return Ok(at);
        }
        _ => return error(format!("{name} is not supported")),
    };
    Ok(made(result))
}

fn with_two<'v>(
    evaluation: &mut Evaluation<'v>,
    name: &str,
    first: &Term<&str>,
    second: &Term<&str>,
    input: &Output<'v>,
) -> Outputs<'v> {
    let mut outputs = Vec::new();
    match name {
        "test" => {
            for flags in evaluation.values(second, input)? {
                for pattern in evaluation.values(first, input)? {
                    let flags = if flags.is_null() { "" } else { string(&flags)? };
                    let found = matches(string(&input.value)?, string(&pattern)?, flags)?;
                    outputs.push(made(Value::Bool(found)));
                }
            }
        }
        "any" | "all" => {
            let mut result = name == "all";
            for item in evaluation.run(first, input.clone())? {
                for value in evaluation.values(second, &item)? {
                    match name {
                        "all" => result &= is_true(&value),
                        _ => result |= is_true(&value),
                    }
                }
            }
            outputs.push(made(Value::Bool(result)));
        }
        "limit" => {
            for count in evaluation.values(first, input)? {
                let count = usize::try_from(count.as_i64().unwrap_or(0)).unwrap_or(0);
                let found = evaluation.run(second, input.clone())?;
                outputs.extend(found.into_iter().take(count));
            }
        }
        "range" => {
            for from in evaluation.values(first, input)? {
                for to in evaluation.values(second, input)? {
                    let (Some(mut at), Some(to)) = (from.as_i64(), to.as_i64()) else {
                        return error("range bounds must be whole numbers");
                    };
                    while at < to {
                        evaluation.charge(1)?;
                        outputs.push(made(Value::Int(at)));
                        at += 1;
                    }
                }
            }
        }
        _ => return error(format!("{name} is not supported")),
    }
    Ok(outputs)
}

fn path_value(output: &Output<'_>) -> Result<Value, Fault> {
    let steps = match &output.place {
        Place::Slice(..) => None,
        place => place.single(),
    };
    let Some(steps) = steps else {
        return error("is not a path");
    };
    let steps = steps.into_iter().map(|step| match step {
        Step::Key(key) => Value::Str(key),
        Step::Index(index) => Value::from(index as i64),
    });
    Ok(Value::Seq(steps.collect()))
}

/// RE2 syntax, as gojq has it too; flags `i`, `x`, `s`, `n` and `g`.
fn matches(text: &str, pattern: &str, flags: &str) -> Result<bool, Fault> {
    let mut inline = String::new();
    for flag in flags.chars() {
        match flag {
            'i' | 'x' | 's' => inline.push(flag),
            'g' | 'n' | 'l' | 'p' => {}
            other => return error(format!("{other} is no flag of a regular expression")),
        }
    }
    let pattern = match inline.as_str() {
        "" => pattern.to_owned(),
        flags => format!("(?{flags}){pattern}"),
    };
    match Regex::new(&pattern) {
        Ok(regex) => Ok(regex.is_match(text)),
        Err(_) => error(format!("{pattern:?} is no regular expression")),
    }
}

pub(super) fn field(value: &Value, key: &str) -> Result<Value, Fault> {
    match value {
        Value::Map(map) => Ok(map.get(key).cloned().unwrap_or_default()),
        Value::Null => Ok(Value::Null),
        other => error(format!("cannot index {} with {key:?}", kind(other))),
    }
}

pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Int(_) | Value::Uint(_) | Value::Float(_) => "number",
        Value::Str(_) => "string",
        Value::Seq(_) => "array",
        Value::Map(_) => "object",
    }
}

/// A string as it is, anything else as JSON.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::Str(text) => text.clone(),
        other => other.to_json(),
    }
}

fn string(value: &Value) -> Result<&str, Fault> {
    match value {
        Value::Str(text) => Ok(text),
        other => error(format!("{} is no string", kind(other))),
    }
}

fn array(value: &Value) -> Result<&[Value], Fault> {
    match value {
        Value::Seq(items) => Ok(items),
        other => error(format!("{} is no array", kind(other))),
    }
}

/// The items of a list, or the values of an object.
fn items(value: &Value) -> Result<Vec<Value>, Fault> {
    match value {
        Value::Seq(items) => Ok(items.clone()),
        Value::Map(map) => Ok(map.values().cloned().collect()),
        other => error(format!("cannot iterate over {}", kind(other))),
    }
}

fn length(value: &Value) -> Result<Value, Fault> {
    let length = match value {
        Value::Null => 0,
        Value::Str(text) => text.chars().count(),
        Value::Seq(items) => items.len(),
        Value::Map(map) => map.len(),
        Value::Bool(_) => return error("boolean has no length"),
        Value::Int(number) => return Ok(number.checked_abs().map_or(Value::Null, Value::Int)),
        Value::Uint(_) => return Ok(value.clone()),
        Value::Float(number) => return Ok(Value::Float(number.abs())),
    };
    Ok(Value::from(length as i64))
}

fn keys(value: &Value) -> Result<Value, Fault> {
    match value {
        Value::Map(map) => Ok(Value::Seq(map.keys().map(Value::from).collect())),
        Value::Seq(items) => Ok(Value::Seq(
            (0..items.len() as i64).map(Value::Int).collect(),
        )),
        other => error(format!("{} has no keys", kind(other))),
    }
}

fn add_up(evaluation: &mut Evaluation<'_>, value: &Value) -> Result<Value, Fault> {
    let mut sum = Value::Null;
    for item in items(value)? {
        sum = math(&sum, Math::Add, &item)?;
        evaluation.charge(size(&sum))?;
    }
    Ok(sum)
}

fn has(value: &Value, key: &Value) -> Result<bool, Fault> {
    match (value, key) {
        (Value::Map(map), Value::Str(key)) => Ok(map.contains_key(key)),
        (Value::Seq(items), key) if key.as_i64().is_some() => {
            let index = usize::try_from(key.as_i64().unwrap_or(-1));
            Ok(index.is_ok_and(|index| index < items.len()))
        }
        (value, key) => error(format!(
            "cannot check whether {} has the key {}",
            kind(value),
            key.to_json()
        )),
    }
}

fn contains(value: &Value, part: &Value) -> Result<bool, Fault> {
    match (value, part) {
        (Value::Map(value), Value::Map(part)) => {
            for (key, part) in part.iter() {
                match value.get(key) {
                    Some(value) if contains(value, part)? => {}
                    _ => return Ok(false),
                }
            }
            Ok(true)
        }
        (Value::Seq(value), Value::Seq(part)) => {
            for part in part {
                let mut is_there = false;
                for value in value {
                    is_there |= kind(value) == kind(part) && contains(value, part)?;
                }
                if !is_there {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        (Value::Str(value), Value::Str(part)) => Ok(value.contains(part.as_str())),
        (value, part) if kind(value) == kind(part) => Ok(compare(value, part).is_eq()),
        (value, part) => error(format!(
            "{} and {} cannot have their containment checked",
            kind(value),
            kind(part)
        )),
    }
}

fn to_entries(value: &Value) -> Result<Value, Fault> {
    let Value::Map(map) = value else {
        return error(format!("{} has no keys", kind(value)));
    };
    let entries = map.iter().map(|(key, value)| {
        Value::Map(Map::from_iter([
            ("key", Value::from(key)),
            ("value", value.clone()),
        ]))
    });
    Ok(Value::Seq(entries.collect()))
}

fn from_entries(value: &Value) -> Result<Value, Fault> {
    let mut map = Map::new();
    for entry in array(value)? {
        let part = |names: &[&str]| names.iter().find_map(|name| entry.get(name)).cloned();
        let key = match part(&["key", "k", "name", "Name", "Key", "K"]) {
            Some(Value::Str(key)) => key,
            Some(Value::Null) | None => "null".to_owned(),
            Some(other) => text(&other),
        };
        let value = part(&["value", "v", "Value", "V"]).unwrap_or_default();
        map.insert(key, value);
    }
    Ok(Value::Map(map))
}

pub(super) fn math(left: &Value, operator: Math, right: &Value) -> Result<Value, Fault> {
    use Value::{Map as Object, Null, Seq, Str};
    match (left, operator, right) {
        (Null, Math::Add, other) | (other, Math::Add, Null) => Ok(other.clone()),
        (Str(left), Math::Add, Str(right)) => Ok(Str(format!("{left}{right}"))),
        (Seq(left), Math::Add, Seq(right)) => Ok(Seq(left.iter().chain(right).cloned().collect())),
        (Object(left), Math::Add, Object(right)) => {
            let mut sum = left.clone();
            for (key, value) in right.iter() {
                sum.insert(key, value.clone());
            }
            Ok(Object(sum))
        }
        (Seq(left), Math::Sub, Seq(right)) => {
            let is_left = |item: &&Value| !right.iter().any(|other| compare(item, other).is_eq());
            Ok(Seq(left.iter().filter(is_left).cloned().collect()))
        }
        (left, operator, right) => match (left.as_i64(), right.as_i64()) {
            (Some(left), Some(right)) => whole(left, operator, right),
            _ => match (float(left), float(right)) {
                (Some(left), Some(right)) => Ok(Value::Float(real(left, operator, right))),
                _ => error(format!(
                    "cannot calculate with {} and {}",
                    kind(left),
                    kind(right)
                )),
            },
        },
    }
}

fn whole(left: i64, operator: Math, right: i64) -> Result<Value, Fault> {
    let exact = match operator {
        Math::Add => left.checked_add(right),
        Math::Sub => left.checked_sub(right),
        Math::Mul => left.checked_mul(right),
        Math::Div | Math::Rem if right == 0 => return error("cannot divide by zero"),
        Math::Div => (left.checked_rem(right) == Some(0)).then(|| left / right),
        Math::Rem => left.checked_rem(right),
    };
    Ok(exact.map_or_else(
        || Value::Float(real(left as f64, operator, right as f64)),
        Value::Int,
    ))
}

fn real(left: f64, operator: Math, right: f64) -> f64 {
    match operator {
        Math::Add => left + right,
        Math::Sub => left - right,
        Math::Mul => left * right,
        Math::Div => left / right,
        Math::Rem => left % right,
    }
}

fn float(value: &Value) -> Option<f64> {
    match value {
        Value::Int(number) => Some(*number as f64),
        Value::Uint(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        Value::Null | Value::Bool(_) | Value::Str(_) | Value::Seq(_) | Value::Map(_) => None,
    }
}

/// jq's order: null, false, true, numbers, strings, arrays, objects.
pub(super) fn compare(left: &Value, right: &Value) -> Ordering {
    let rank = |value: &Value| match value {
        Value::Null => 0,
        Value::Bool(false) => 1,
        Value::Bool(true) => 2,
        Value::Int(_) | Value::Uint(_) | Value::Float(_) => 3,
        Value::Str(_) => 4,
        Value::Seq(_) => 5,
        Value::Map(_) => 6,
    };
    match (left, right) {
        (Value::Int(left), Value::Int(right)) => left.cmp(right),
        (Value::Str(left), Value::Str(right)) => left.cmp(right),
        (Value::Seq(left), Value::Seq(right)) => in_order(left.iter(), right.iter()),
        (Value::Map(left), Value::Map(right)) => left
            .keys()
            .cmp(right.keys())
            .then_with(|| in_order(left.values(), right.values())),
        (left, right) => match (float(left), float(right)) {
            (Some(left), Some(right)) => left.partial_cmp(&right).unwrap_or(Ordering::Less),
            _ => rank(left).cmp(&rank(right)),
        },
    }
}

fn in_order<'a>(
    left: impl ExactSizeIterator<Item = &'a Value>,
    right: impl ExactSizeIterator<Item = &'a Value>,
) -> Ordering {
    let lengths = left.len().cmp(&right.len());
    left.zip(right)
        .map(|(left, right)| compare(left, right))
        .find(|order| order.is_ne())
        .unwrap_or(lengths)
}
