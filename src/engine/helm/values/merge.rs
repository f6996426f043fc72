//! How values of a chart, of its parent and of the user become one.
//!
//! Maps are shared between charts exactly as Helm's code shares them: a table
//! two levels below `global` is one map for parent and subchart, so that the
//! defaults of the one are seen by the other. Templates depend on it.

use super::GLOBAL;
use super::path::is_table;
use crate::gotmpl::{List, Map, Numbers, Val, gofmt};
use crate::helm::node::Node;
use crate::value;
use std::rc::Rc;

/// The default values of a chart.
#[derive(Clone)]
pub enum Defaults {
    /// As they stand in values.yaml.
    File(Rc<value::Map>),
    /// With what `import-values` brought.
    Merged(Map),
}

impl Defaults {
    /// A copy that may be changed at any depth.
    fn copy(&self) -> Map {
        match self {
            Defaults::File(map) => map
                .iter()
                .map(|(key, value)| (key, Val::from_value(value, Numbers::Float64)))
                .collect(),
            Defaults::Merged(map) => deep_copy(map),
        }
    }
}

/// A copy of a map that shares nothing with it.
pub fn deep_copy(map: &Map) -> Map {
    let entries = map.entries();
    let copies = entries.iter().map(|(k, v)| (k.clone(), copy_of(v)));
    copies.collect()
}

fn copy_of(value: &Val) -> Val {
    match value {
        Val::Map(map) if is_table(map) => Val::Map(deep_copy(map)),
        Val::List(list) => {
            let items = list.items().iter().map(copy_of).collect();
            Val::List(List::of(list.elem(), items))
        }
        other => other.clone(),
    }
}

/// One pass over a chart and its subcharts, with the warnings that it gave.
pub struct Coalesce<'w> {
    /// Whether nulls stay (they go when the values are finally put together).
    keep_nulls: bool,
    warnings: &'w mut Vec<String>,
}

/// Values of a subchart that are no map.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("type mismatch on {name}: {found}")]
pub struct TypeMismatch {
    name: String,
    /// The value as Go's `%t` prints what is no boolean.
    found: String,
}

impl<'w> Coalesce<'w> {
    /// Null deletes the key that it stands for.
    pub fn dropping_nulls(warnings: &'w mut Vec<String>) -> Self {
        Coalesce {
            keep_nulls: false,
            warnings,
        }
    }

    /// Nulls stay, for another pass.
    pub fn keeping_nulls(warnings: &'w mut Vec<String>) -> Self {
        Coalesce {
            keep_nulls: true,
            warnings,
        }
    }

    /// Lays `values` over the defaults of the chart and of its subcharts.
    /// `values` is changed.
    pub fn chart(&mut self, chart: &Node, values: &Map) -> Result<(), TypeMismatch> {
        self.chart_at(chart, values, "")
    }

    fn chart_at(&mut self, chart: &Node, into: &Map, prefix: &str) -> Result<(), TypeMismatch> {
        self.defaults(chart, into, prefix);
        self.dependencies(chart, into, prefix)
    }

    fn dependencies(&mut self, chart: &Node, into: &Map, prefix: &str) -> Result<(), TypeMismatch> {
        for sub in chart.dependencies() {
            let name = sub.name();
            let values = match into.get(&name) {
                None => {
                    let values = Map::new();
                    into.insert(name, Val::Map(values.clone()));
                    values
                }
                Some(Val::Map(values)) if is_table(&values) => values,
                Some(other) => {
                    let found = gofmt::sprintf(b"%t", &[other])
                        .map_or_else(|error| error.to_string(), |text| text.to_string());
                    return Err(TypeMismatch { name, found });
                }
            };
            let prefix = dotted(prefix, &chart.name());
            self.globals(&values, into, &prefix);
            self.chart_at(&sub, &values, &prefix)?;
        }
        Ok(())
    }

    /// Hands the globals of a parent down to a subchart.
    fn globals(&mut self, into: &Map, from: &Map, prefix: &str) {
        let globals_of = |map: &Map| match map.get(GLOBAL) {
            None => Some(Map::new()),
            Some(Val::Map(globals)) if is_table(&globals) => Some(globals),
            Some(_) => None,
        };
        let Some(into_globals) = globals_of(into) else {
            self.warn(format!(
                "warning: skipping globals because destination {GLOBAL} is not a table."
            ));
            return;
        };
        let Some(from_globals) = globals_of(from) else {
            self.warn(format!(
                "warning: skipping globals because source {GLOBAL} is not a table."
            ));
            return;
        };
        for key in from_globals.keys() {
            let value = from_globals.get_bytes(key.as_bytes()).unwrap_or_default();
            let old = into_globals.get_bytes(key.as_bytes());
            let old_table = old.as_ref().and_then(Val::as_map).filter(|m| is_table(m));
            let Some(table) = value.as_map().filter(|m| is_table(m)) else {
                if old_table.is_some() {
                    self.warn(format!("key {key} is table. Skipping"));
                } else {
                    into_globals.insert(key, value);
                }
                continue;
            };
            // Copied at the top only: deeper tables stay the parent's own.
            let top: Map = table.entries().iter().cloned().collect();
            match (&old, old_table) {
                (None, _) => into_globals.insert(key, Val::Map(top)),
                (Some(_), Some(old)) => {
                    // The parent's win; nulls are dropped later.
                    let path = dotted(prefix, &key.to_text());
                    self.tables(&top, old, &path, true);
                    into_globals.insert(key, Val::Map(top));
                }
                (Some(_), None) => self.warn(format!(
                    "Conflict: cannot merge map onto non-map for {key:?}. Skipping."
                )),
            }
        }
        into.insert(GLOBAL, Val::Map(into_globals));
    }

    /// Lays `into` over the defaults of one chart.
    fn defaults(&mut self, chart: &Node, into: &Map, prefix: &str) {
        let prefix = dotted(prefix, &chart.name());
        let defaults = chart.defaults().copy();
        for (key, default) in defaults.entries().iter() {
            let Some(value) = into.get_bytes(key.as_bytes()) else {
                if !self.keep_nulls {
                    match default {
                        Val::Nil => continue,
                        Val::Map(table) if is_table(table) => drop_nulls(table),
                        _ => {}
                    }
                }
                into.insert(key.clone(), default.clone());
                continue;
            };
            if value.is_nil() && !self.keep_nulls {
                into.remove(key.as_bytes());
                continue;
            }
            let Some(table) = value.as_map().filter(|m| is_table(m)) else {
                continue;
            };
            match default {
                Val::Map(default) if is_table(default) => {
                    let name = key.to_text();
                    // A subchart's nulls are dropped with the subchart's defaults.
                    let keep_nulls =
                        self.keep_nulls || chart.dependencies().iter().any(|d| d.name() == *name);
                    if !keep_nulls {
                        drop_nulls(default);
                    }
                    self.tables(table, default, &dotted(&prefix, &name), keep_nulls);
                }
                Val::Nil => {}
                _ => self.warn(format!(
                    "warning: skipped value for {prefix}.{key}: Not a table."
                )),
            }
        }
    }

    /// Merges `from` into `into`, which wins. Both are changed.
    fn tables(&mut self, into: &Map, from: &Map, prefix: &str, keep_nulls: bool) {
        let mut was_set = from.keys();
        was_set.retain(|key| {
            let value = from.get_bytes(key.as_bytes());
            value.is_some_and(|value| !value.is_nil())
        });
        for key in into.keys() {
            if into.get_bytes(key.as_bytes()).is_some_and(|v| v.is_nil()) {
                from.insert(key, Val::Nil);
            }
        }
        for key in from.keys() {
            let value = from.get_bytes(key.as_bytes()).unwrap_or_default();
            let Some(old) = into.get_bytes(key.as_bytes()) else {
                into.insert(key, value);
                continue;
            };
            if old.is_nil() && !keep_nulls && was_set.binary_search(&key).is_ok() {
                // The user took a default away.
                into.remove(key.as_bytes());
                continue;
            }
            let path = dotted(prefix, &key.to_text());
            let old_table = old.as_map().filter(|map| is_table(map));
            match (&value, old_table) {
                (Val::Map(table), Some(old)) if is_table(table) => {
                    self.tables(old, table, &path, keep_nulls);
                }
                (Val::Map(table), None) if is_table(table) => self.warn(format!(
                    "warning: cannot overwrite table with non table for {path}"
                )),
                (Val::Nil, _) | (_, None) => {}
                (_, Some(_)) => self.warn(format!(
                    "warning: destination for {path} is a table. Ignoring non-table value"
                )),
            }
        }
    }

    fn warn(&mut self, text: String) {
        self.warnings.push(text);
    }
}

/// Merges `from` into `into`, which wins; nulls stay.
pub fn merge_tables(into: &Map, from: &Map, warnings: &mut Vec<String>) {
    Coalesce::keeping_nulls(warnings).tables(into, from, "", true);
}

fn drop_nulls(map: &Map) {
    for key in map.keys() {
        match map.get_bytes(key.as_bytes()) {
            Some(Val::Nil) => {
                map.remove(key.as_bytes());
            }
            Some(Val::Map(table)) if is_table(&table) => drop_nulls(&table),
            _ => {}
        }
    }
}

fn dotted(front: &str, name: &str) -> String {
    if front.is_empty() {
        name.to_owned()
    } else {
        format!("{front}.{name}")
    }
}
