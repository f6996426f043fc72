//! `crds`: OpenAPI definitions whose extensions say which fields hold names,
//! labels and annotations.

use super::{Config, Referrers, merge_all};
use crate::kustomize::field_spec::FieldSpec;
use crate::object::Gvk;
use crate::value::Value;

/// How deep references between definitions are followed.
const MAX_DEPTH: usize = 32;

/// What the definitions of one file add.
pub fn of_crds(definitions: &Value) -> Result<Config, String> {
    let mut config = Config::default();
    let Some(map) = definitions.as_map() else {
        return Err("a mapping of definitions is expected".to_owned());
    };
    for (name, definition) in map.iter() {
        let Some(properties) = definition.at(&["Schema", "properties"]) else {
            continue;
        };
        if ["kind", "apiVersion", "metadata"]
            .iter()
            .any(|field| properties.get(field).is_none())
        {
            continue;
        }
        let kind = name.rsplit('.').next().unwrap_or(name);
        add(&mut config, definitions, name, kind, &mut Vec::new())?;
    }
    let mut sorted = Config::default();
    sorted.merge(config)?;
    Ok(sorted)
}

fn add(
    config: &mut Config,
    definitions: &Value,
    name: &str,
    kind: &str,
    path: &mut Vec<String>,
) -> Result<(), String> {
    if path.len() > MAX_DEPTH {
        return Err(format!(
            "definition {name} refers to itself, or is deeper than {MAX_DEPTH} levels"
        ));
    }
    let properties = definitions
        .get(name)
        .and_then(|d| d.at(&["Schema", "properties"]));
    let Some(properties) = properties.and_then(Value::as_map) else {
        return Ok(());
    };
    for (field, property) in properties.iter() {
        path.push(field.to_owned());
        let spec = |more: Option<&str>| {
            let mut steps = path.clone();
            steps.extend(more.map(str::to_owned));
            FieldSpec {
                gvk: Gvk::new("", "", kind),
                path: steps.join("/"),
                create: false,
            }
        };
        let extension = |name: &str| property.get(name).and_then(Value::as_str);
        if extension("x-kubernetes-annotation").is_some() {
            merge_all(&mut config.common_annotations, vec![spec(None)])?;
        }
        if extension("x-kubernetes-label-selector").is_some() {
            merge_all(&mut config.common_labels, vec![spec(None)])?;
        }
        if extension("x-kubernetes-identity").is_some() {
            merge_all(&mut config.name_prefix, vec![spec(None)])?;
        }
        let referred = (
            extension("x-kubernetes-object-ref-api-version"),
            extension("x-kubernetes-object-ref-kind"),
        );
        if let (Some(version), Some(kind)) = referred {
            let key = extension("x-kubernetes-object-ref-name-key").unwrap_or("name");
            let mut addition = Config::default();
            addition.name_reference.push(Referrers {
                target: Gvk::new("", version, kind),
                fields: vec![spec(Some(key))],
            });
            config.merge(addition)?;
        }
        if let Some(reference) = property.get("$ref").and_then(Value::as_str) {
            add(config, definitions, reference, kind, path)?;
        }
        path.pop();
    }
    Ok(())
}
