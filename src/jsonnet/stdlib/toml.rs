//! TOML: objects are sections, arrays of objects are arrays of sections.

use crate::jsonnet::error::{Failure, Result};
use crate::jsonnet::machine::Machine;
use crate::jsonnet::print::{number_text, quote};
use crate::jsonnet::value::{Object, Val};

pub(super) fn manifest_toml<'a>(
    machine: &Machine<'a>,
    value: Val<'a>,
    indent: &str,
) -> Result<Val<'a>> {
    let Val::Object(object) = value else {
        return Err(Failure::new(format!(
            "TOML body must be an object. Got {}",
            value.type_name()
        )));
    };
    let writer = Writer { machine, indent };
    let mut out = String::new();
    writer.table(object, &mut Vec::new(), "", &mut out)?;
    machine.text(&out)
}

struct Writer<'m, 'a> {
    machine: &'m Machine<'a>,
    indent: &'m str,
}

fn key(name: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() {
        return "''".to_owned();
    }
    if name.chars().all(is_bare) {
        return name.to_owned();
    }
    let mut out = String::new();
    quote(name, &mut out);
    out
}

fn heading(path: &[String], [open, close]: [&str; 2]) -> String {
    format!("{open}{}{close}", path.join("."))
}

impl<'a> Writer<'_, 'a> {
    fn is_section(&self, value: Val<'a>) -> Result<bool> {
        match value {
            Val::Object(_) => Ok(true),
            Val::Array(items) => {
                for item in items {
                    if !matches!(self.machine.force(item)?, Val::Object(_)) {
                        return Ok(false);
                    }
                }
                Ok(!items.is_empty())
            }
            _ => Ok(false),
        }
    }

    fn is_empty(&self, object: &Object<'a>) -> Result<bool> {
        Ok(self.machine.shown(object)?.next().is_none())
    }

    /// The fields of a table, then the sections below it.
    fn table(
        &self,
        object: &'a Object<'a>,
        path: &mut Vec<String>,
        indent: &str,
        out: &mut String,
    ) -> Result<()> {
        self.machine.has_output_room(out)?;
        let mut lines: Vec<String> = Vec::new();
        let mut sections = String::new();
        for name in self.machine.shown(object)? {
            let value = self.machine.field(object, name)?;
            if self.is_section(value)? {
                path.push(key(name));
                self.machine
                    .deeper(|| self.section(value, path, indent, &mut sections))?;
                path.pop();
                continue;
            }
            let mut text = format!("{} = ", key(name));
            self.value(value, name, false, &mut text)?;
            lines.extend(text.split('\n').map(|line| format!("{indent}{line}")));
        }
        out.push_str(&lines.join("\n"));
        out.push_str(&sections);
        Ok(())
    }

    fn section(
        &self,
        value: Val<'a>,
        path: &mut Vec<String>,
        indent: &str,
        out: &mut String,
    ) -> Result<()> {
        let deeper = format!("{indent}{}", self.indent);
        let (items, brackets) = match value {
            Val::Object(object) => (vec![object], ["[", "]"]),
            value => {
                let mut objects = Vec::new();
                for item in self.machine.array(value)? {
                    objects.push(self.machine.object_of(self.machine.force(item)?)?);
                }
                (objects, ["[[", "]]"])
            }
        };
        for object in items {
            out.push_str("\n\n");
            out.push_str(indent);
            out.push_str(&heading(path, brackets));
            if !self.is_empty(object)? {
                out.push('\n');
            }
            self.table(object, path, &deeper, out)?;
        }
        Ok(())
    }

    fn value(&self, value: Val<'a>, place: &str, inline: bool, out: &mut String) -> Result<()> {
        self.machine.step(1)?;
        self.machine.has_output_room(out)?;
        match value {
            Val::Null => {
                return Err(Failure::new(format!(
                    "Tried to manifest \"null\" at [{place}]"
                )));
            }
            Val::Function(_) => {
                return Err(Failure::new(format!(
                    "Tried to manifest function at [{place}]"
                )));
            }
            Val::Bool(flag) => out.push_str(if flag { "true" } else { "false" }),
            Val::Number(number) => out.push_str(&number_text(number)),
            Val::Text(text) => quote(self.machine.read(text)?, out),
            Val::Array([]) => out.push_str("[]"),
            Val::Array(items) => self.machine.deeper(|| {
                let (indent, separator) = if inline {
                    ("", " ")
                } else {
                    (self.indent, "\n")
                };
                out.push('[');
                out.push_str(separator);
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                        out.push_str(separator);
                    }
                    out.push_str(indent);
                    let item = self.machine.force(item)?;
                    self.value(item, &format!("{place} {at}"), true, out)?;
                }
                out.push_str(separator);
                out.push(']');
                Ok(())
            })?,
            Val::Object(object) => self.machine.deeper(|| {
                out.push_str("{ ");
                for (at, name) in self.machine.shown(object)?.enumerate() {
                    out.push_str(if at == 0 { "" } else { ", " });
                    out.push_str(&key(name));
                    out.push_str(" = ");
                    let field = self.machine.field(object, name)?;
                    self.value(field, &format!("{place} {name}"), true, out)?;
                }
                out.push_str(" }");
                Ok(())
            })?,
        }
        Ok(())
    }
}
