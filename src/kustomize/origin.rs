//! Where a resource comes from, for `buildMetadata: [originAnnotations,
//! transformerAnnotations]`.

use super::remote::Remote;
use super::res_map::ResMap;
use super::resource::{ORIGIN, Resource, TRANSFORMATIONS};
use crate::tree::clean;
use crate::value::{Value, yaml};

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Origin {
    path: String,
    repository: String,
    reference: String,
    configured_in: String,
    /// apiVersion, kind, name, namespace.
    configured_by: Vec<(&'static str, String)>,
}

impl Origin {
    /// The origin of what a path leads to from here.
    pub fn join(&self, path: &str) -> Origin {
        let mut joined = self.clone();
        match Remote::parse(path) {
            Some(remote) => {
                joined.path = match clean(&remote.path) {
                    // What kustomize calls the root of a clone.
                    root if root == "." => "notCloned".to_owned(),
                    below => below,
                };
                joined.repository = remote.url;
                joined.reference = remote.reference;
            }
            None => joined.path = clean(&format!("{}/{path}", self.path)),
        }
        joined
    }

    /// Of what a built-in field of a kustomization makes or changes.
    pub fn of_field(&self, file: &str, kind: &str) -> Origin {
        Origin {
            path: String::new(),
            repository: self.repository.clone(),
            reference: self.reference.clone(),
            configured_in: clean(&format!("{}/{file}", self.path)),
            configured_by: vec![
                ("apiVersion", "builtin".to_owned()),
                ("kind", kind.to_owned()),
            ],
        }
    }

    /// Of what a transformer or generator of its own file makes or changes.
    pub fn of_plugin(config: &Resource) -> Option<Origin> {
        let origin = yaml::parse_one(&config.annotation(ORIGIN)?).ok()?;
        let text = |key: &str| {
            origin
                .get(key)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let mut configured_by = vec![
            ("apiVersion", config.gvk().api_version()),
            ("kind", config.kind()),
            ("name", config.name()),
            ("namespace", config.namespace()),
        ];
        configured_by.retain(|(_, text)| !text.is_empty());
        Some(Origin {
            path: String::new(),
            repository: text("repo"),
            reference: text("ref"),
            configured_in: text("path"),
            configured_by,
        })
    }

    pub fn to_text(&self) -> String {
        let mut text = String::new();
        let fields = [
            ("path", &self.path),
            ("repo", &self.repository),
            ("ref", &self.reference),
            ("configuredIn", &self.configured_in),
        ];
        for (key, value) in fields.into_iter().filter(|(_, value)| !value.is_empty()) {
            text.push_str(&format!(
                "{key}: {}",
                yaml::emit(&Value::from(value.as_str()))
            ));
        }
        if !self.configured_by.is_empty() {
            text.push_str("configuredBy:\n");
            for (key, value) in &self.configured_by {
                text.push_str(&format!(
                    "  {key}: {}",
                    yaml::emit(&Value::from(value.as_str()))
                ));
            }
        }
        text
    }
}

/// Writes the origin where none is written yet.
pub fn mark(resources: &mut [Resource], origin: &Origin) {
    for resource in resources {
        if resource.annotation(ORIGIN).is_none() {
            resource.set_annotation(ORIGIN, &origin.to_text());
        }
    }
}

/// Notes a transformer on all resources; those without an origin are its own.
pub fn note_transformer(map: &mut ResMap, origin: &Origin) {
    for resource in &mut map.resources {
        if resource.annotation(ORIGIN).is_none() {
            resource.set_annotation(ORIGIN, &origin.to_text());
            continue;
        }
        let mut all = resource.annotation(TRANSFORMATIONS).unwrap_or_default();
        for (at, line) in origin.to_text().lines().enumerate() {
            let lead = if at == 0 { "- " } else { "  " };
            all.push_str(&format!("{lead}{line}\n"));
        }
        resource.set_annotation(TRANSFORMATIONS, &all);
    }
}
