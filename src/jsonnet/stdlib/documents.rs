//! JSON and YAML read, JSON written.

use super::arguments::Arguments;
use super::function;
use super::objects::object_of;
use crate::jsonnet::error::{Failure, Result};
use crate::jsonnet::machine::Machine;
use crate::jsonnet::print::Layout;
use crate::jsonnet::value::{Builtin, Val};
use crate::value::{Value, yaml};

pub(super) const FUNCTIONS: &[Builtin] = &[
    function("parseJson", &["str"], |m, a| {
        let text = m.text_at(a, 0)?;
        m.step(text.len() / 16)?;
        m.heap.has_room(text.len().saturating_mul(8))?;
        match Value::from_json(text.as_bytes()) {
            Ok(value) => from_value(m, &value),
            Err(cause) => Err(Failure::new(format!("failed to parse JSON: {cause}"))),
        }
    }),
    function("parseYaml", &["str"], |m, a| {
        let text = m.text_at(a, 0)?;
        m.step(text.len() / 16)?;
        m.heap.has_room(text.len().saturating_mul(8))?;
        let fault = |cause: yaml::YamlError| Failure::new(format!("failed to parse YAML: {cause}"));
        let mut values = Vec::new();
        let (parts, is_stream) = parts(text);
        for part in parts {
            let value = yaml::parse_one(part).map_err(fault)?;
            values.push(m.ready(from_value(m, &value)?)?);
        }
        match values.as_slice() {
            [] => Ok(Val::Null),
            [one] if !is_stream => m.force(one),
            several => m.list_of(several),
        }
    }),
    function("manifestJson", &["value"], |m, a| {
        json(m, a, "    ", "\n", ": ")
    }),
    function("manifestJsonMinified", &["value"], |m, a| {
        json(m, a, "", "", ":")
    }),
    function(
        "manifestJsonEx",
        &["value", "indent", "newline?", "key_val_sep?"],
        |m, a| {
            let indent = m.text_at(a, 1)?;
            let newline = or(m, a, 2, "\n")?;
            let colon = or(m, a, 3, ": ")?;
            json(m, a, indent, newline, colon)
        },
    ),
];

/// The documents of a stream, each with the line that it begins with, and
/// whether any begins with `---`.
fn parts(text: &str) -> (Vec<&str>, bool) {
    let mut parts = Vec::new();
    let mut is_stream = false;
    let (mut begin, mut at) = (0, 0);
    for line in text.split_inclusive('\n') {
        let is_marker = line
            .strip_prefix("---")
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['\n', ' ', '\t']));
        if is_marker {
            is_stream = true;
            if at > begin {
                parts.push(&text[begin..at]);
            }
            begin = at;
        }
        at += line.len();
    }
    if at > begin {
        parts.push(&text[begin..at]);
    }
    (parts, is_stream)
}

fn or<'a>(
    machine: &Machine<'a>,
    arguments: Arguments<'_, 'a>,
    at: usize,
    default: &'static str,
) -> Result<&'a str> {
    match arguments.get(at).copied().flatten() {
        Some(thunk) => machine.string(machine.force(thunk)?),
        None => Ok(default),
    }
}

fn json<'a>(
    machine: &Machine<'a>,
    arguments: Arguments<'_, 'a>,
    indent: &str,
    newline: &str,
    colon: &str,
) -> Result<Val<'a>> {
    let layout = Layout {
        indent,
        newline,
        colon,
        comma: ",",
        empty: None,
        is_go: true,
    };
    let mut out = String::new();
    let value = machine.value_at(arguments, 0)?;
    machine.json(value, &layout, &mut String::new(), &mut out)?;
    machine.text(&out)
}

/// What a document holds; its nesting is limited where it is read.
pub(in crate::jsonnet) fn from_value<'a>(machine: &Machine<'a>, value: &Value) -> Result<Val<'a>> {
    machine.step(1)?;
    Ok(match value {
        Value::Null => Val::Null,
        Value::Bool(flag) => Val::Bool(*flag),
        Value::Int(number) => Val::Number(*number as f64),
        Value::Uint(number) => Val::Number(*number as f64),
        Value::Float(number) => machine.finite(*number)?,
        Value::Str(text) => machine.text(text)?,
        Value::Seq(values) => {
            let mut items = Vec::with_capacity(values.len());
            for value in values {
                machine.has_stack()?;
                items.push(machine.ready(from_value(machine, value)?)?);
            }
            machine.list_of(&items)?
        }
        Value::Map(map) => {
            let mut fields = Vec::with_capacity(map.len());
            for (name, value) in map.iter() {
                machine.has_stack()?;
                fields.push((machine.heap.text(name)?, from_value(machine, value)?));
            }
            object_of(machine, fields)?
        }
    })
}
