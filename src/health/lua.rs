//! Users' own rules, from argocd-cm: Lua 5.1 with a global `obj`, which
//! returns a table of status and message.
//!
//! Invariant: a rule sees its object and nothing else, ends after a number of
//! instructions, and holds a bounded amount of memory. No io, no require, no
//! load; of os only the time, which is given.

use super::{Health, HealthStatus};
use crate::object::Object;
use crate::value::Value;
use crate::value::glob::Glob;
use mlua::chunk::ChunkMode;
use mlua::{HookTriggers, Lua, LuaOptions, StdLib, VmState};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// A rule may take so many instructions: a fraction of a second on a Pi.
const MAX_INSTRUCTIONS: u32 = 5_000_000;
const INSTRUCTIONS_A_LOOK: u32 = 1_000;
const MAX_BYTES: usize = 16 * 1024 * 1024;
/// Functions of the base library that would reach out, or load code.
const CLOSED: &[&str] = &[
    "collectgarbage",
    "dofile",
    "getfenv",
    "load",
    "loadfile",
    "loadstring",
    "module",
    "newproxy",
    "print",
    "require",
    "setfenv",
];
const INVALID_STATUS: &str = "Lua returned an invalid health status";

/// One user's rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LuaRule {
    pub script: String,
    /// `useOpenLibs`: string and math, too.
    pub open_libraries: bool,
}

/// Rules by `group/Kind`, or a glob of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LuaRules(BTreeMap<String, LuaRule>);

impl LuaRules {
    /// The rule of a kind, made where there is none.
    pub fn entry(&mut self, pattern: &str) -> &mut LuaRule {
        self.0.entry(pattern.to_owned()).or_default()
    }

    /// What the user's rule says of an object, `None` where there is none for
    /// its kind. `now` is in Unix seconds.
    pub fn health(&self, object: &Object, now: i64) -> Option<Health> {
        if self.0.is_empty() {
            return None;
        }
        let rule = self.rule(object)?;
        // Upstream, too: a rule that fails says Unknown, and why.
        Some(match rule.run(object, now) {
            Ok(health) => health,
            Err(message) => Health::new(HealthStatus::Unknown, message),
        })
    }

    fn rule(&self, object: &Object) -> Option<&LuaRule> {
        let gvk = object.gvk();
        let name = match gvk.group.as_str() {
            "" => gvk.kind,
            group => format!("{group}/{}", gvk.kind),
        };
        let has_script = |rule: &&LuaRule| !rule.script.is_empty();
        let exact = self.0.get(&name).filter(has_script);
        exact.or_else(|| {
            let wild = self.0.iter().filter(|(_, rule)| has_script(rule));
            wild.filter(|(pattern, _)| {
                Glob::gobwas(pattern, &[]).is_ok_and(|glob| glob.matches(&name))
            })
            .map(|(_, rule)| rule)
            .next()
        })
    }
}

impl LuaRule {
    /// Whether a script can be read at all.
    pub fn check(script: &str) -> Result<(), String> {
        let lua = Lua::new_with(StdLib::NONE, LuaOptions::default()).map_err(words)?;
        let chunk = lua.load(script).set_name("=health.lua");
        chunk
            .set_mode(ChunkMode::Text)
            .into_function()
            .map_err(words)?;
        Ok(())
    }

    fn run(&self, object: &Object, now: i64) -> Result<Health, String> {
        // What it returns lives as long as this does.
        let lua = self.interpreter().map_err(words)?;
        let result = self.evaluate(&lua, object, now).map_err(words)?;
        let Some(result) = result.as_table() else {
            let kind = kind_of(&result);
            return Err(format!("expect table output from Lua script, not {kind}"));
        };
        let text = |key: &str| -> Result<String, String> {
            match result.raw_get::<mlua::Value>(key).map_err(words)? {
                mlua::Value::Nil => Ok(String::new()),
                mlua::Value::String(text) => Ok(text.to_string_lossy()),
                other => Err(format!("{key} is a {} and no string", kind_of(&other))),
            }
        };
        let (status, message) = (text("status")?, text("message")?);
        Ok(match HealthStatus::parse(&status) {
            Some(status) => Health::new(status, message),
            None => Health::new(HealthStatus::Unknown, INVALID_STATUS),
        })
    }

    fn interpreter(&self) -> mlua::Result<Lua> {
        let libraries = match self.open_libraries {
            true => StdLib::TABLE | StdLib::STRING | StdLib::MATH,
            false => StdLib::TABLE,
        };
        let lua = Lua::new_with(libraries, LuaOptions::default())?;
        lua.set_memory_limit(MAX_BYTES)?;
        Ok(lua)
    }

    fn evaluate(&self, lua: &Lua, object: &Object, now: i64) -> mlua::Result<mlua::Value> {
        let left = Rc::new(Cell::new(MAX_INSTRUCTIONS));
        let meter = left.clone();
        let triggers = HookTriggers::new().every_nth_instruction(INSTRUCTIONS_A_LOOK);
        lua.set_hook(triggers, move |_, _| {
            let rest = meter.get().saturating_sub(INSTRUCTIONS_A_LOOK);
            meter.set(rest);
            match rest {
                0 => Err(endless()),
                _ => Ok(VmState::Continue),
            }
        })?;
        let globals = lua.globals();
        for name in CLOSED {
            globals.raw_remove(*name)?;
        }
        // What is caught must not outlive its budget.
        let is_over = lua.create_function(move |_, ()| match left.get() {
            0 => Err(endless()),
            _ => Ok(()),
        })?;
        let guard = "local is_over, pcall, xpcall = ...
            local function pass(...) is_over() return ... end
            return function(...) return pass(pcall(...)) end,
                   function(...) return pass(xpcall(...)) end";
        let real: (mlua::Value, mlua::Value) = (globals.get("pcall")?, globals.get("xpcall")?);
        let (pcall, xpcall): (mlua::Function, mlua::Function) =
            lua.load(guard).call((is_over, real.0, real.1))?;
        globals.set("pcall", pcall)?;
        globals.set("xpcall", xpcall)?;
        globals.set("os", time_library(lua, now)?)?;
        globals.set("obj", to_lua(lua, &Value::Map(object.root().clone()))?)?;
        let chunk = lua.load(self.script.as_str()).set_name("=health.lua");
        chunk.set_mode(ChunkMode::Text).eval()
    }
}

/// Lua 5.1 has one kind of number.
fn kind_of(value: &mlua::Value) -> &'static str {
    match value.type_name() {
        "integer" => "number",
        other => other,
    }
}

fn endless() -> mlua::Error {
    mlua::Error::runtime(format!("takes more than {MAX_INSTRUCTIONS} instructions"))
}

/// os.time and os.date, the latter in ISO form of UTC only.
fn time_library(lua: &Lua, now: i64) -> mlua::Result<mlua::Table> {
    let os = lua.create_table()?;
    os.set(
        "time",
        lua.create_function(move |_, at: Option<mlua::Table>| match at {
            None => Ok(Some(now)),
            Some(at) => unix_time(&at),
        })?,
    )?;
    os.set(
        "date",
        lua.create_function(move |lua, (format, at): (Option<String>, Option<i64>)| {
            date(lua, format.as_deref().unwrap_or("%c"), at.unwrap_or(now))
        })?,
    )?;
    Ok(os)
}

fn unix_time(at: &mlua::Table) -> mlua::Result<Option<i64>> {
    let part = |name: &str, default: i64| -> mlua::Result<i64> {
        Ok(at.raw_get::<Option<i64>>(name)?.unwrap_or(default))
    };
    let narrow = |number: i64| i8::try_from(number).unwrap_or(-1);
    let date = jiff::civil::DateTime::new(
        i16::try_from(part("year", 1970)?).unwrap_or(-1),
        narrow(part("month", 1)?),
        narrow(part("day", 1)?),
        narrow(part("hour", 12)?),
        narrow(part("min", 0)?),
        narrow(part("sec", 0)?),
        0,
    );
    let zoned = date.and_then(|date| date.to_zoned(jiff::tz::TimeZone::UTC));
    Ok(zoned.ok().map(|zoned| zoned.timestamp().as_second()))
}

fn date(lua: &Lua, format: &str, at: i64) -> mlua::Result<mlua::Value> {
    let format = format.trim_start_matches('!');
    let time = jiff::Timestamp::from_second(at).unwrap_or_default();
    let zoned = time.to_zoned(jiff::tz::TimeZone::UTC);
    if !format.starts_with("*t") {
        let text = jiff::fmt::strtime::format(format, &zoned);
        let text = text.map_err(|error| mlua::Error::runtime(error.to_string()))?;
        return Ok(mlua::Value::String(lua.create_string(text)?));
    }
    let table = lua.create_table()?;
    for (name, number) in [
        ("year", i64::from(zoned.year())),
        ("month", i64::from(zoned.month())),
        ("day", i64::from(zoned.day())),
        ("hour", i64::from(zoned.hour())),
        ("min", i64::from(zoned.minute())),
        ("sec", i64::from(zoned.second())),
        ("wday", i64::from(zoned.weekday().to_sunday_one_offset())),
        ("yday", i64::from(zoned.day_of_year())),
    ] {
        table.set(name, number)?;
    }
    table.set("isdst", false)?;
    Ok(mlua::Value::Table(table))
}

/// Null is nil: the key is not there.
fn to_lua(lua: &Lua, value: &Value) -> mlua::Result<mlua::Value> {
    Ok(match value {
        Value::Null => mlua::Value::Nil,
        Value::Bool(truth) => mlua::Value::Boolean(*truth),
        Value::Int(number) => mlua::Value::Number(*number as f64),
        Value::Uint(number) => mlua::Value::Number(*number as f64),
        Value::Float(number) => mlua::Value::Number(*number),
        Value::Str(text) => mlua::Value::String(lua.create_string(text)?),
        Value::Seq(items) => {
            let table = lua.create_table_with_capacity(items.len(), 0)?;
            for (at, item) in items.iter().enumerate() {
                table.raw_set(at + 1, to_lua(lua, item)?)?;
            }
            mlua::Value::Table(table)
        }
        Value::Map(map) => {
            let table = lua.create_table_with_capacity(0, map.len())?;
            for (key, value) in map.iter() {
                table.raw_set(key, to_lua(lua, value)?)?;
            }
            mlua::Value::Table(table)
        }
    })
}

/// The first line: what follows is Lua's own stack.
fn words(error: mlua::Error) -> String {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    line.trim_start_matches("runtime error: ").to_owned()
}
