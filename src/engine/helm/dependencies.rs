//! Which subcharts take part: conditions, tags, aliases, and the values that
//! a parent imports from them.

use super::chart::{Chart, Dependency};
use super::node::{Graph, Node};
use super::values::{self, Coalesce, Lookup, TypeMismatch, merge_tables};
use super::version;
use crate::gotmpl::{Map, Numbers, Type, Val};
use crate::value::Value;
use std::rc::Rc;

/// Dependencies of the outermost chart that nothing in charts/ fulfils.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "an error occurred while checking for chart dependencies. You may need to run 'helm \
     dependency build' to fetch missing dependencies: found in Chart.yaml, but missing in \
     charts/ directory: {}", .names.join(", ")
)]
pub struct MissingDependencies {
    pub names: Vec<String>,
}

/// How many dots the place of imported values may have: each is a map more.
const MAX_IMPORT_DEPTH: usize = 100;

/// Helm's check before a render: by name only, of the outermost chart.
pub fn check_present(root: &Node) -> Result<(), MissingDependencies> {
    let present: Vec<String> = root.dependencies().iter().map(|d| d.name()).collect();
    let metadata = root.metadata();
    let names: Vec<String> = metadata
        .dependencies
        .iter()
        .flatten()
        .filter(|wanted| !present.contains(&wanted.name))
        .map(|wanted| wanted.name.clone())
        .collect();
    if names.is_empty() {
        Ok(())
    } else {
        Err(MissingDependencies { names })
    }
}

/// Which entries of Chart.yaml are not turned off by what the parent and the
/// user say, in their order. What only the dependency itself could say does
/// not count: it may not be there yet.
pub fn enabled(chart: &Chart, values: &Map) -> Vec<bool> {
    let mut wanted = chart.metadata.dependencies.clone().unwrap_or_default();
    let alone = Chart {
        metadata: chart.metadata.clone(),
        values: chart.values.clone(),
        ..Chart::default()
    };
    let graph = Graph::new(alone);
    let merged = values::deep_copy(values);
    let mut warnings = Vec::new();
    // Without subcharts there is nothing whose values could be of a wrong type.
    if Coalesce::dropping_nulls(&mut warnings)
        .chart(&graph.root, &merged)
        .is_ok()
    {
        let mut pass = Pass {
            graph: &graph,
            warnings: &mut warnings,
        };
        wanted.iter_mut().for_each(|wanted| wanted.enabled = true);
        pass.apply_tags(&mut wanted, &merged);
        pass.apply_conditions(&mut wanted, &merged, "");
    }
    wanted.iter().map(|wanted| wanted.enabled).collect()
}

/// Removes what is disabled, renames what has an alias, imports values.
pub fn process(
    graph: &Graph,
    values: &Map,
    warnings: &mut Vec<String>,
) -> Result<(), TypeMismatch> {
    let mut pass = Pass { graph, warnings };
    pass.enable(&graph.root, values, "")?;
    pass.import_values(&graph.root)
}

struct Pass<'p> {
    graph: &'p Graph,
    warnings: &'p mut Vec<String>,
}

impl Pass<'_> {
    fn enable(&mut self, chart: &Rc<Node>, values: &Map, path: &str) -> Result<(), TypeMismatch> {
        let Some(mut wanted) = chart.take_requirements() else {
            return Ok(());
        };
        let present = chart.dependencies();
        let fulfils = |node: &Node, wanted: &Dependency| {
            let metadata = node.metadata();
            metadata.name == wanted.name && version::satisfies(&metadata.version, &wanted.version)
        };
        // What Chart.yaml does not list takes part as well.
        let mut taking_part: Vec<Rc<Node>> = present
            .iter()
            .filter(|node| !wanted.iter().any(|wanted| fulfils(node, wanted)))
            .cloned()
            .collect();
        for wanted in &mut wanted {
            if let Some(found) = present.iter().find(|node| fulfils(node, wanted)) {
                taking_part.push(found.alias(&wanted.alias));
            }
            if !wanted.alias.is_empty() {
                wanted.name.clone_from(&wanted.alias);
            }
            wanted.enabled = true;
        }
        self.graph.keep(chart.set_dependencies(taking_part));

        let merged = values::deep_copy(values);
        Coalesce::dropping_nulls(self.warnings).chart(chart, &merged)?;
        self.apply_tags(&mut wanted, &merged);
        self.apply_conditions(&mut wanted, &merged, path);

        let disabled: Vec<String> = wanted
            .iter()
            .filter(|wanted| !wanted.enabled)
            .map(|wanted| wanted.name.clone())
            .collect();
        let mut taking_part = chart.dependencies();
        taking_part.retain(|node| !disabled.contains(&node.name()));
        wanted.retain(|wanted| !disabled.contains(&wanted.name));
        for child in &taking_part {
            let path = format!("{path}{}.", child.name());
            self.enable(child, &merged, &path)?;
        }
        // Go appends to a nil slice: no entries leave it nil.
        chart.set_requirements((!wanted.is_empty()).then_some(wanted));
        self.graph.keep(chart.set_dependencies(taking_part));
        Ok(())
    }

    fn apply_tags(&mut self, wanted: &mut [Dependency], values: &Map) {
        let Ok(tags) = values::table(values, "tags") else {
            return;
        };
        for wanted in wanted {
            let (mut has_true, mut has_false) = (false, false);
            for tag in &wanted.tags {
                match tags.get(tag) {
                    None => {}
                    Some(Val::Bool(true)) => has_true = true,
                    Some(Val::Bool(false)) => has_false = true,
                    Some(_) => self.warnings.push(format!(
                        "tag {tag} of chart {} is not a boolean",
                        wanted.name
                    )),
                }
            }
            wanted.enabled = has_true || !has_false;
        }
    }

    fn apply_conditions(&mut self, wanted: &mut [Dependency], values: &Map, path: &str) {
        for wanted in wanted {
            let Dependency {
                condition, enabled, ..
            } = wanted;
            for condition in condition.trim().split(',').filter(|c| !c.is_empty()) {
                match values::path_value(values, &format!("{path}{condition}")) {
                    Ok(Val::Bool(flag)) => {
                        *enabled = flag;
                        break;
                    }
                    Ok(_) => self.warnings.push(format!(
                        "condition {condition} of chart {} is not a boolean",
                        wanted.name
                    )),
                    Err(Lookup::NoValue(_)) => {}
                    Err(error) => self.warnings.push(error.to_string()),
                }
            }
        }
    }

    /// From the innermost charts outwards.
    fn import_values(&mut self, chart: &Rc<Node>) -> Result<(), TypeMismatch> {
        for child in chart.dependencies() {
            self.import_values(&child)?;
        }
        let Some(mut wanted) = chart.metadata().dependencies.clone() else {
            return Ok(());
        };
        let merged = Map::new();
        Coalesce::keeping_nulls(self.warnings).chart(chart, &merged)?;
        let imported = Map::new();
        for wanted in &mut wanted {
            let mut seen = Vec::new();
            for import in std::mem::take(&mut wanted.import_values) {
                let (child, parent) = match &import {
                    Value::Map(map) => {
                        let text = |key: &str| percent_v(map.get(key).unwrap_or(&Value::Null));
                        (text("child"), text("parent"))
                    }
                    Value::Str(name) => (format!("exports.{name}"), ".".to_owned()),
                    _ => continue,
                };
                match values::table(&merged, &format!("{}.{child}", wanted.name)) {
                    Ok(table) => {
                        merge_tables(&imported, &at_path(&parent, table), self.warnings);
                    }
                    Err(error) => self
                        .warnings
                        .push(format!("import-values of chart {}: {error}", wanted.name)),
                }
                let pair = [("child", child), ("parent", parent)];
                seen.push(Value::Map(pair.into_iter().collect()));
            }
            wanted.import_values = seen;
        }
        chart.set_requirements(Some(wanted));
        let defaults = values::deep_copy(&merged);
        merge_tables(&defaults, &imported, self.warnings);
        chart.set_defaults(defaults);
        Ok(())
    }
}

/// The table wrapped into maps, so that it stands at a dotted path.
fn at_path(path: &str, table: Map) -> Map {
    if path == "." {
        return table;
    }
    path.rsplit('.')
        .take(MAX_IMPORT_DEPTH)
        .fold(table, |inner, key| {
            let outer = Map::new();
            outer.insert(key, Val::Map(inner));
            outer
        })
}

/// Go's `%v` of what may stand in `child` and `parent`.
fn percent_v(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::Str(text) => text.clone(),
        Value::Bool(flag) => flag.to_string(),
        Value::Int(number) => crate::value::number::format_g(*number as f64),
        Value::Uint(number) => crate::value::number::format_g(*number as f64),
        Value::Float(number) => crate::value::number::format_g(*number),
        Value::Seq(_) | Value::Map(_) => value.to_json(),
    }
}

/// What templates see of an `import-values` entry: a `map[string]string` once
/// the values are imported.
pub fn import_value(value: &Value) -> Val {
    match value {
        Value::Map(map) => {
            let text = |v: &Value| Val::from(v.as_str().unwrap_or_default());
            let entries = map.iter().map(|(key, value)| (key.into(), text(value)));
            Val::Map(Map::of(Type::Str, entries.collect()))
        }
        other => Val::from_value(other, Numbers::Float64),
    }
}
