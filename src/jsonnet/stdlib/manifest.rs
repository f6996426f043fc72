//! Values as documents of other formats: YAML, INI, Python, XML.

use super::function;
use super::toml::manifest_toml;
use crate::jsonnet::error::{Failure, Result};
use crate::jsonnet::machine::Machine;
use crate::jsonnet::print::{number_text, quote};
use crate::jsonnet::value::{Builtin, Object, Val};
use std::fmt::Write as _;

pub(super) const FUNCTIONS: &[Builtin] = &[
    function(
        "manifestYamlDoc",
        &["value", "indent_array_in_object?", "quote_keys?"],
        |m, a| {
            let style = Yaml {
                indent_arrays: m.flag_at(a, 1, false)?,
                quote_keys: m.flag_at(a, 2, true)?,
            };
            let mut out = String::new();
            yaml(m, m.value_at(a, 0)?, style, &mut String::new(), &mut out)?;
            m.text(&out)
        },
    ),
    function(
        "manifestYamlStream",
        &[
            "value",
            "indent_array_in_object?",
            "c_document_end?",
            "quote_keys?",
        ],
        |m, a| {
            let Val::Array(items) = m.value_at(a, 0)? else {
                return Err(Failure::new(format!(
                    "manifestYamlStream only takes arrays, got {}",
                    m.value_at(a, 0)?.type_name()
                )));
            };
            let style = Yaml {
                indent_arrays: m.flag_at(a, 1, false)?,
                quote_keys: m.flag_at(a, 3, true)?,
            };
            let mut out = "---\n".to_owned();
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at == 0 { "" } else { "\n---\n" });
                yaml(m, m.force(item)?, style, &mut String::new(), &mut out)?;
            }
            out.push_str(if m.flag_at(a, 2, true)? {
                "\n...\n"
            } else {
                "\n"
            });
            m.text(&out)
        },
    ),
    function("manifestIni", &["ini"], |m, a| {
        let ini = m.object_at(a, 0)?;
        let mut out = String::new();
        if m.shown(ini)?.any(|name| name == "main") {
            ini_body(m, m.object_of(m.field(ini, "main")?)?, &mut out)?;
        }
        let sections = m.object_of(m.field(ini, "sections")?)?;
        for name in m.shown(sections)? {
            let _ = writeln!(out, "[{name}]");
            ini_body(m, m.object_of(m.field(sections, name)?)?, &mut out)?;
        }
        m.text(&out)
    }),
    function("manifestPython", &["v"], |m, a| {
        let mut out = String::new();
        python(m, m.value_at(a, 0)?, &mut out)?;
        m.text(&out)
    }),
    function("manifestPythonVars", &["conf"], |m, a| {
        let conf = m.object_at(a, 0)?;
        let mut out = String::new();
        for name in m.shown(conf)? {
            let _ = write!(out, "{name} = ");
            python(m, m.field(conf, name)?, &mut out)?;
            out.push('\n');
        }
        m.text(&out)
    }),
    function("manifestXmlJsonml", &["value"], |m, a| {
        match m.value_at(a, 0)? {
            value @ Val::Array(_) => {
                let mut out = String::new();
                xml(m, value, &mut out)?;
                m.text(&out)
            }
            other => Err(Failure::new(format!(
                "Expected a JSONML value (an array), got {}",
                other.type_name()
            ))),
        }
    }),
    function("manifestToml", &["value"], |m, a| {
        manifest_toml(m, m.value_at(a, 0)?, "  ")
    }),
    function("manifestTomlEx", &["value", "indent"], |m, a| {
        manifest_toml(m, m.value_at(a, 0)?, m.text_at(a, 1)?)
    }),
];

#[derive(Clone, Copy)]
struct Yaml {
    indent_arrays: bool,
    quote_keys: bool,
}

fn yaml<'a>(
    machine: &Machine<'a>,
    value: Val<'a>,
    style: Yaml,
    indent: &mut String,
    out: &mut String,
) -> Result<()> {
    machine.step(1)?;
    machine.has_output_room(out)?;
    match value {
        Val::Null => out.push_str("null"),
        Val::Bool(flag) => out.push_str(if flag { "true" } else { "false" }),
        Val::Number(number) => {
            let _ = write!(out, "{number}");
        }
        Val::Text(text) => match machine.read(text)? {
            "" => out.push_str("\"\""),
            text => match text.strip_suffix('\n') {
                Some(lines) => {
                    out.push('|');
                    for line in lines.split('\n') {
                        let _ = write!(out, "\n{indent}  {line}");
                    }
                }
                None => quote(text, out),
            },
        },
        Val::Function(_) => {
            return Err(Failure::new("couldn't manifest function as YAML"));
        }
        Val::Array([]) => out.push_str("[]"),
        Val::Array(items) => machine.deeper(|| {
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    let _ = write!(out, "\n{indent}");
                }
                let item = machine.force(item)?;
                out.push('-');
                match item {
                    Val::Array([_, ..]) => {
                        let _ = write!(out, "\n{indent}  ");
                    }
                    _ => out.push(' '),
                }
                let deeper = matches!(item, Val::Array(_) | Val::Object(_));
                nested(machine, item, style, deeper, indent, out)?;
            }
            Ok(())
        })?,
        Val::Object(object) => {
            machine.deeper(|| yaml_object(machine, object, style, indent, out))?
        }
    }
    Ok(())
}

fn nested<'a>(
    machine: &Machine<'a>,
    value: Val<'a>,
    style: Yaml,
    deeper: bool,
    indent: &mut String,
    out: &mut String,
) -> Result<()> {
    let length = indent.len();
    if deeper {
        indent.push_str("  ");
    }
    let done = yaml(machine, value, style, indent, out);
    indent.truncate(length);
    done
}

fn yaml_object<'a>(
    machine: &Machine<'a>,
    object: &'a Object<'a>,
    style: Yaml,
    indent: &mut String,
    out: &mut String,
) -> Result<()> {
    machine.check(object)?;
    let mut is_first = true;
    for name in machine.shown(object)? {
        if !is_first {
            let _ = write!(out, "\n{indent}");
        }
        is_first = false;
        if style.quote_keys || !is_bare(name) {
            quote(name, out);
        } else {
            out.push_str(name);
        }
        out.push(':');
        let value = machine.field(object, name)?;
        let deeper = match value {
            Val::Array([_, ..]) => {
                let _ = write!(out, "\n{indent}");
                if style.indent_arrays {
                    out.push_str("  ");
                }
                style.indent_arrays
            }
            Val::Object(inner) if machine.shown(inner)?.next().is_some() => {
                let _ = write!(out, "\n{indent}  ");
                true
            }
            _ => {
                out.push(' ');
                false
            }
        };
        nested(machine, value, style, deeper, indent, out)?;
    }
    if is_first {
        out.push_str("{}");
    }
    Ok(())
}

/// Whether a key may stand without quotes.
fn is_bare(key: &str) -> bool {
    const RESERVED: &[&str] = &[
        "true", "false", "yes", "no", "on", "off", "y", "n", ".nan", "-.inf", "+.inf", ".inf",
        "null", "-", "---", "''",
    ];
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-/.".contains(c);
    if key.is_empty()
        || !key.chars().all(is_plain)
        || RESERVED.iter().any(|word| word.eq_ignore_ascii_case(key))
    {
        return false;
    }
    let is_date =
        key.matches('-').count() == 2 && key.chars().all(|c| c == '-' || c.is_ascii_digit());
    let unsigned = key.strip_prefix(['-', '+']).unwrap_or(key);
    let is_binary = unsigned
        .strip_prefix("0b")
        .is_some_and(|rest| !rest.is_empty() && rest.chars().all(|c| "01_".contains(c)));
    // Wherever in the key it stands.
    let is_hex = key
        .match_indices("0x")
        .any(|(at, _)| key[at + 2..].starts_with(|c: char| c.is_ascii_hexdigit() || c == '_'));
    !is_date && !is_binary && !is_hex && !is_go_number(key)
}

/// What Go's ParseFloat takes.
fn is_go_number(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let unsigned = lower.strip_prefix(['-', '+']).unwrap_or(&lower);
    match unsigned {
        "inf" | "infinity" | "nan" => true,
        _ => {
            unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.')
                && unsigned.parse::<f64>().is_ok()
        }
    }
}

fn ini_body<'a>(machine: &Machine<'a>, body: &'a Object<'a>, out: &mut String) -> Result<()> {
    for name in machine.shown(body)? {
        let mut line = |value: Val<'a>| -> Result<()> {
            machine.has_output_room(out)?;
            let _ = writeln!(out, "{name} = {}", machine.to_text(value)?);
            Ok(())
        };
        match machine.field(body, name)? {
            Val::Array(items) => {
                for item in items {
                    line(machine.force(item)?)?;
                }
            }
            value => line(value)?,
        }
    }
    Ok(())
}

fn python<'a>(machine: &Machine<'a>, value: Val<'a>, out: &mut String) -> Result<()> {
    machine.step(1)?;
    machine.has_output_room(out)?;
    match value {
        Val::Null => out.push_str("None"),
        Val::Bool(flag) => out.push_str(if flag { "True" } else { "False" }),
        Val::Number(number) => out.push_str(&number_text(number)),
        Val::Text(text) => quote(machine.read(text)?, out),
        Val::Function(_) => return Err(Failure::new("cannot manifest function")),
        Val::Array(items) => machine.deeper(|| {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at == 0 { "" } else { ", " });
                python(machine, machine.force(item)?, out)?;
            }
            out.push(']');
            Ok(())
        })?,
        Val::Object(object) => machine.deeper(|| {
            out.push('{');
            for (at, name) in machine.shown(object)?.enumerate() {
                out.push_str(if at == 0 { "" } else { ", " });
                quote(name, out);
                out.push_str(": ");
                python(machine, machine.field(object, name)?, out)?;
            }
            out.push('}');
            Ok(())
        })?,
    }
    Ok(())
}

/// JsonML: `["tag", {attributes}, children…]`.
fn xml<'a>(machine: &Machine<'a>, value: Val<'a>, out: &mut String) -> Result<()> {
    machine.step(1)?;
    machine.has_output_room(out)?;
    let items = match value {
        Val::Text(text) => {
            out.push_str(machine.read(text)?);
            return Ok(());
        }
        value => machine.array(value)?,
    };
    let Some((tag, rest)) = items.split_first() else {
        return Err(Failure::new("Index 0 out of bounds, not within [0, 0)"));
    };
    let tag = machine.to_text(machine.force(tag)?)?;
    let _ = write!(out, "<{tag}");
    let mut children = rest;
    if let Some(first) = rest.first()
        && let Val::Object(attributes) = machine.force(first)?
    {
        children = &rest[1..];
        for name in machine.shown(attributes)? {
            let value = machine.to_text(machine.field(attributes, name)?)?;
            let _ = write!(out, " {name}=\"{}\"", value);
        }
    }
    out.push('>');
    for child in children {
        let child = machine.force(child)?;
        machine.deeper(|| xml(machine, child, out))?;
    }
    let _ = write!(out, "</{tag}>");
    Ok(())
}
