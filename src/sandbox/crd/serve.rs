use super::{Column, Custom, ScalePaths};
use crate::sandbox::catalog::{Resource, Subresource};
use crate::sandbox::cluster::Cluster;
use crate::sandbox::schema::Schema;
use crate::sandbox::store::Stored;
use crate::value::Value;
use std::cell::OnceCell;
use std::rc::Rc;

/// Where the definitions lie.
pub const SHELF: &str = "apiextensions.k8s.io/customresourcedefinitions";

const VERBS: [&str; 8] = [
    "delete",
    "deletecollection",
    "get",
    "list",
    "patch",
    "create",
    "update",
    "watch",
];
const SUBRESOURCE_VERBS: [&str; 3] = ["get", "patch", "update"];

/// The names of a definition, as it wants them or as it got them.
#[derive(Default)]
pub struct Names {
    pub plural: String,
    pub singular: String,
    pub short: Vec<String>,
    pub kind: String,
    pub list: String,
    pub categories: Vec<String>,
}

impl Names {
    /// All names of the resource, which share one space.
    pub fn resources(&self) -> impl Iterator<Item = &str> {
        [self.plural.as_str(), self.singular.as_str()]
            .into_iter()
            .chain(self.short.iter().map(String::as_str))
            .filter(|name| !name.is_empty())
    }

    /// The reason of a conflict over one of them.
    pub fn word(&self, name: &str) -> (&'static str, &'static str) {
        if name == self.plural {
            ("PluralConflict", "")
        } else if name == self.singular {
            ("SingularConflict", "")
        } else {
            ("ShortNamesConflict", "")
        }
    }
}

pub fn kinds_of(names: Option<&Value>) -> Names {
    let text = |key: &str| {
        names
            .and_then(|n| n.get(key))
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let list = |key: &str| {
        names
            .and_then(|n| n.get(key))
            .and_then(Value::as_seq)
            .unwrap_or_default()
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect()
    };
    Names {
        plural: text("plural"),
        singular: text("singular"),
        short: list("shortNames"),
        kind: text("kind"),
        list: text("listKind"),
        categories: list("categories"),
    }
}

fn text<'a>(value: &'a Value, path: &[&str]) -> &'a str {
    value.at(path).and_then(Value::as_str).unwrap_or_default()
}

/// True once the definition's condition says so.
fn is_established(definition: &Value) -> bool {
    definition
        .at(&["status", "conditions"])
        .and_then(Value::as_seq)
        .unwrap_or_default()
        .iter()
        .any(|c| text(c, &["type"]) == "Established" && text(c, &["status"]) == "True")
}

/// Brings the catalog to what a definition says.
pub fn refresh(cluster: &mut Cluster, stored: &Rc<Stored>) {
    let definition = stored.to_value("apiextensions.k8s.io/v1", "CustomResourceDefinition");
    let group = text(&definition, &["spec", "group"]).to_owned();
    let names = kinds_of(definition.at(&["status", "acceptedNames"]));
    if !is_established(&definition) || names.plural.is_empty() {
        return;
    }
    // A definition of which only the status moved changes nothing.
    let unchanged = cluster.catalog.all().any(|resource| {
        resource.custom.as_ref().is_some_and(|custom| {
            *custom.definition.uid == *stored.uid
                && generation(&custom.definition) == generation(stored)
        })
    });
    if unchanged {
        return;
    }
    cluster.catalog.remove(&group, &names.plural);
    let versions = definition.at(&["spec", "versions"]).and_then(Value::as_seq);
    for version in versions.unwrap_or_default() {
        if version.get("served").and_then(Value::as_bool) == Some(true) {
            let resource = resource(stored, &definition, &group, &names, version);
            cluster.catalog.add(resource);
        }
    }
}

fn generation(stored: &Stored) -> i64 {
    stored
        .to_value("", "")
        .at(&["metadata", "generation"])
        .and_then(Value::as_i64)
        .unwrap_or(0)
}

/// Takes the resources of a removed definition out.
pub fn withdraw(cluster: &mut Cluster, stored: &Stored) {
    if let Some((plural, group)) = stored.name.split_once('.') {
        cluster.catalog.remove(group, plural);
    }
}

fn resource(
    stored: &Rc<Stored>,
    definition: &Value,
    group: &str,
    names: &Names,
    version: &Value,
) -> Resource {
    let name = text(version, &["name"]).to_owned();
    let mut subresources = Vec::new();
    let has_status = version.at(&["subresources", "status"]).is_some();
    let strings = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
    if has_status {
        subresources.push(Subresource {
            name: "status".to_owned(),
            group: group.to_owned(),
            version: name.clone(),
            kind: names.kind.clone(),
            verbs: strings(&SUBRESOURCE_VERBS),
        });
    }
    let scale = version.at(&["subresources", "scale"]).map(|scale| {
        subresources.push(Subresource {
            name: "scale".to_owned(),
            group: "autoscaling".to_owned(),
            version: "v1".to_owned(),
            kind: "Scale".to_owned(),
            verbs: strings(&SUBRESOURCE_VERBS),
        });
        let path = |key: &str| text(scale, &[key]).to_owned();
        ScalePaths {
            spec: path("specReplicasPath"),
            status: path("statusReplicasPath"),
            selector: Some(path("labelSelectorPath")).filter(|path| !path.is_empty()),
        }
    });
    let selectable = version
        .get("selectableFields")
        .and_then(Value::as_seq)
        .unwrap_or_default()
        .iter()
        .map(|field| {
            text(field, &["jsonPath"])
                .trim_start_matches('.')
                .to_owned()
        })
        .collect();
    Resource {
        group: group.to_owned(),
        version: name.clone(),
        kind: names.kind.clone(),
        plural: names.plural.clone(),
        singular: names.singular.clone(),
        short_names: names.short.clone(),
        categories: names.categories.clone(),
        namespaced: text(definition, &["spec", "scope"]) == "Namespaced",
        verbs: strings(&VERBS),
        subresources,
        shelf: format!("{group}/{}", names.plural).into(),
        fields: Schema::untyped(),
        review: None,
        selectable,
        custom: Some(Rc::new(Custom {
            definition: stored.clone(),
            version: name,
            columns: columns(version),
            scale,
            preserves_unknown: definition
                .at(&["spec", "preserveUnknownFields"])
                .and_then(Value::as_bool)
                == Some(true),
            compiled: OnceCell::new(),
        })),
    }
}

fn columns(version: &Value) -> Vec<Column> {
    version
        .get("additionalPrinterColumns")
        .and_then(Value::as_seq)
        .unwrap_or_default()
        .iter()
        .map(|column| Column {
            name: text(column, &["name"]).to_owned(),
            kind: text(column, &["type"]).to_owned(),
            format: text(column, &["format"]).to_owned(),
            description: text(column, &["description"]).to_owned(),
            priority: column.get("priority").and_then(Value::as_i64).unwrap_or(0),
            path: text(column, &["jsonPath"]).to_owned(),
        })
        .collect()
}
