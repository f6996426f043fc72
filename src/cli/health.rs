//! `drupelet health`: how objects fare by the rule of their kind. Needs no
//! cluster: pipe `kubectl get -o yaml` into it.

use super::output;
use crate::agent::ArgocdCm;
use crate::health::{Health, verdict};
use crate::object::Object;
use crate::value::yaml;
use crate::value::{Map, Value};
use anyhow::Context;
use clap::{Args, ValueEnum};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Args)]
pub struct Arguments {
    /// File with objects in YAML or JSON, Lists too; - is stdin
    #[arg(short, long = "filename", value_name = "FILE", required = true)]
    filename: Vec<PathBuf>,
    /// ConfigMap argocd-cm whose health rules (Lua) count before the built-in ones
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
    /// How to print
    #[arg(short, long, value_enum, default_value = "table")]
    output: Output,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    Table,
    Json,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut objects = Vec::new();
    for file in &arguments.filename {
        read(file, &mut objects).with_context(|| file.display().to_string())?;
    }
    let config = match &arguments.settings {
        Some(file) => settings(file).with_context(|| file.display().to_string())?,
        None => ArgocdCm::default(),
    };
    match arguments.output {
        Output::Table => {
            let rows: Vec<_> = objects.iter().map(|object| row(object, &config)).collect();
            output::print(&output::table(&["OBJECT", "HEALTH", "MESSAGE"], &rows))?;
        }
        Output::Json => {
            let value = match objects.as_slice() {
                [object] => to_value(object, &config),
                objects => {
                    let values = objects.iter().map(|object| to_value(object, &config));
                    Value::Seq(values.collect())
                }
            };
            output::print_value(&value, output::Format::Json)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn read(file: &Path, objects: &mut Vec<Object>) -> anyhow::Result<()> {
    let mut bytes = Vec::new();
    if file.as_os_str() == "-" {
        std::io::stdin().read_to_end(&mut bytes)?;
    } else {
        bytes = std::fs::read(file)?;
    }
    for document in yaml::parse_stream(&yaml::decode(&bytes)?)? {
        let line = document.line;
        let mut value = document.value;
        let items = match value.as_map_mut() {
            Some(map) if matches!(map.get("items"), Some(Value::Seq(_))) => map.remove("items"),
            _ => None,
        };
        let values = match items {
            Some(Value::Seq(items)) => items,
            _ => vec![value],
        };
        for value in values {
            objects.push(Object::new(value).with_context(|| format!("line {line}"))?);
        }
    }
    Ok(())
}

/// The ConfigMap of a file; what of it cannot be read is told and not passed
/// over.
fn settings(file: &Path) -> anyhow::Result<ArgocdCm> {
    let mut objects = Vec::new();
    read(file, &mut objects)?;
    let [object] = objects.as_slice() else {
        anyhow::bail!("holds {} objects, not one ConfigMap", objects.len());
    };
    anyhow::ensure!(
        object.kind() == "ConfigMap",
        "holds a {}, not a ConfigMap",
        object.kind()
    );
    let config = ArgocdCm::read(object);
    anyhow::ensure!(config.faults.is_empty(), "{}", config.faults.join("\n"));
    Ok(config)
}

fn judge(object: &Object, config: &ArgocdCm) -> Option<Health> {
    let now = jiff::Timestamp::now().as_second();
    config
        .health
        .health(object, now)
        .or_else(|| verdict(object))
}

fn row(object: &Object, config: &ArgocdCm) -> Vec<String> {
    let object_name = object.key().to_string();
    match judge(object, config) {
        Some(health) => vec![object_name, health.status.to_string(), health.message],
        None => vec![
            object_name,
            "-".to_owned(),
            "its kind has no health".to_owned(),
        ],
    }
}

/// `{status, message}`, and which object it is of; null where the kind has
/// no health.
fn to_value(object: &Object, config: &ArgocdCm) -> Value {
    let key = object.key();
    let mut map = Map::from_iter([
        ("group", key.group),
        ("kind", key.kind),
        ("namespace", key.namespace),
        ("name", key.name),
    ]);
    let health = judge(object, config);
    let text = |text: Option<String>| text.map_or(Value::Null, Value::Str);
    map.insert(
        "status",
        text(health.as_ref().map(|h| h.status.to_string())),
    );
    map.insert("message", text(health.map(|h| h.message)));
    Value::Map(map)
}
