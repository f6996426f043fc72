//! Tables: what `kubectl get` prints.
//!
//! Invariant: a printer reads one object and gives as many cells as its kind
//! has columns; it never fails.

mod cell;
mod jsonpath;

mod network;
mod plain;
mod storage;
mod workload;

mod printers;

use super::catalog::Resource;
use super::convert;
use super::crd;
use super::http::Include;
use super::store::Stored;
use crate::value::{Map, Value};
use cell::Row;

/// One column of a table.
pub struct Column {
    pub name: String,
    pub kind: String,
    pub format: String,
    pub description: String,
    pub priority: i64,
}

/// The `Table` of some objects.
pub fn of(resource: &Resource, objects: &[&Stored], include: Include, with_columns: bool) -> Value {
    let mut rows = Vec::with_capacity(objects.len());
    for stored in objects {
        let object = convert::from_store(resource, stored);
        let mut row = Map::new();
        // Printers read the form of the store.
        let cells = if convert::is_hub(resource) {
            cells(resource, &object)
        } else {
            cells(resource, &stored.to_value("", ""))
        };
        row.insert("cells", cells);
        match include {
            Include::None => {}
            Include::Object => {
                row.insert("object", object);
            }
            Include::Metadata => {
                let mut partial = Map::new();
                partial.insert("kind", "PartialObjectMetadata");
                partial.insert("apiVersion", "meta.k8s.io/v1");
                partial.insert(
                    "metadata",
                    object.get("metadata").cloned().unwrap_or_default(),
                );
                row.insert("object", partial);
            }
        }
        rows.push(Value::Map(row));
    }
    let mut metadata = Map::new();
    if let [one] = objects {
        metadata.insert("resourceVersion", one.resource_version.to_string());
    }
    let mut table = Map::new();
    table.insert("kind", "Table");
    table.insert("apiVersion", "meta.k8s.io/v1");
    table.insert("metadata", metadata);
    let columns = if with_columns {
        Value::Seq(columns(resource).iter().map(Column::to_value).collect())
    } else {
        Value::Null
    };
    table.insert("columnDefinitions", columns);
    table.insert("rows", rows);
    Value::Map(table)
}

impl Column {
    fn to_value(&self) -> Value {
        let mut map = Map::new();
        map.insert("name", self.name.as_str());
        map.insert("type", self.kind.as_str());
        map.insert("format", self.format.as_str());
        map.insert("description", self.description.as_str());
        map.insert("priority", self.priority);
        Value::Map(map)
    }
}

fn column(name: &str, kind: &str, format: &str, description: &str) -> Column {
    Column {
        name: name.to_owned(),
        kind: kind.to_owned(),
        format: format.to_owned(),
        description: description.to_owned(),
        priority: 0,
    }
}

fn columns(resource: &Resource) -> Vec<Column> {
    let name = || column("Name", "string", "name", NAME);
    if let Some(custom) = &resource.custom {
        if custom.columns.is_empty() {
            return vec![name(), column("Age", "date", "", AGE)];
        }
        return std::iter::once(name())
            .chain(custom.columns.iter().map(|own| Column {
                name: own.name.clone(),
                kind: own.kind.clone(),
                format: own.format.clone(),
                description: own.description.clone(),
                priority: own.priority,
            }))
            .collect();
    }
    if &*resource.shelf == EVENTS {
        return printers::EVENT_COLUMNS
            .iter()
            .map(|(title, kind, priority)| Column {
                priority: *priority,
                format: if *title == "Name" { "name" } else { "" }.to_owned(),
                ..column(title, kind, "", "")
            })
            .collect();
    }
    let Some(printer) = printers::of(&resource.shelf) else {
        return vec![name(), column("Created At", "date", "", AGE)];
    };
    let plain = printer.columns.iter().map(|own| (own, 0));
    let wide = printer.wide.iter().map(|own| (own, 1));
    plain
        .chain(wide)
        .map(|((title, kind), priority)| match *title {
            "Name" => name(),
            "Age" | "Created At" => column(title, kind, "", AGE),
            _ => Column {
                priority,
                ..column(title, kind, "", "")
            },
        })
        .collect()
}

const EVENTS: &str = "/events";
const NAME: &str = "Name must be unique within a namespace.";
const AGE: &str =
    "CreationTimestamp is a timestamp representing the server time when this object was created.";

fn cells(resource: &Resource, object: &Value) -> Vec<Value> {
    let row = Row(object);
    if let Some(custom) = &resource.custom {
        if custom.columns.is_empty() {
            return vec![row.name(), row.age()];
        }
        return std::iter::once(row.name())
            .chain(custom.columns.iter().map(|own| custom_cell(own, object)))
            .collect();
    }
    if &*resource.shelf == EVENTS {
        return plain::event(row);
    }
    match printers::of(&resource.shelf) {
        Some(printer) => (printer.cells)(row),
        None => plain::created(row),
    }
}

/// A cell of an additionalPrinterColumn.
fn custom_cell(column: &crd::Column, object: &Value) -> Value {
    let found = jsonpath::find(&column.path, object);
    let Some(first) = found.first() else {
        return Value::Null;
    };
    match column.kind.as_str() {
        "date" => Value::from(since(first.as_str().unwrap_or_default())),
        "integer" => first.as_i64().map_or(Value::Null, Value::Int),
        "number" => match first {
            Value::Int(_) | Value::Float(_) => (*first).clone(),
            _ => Value::Null,
        },
        "boolean" => first.as_bool().map_or(Value::Null, Value::Bool),
        _ if found.len() > 1 => {
            let texts: Vec<String> = found.iter().map(|value| printed(value)).collect();
            Value::from(texts.join(","))
        }
        _ => Value::from(printed(first)),
    }
}

fn printed(value: &Value) -> String {
    match value {
        Value::Str(text) => text.clone(),
        other => other.to_json(),
    }
}

/// The time since an RFC 3339 timestamp, as kubectl shows ages.
pub fn since(text: &str) -> String {
    match text.parse::<jiff::Timestamp>() {
        Ok(time) => human_duration(jiff::Timestamp::now().duration_since(time).as_secs()),
        Err(_) => "<unknown>".to_owned(),
    }
}

/// apimachinery's `duration.HumanDuration`.
pub fn human_duration(seconds: i64) -> String {
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    let with_rest = |whole: i64, unit: &str, rest: i64, rest_unit: &str| {
        if rest == 0 {
            format!("{whole}{unit}")
        } else {
            format!("{whole}{unit}{rest}{rest_unit}")
        }
    };
    match seconds {
        ..-1 => "<invalid>".to_owned(),
        -1..=0 => "0s".to_owned(),
        1..120 => format!("{seconds}s"),
        120..600 => with_rest(minutes, "m", seconds % 60, "s"),
        600..10800 => format!("{minutes}m"),
        10800..28800 => with_rest(hours, "h", minutes % 60, "m"),
        28800..172_800 => format!("{hours}h"),
        172_800..691_200 => with_rest(hours / 24, "d", hours % 24, "h"),
        691_200..63_072_000 => format!("{}d", hours / 24),
        63_072_000..252_288_000 => with_rest(hours / 24 / 365, "y", (hours / 24) % 365, "d"),
        _ => format!("{}y", hours / 24 / 365),
    }
}

#[cfg(test)]
mod tests {
    use super::human_duration;

    #[test]
    fn shortens_ages_as_kubectl_does() {
        // Read off k8s.io/apimachinery/pkg/util/duration's own test table.
        for (seconds, expected) in [
            (1, "1s"),
            (70, "70s"),
            (190, "3m10s"),
            (40 * 60, "40m"),
            (179 * 60, "179m"),
            (10 * 3600, "10h"),
            (47 * 3600, "47h"),
            (49 * 3600, "2d1h"),
            (8 * 86400 - 1, "7d23h"),
            (30 * 86400, "30d"),
            (8 * 365 * 86400, "8y"),
        ] {
            assert_eq!(human_duration(seconds), expected);
        }
    }
}
