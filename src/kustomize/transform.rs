//! The built-in transformers, but for patches, references and replacements.

use super::field_spec::{Create, FieldSpec, check_scalar, set_entry, set_scalar};
use super::id::{gvk_words, is_selected};
use super::kustomization::{Image, Replica};
use super::res_map::ResMap;
use super::resource::{HELM_GENERATED, Resource, scalar, scalar_text};
use super::schema::Schema;
use crate::object::Gvk;
use crate::value::{Map, Value};
use regex::Regex;
use std::collections::{BTreeMap, HashMap};

/// Which subjects of role bindings get the namespace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Subjects {
    #[default]
    NamedDefault,
    ServiceAccounts,
    Nobody,
}

impl Subjects {
    pub fn parse(text: &str) -> Result<Self, String> {
        match text {
            "" | "defaultOnly" => Ok(Subjects::NamedDefault),
            "allServiceAccounts" => Ok(Subjects::ServiceAccounts),
            "none" => Ok(Subjects::Nobody),
            _ => Err(format!(
                "invalid value {text:?} for setRoleBindingSubjects: must be one of \"defaultOnly\", \"none\" or \"allServiceAccounts\""
            )),
        }
    }
}

fn about(resource: &Resource, schema: &Schema, cause: &str) -> String {
    format!("{}{} {cause}", resource.id(schema), resource.place())
}

pub struct Namespace<'a> {
    pub namespace: &'a str,
    pub specs: &'a [FieldSpec],
    pub unset_only: bool,
    pub subjects: Subjects,
}

impl Namespace<'_> {
    pub fn apply(&self, map: &mut ResMap, schema: &Schema) -> Result<(), String> {
        for resource in &mut map.resources {
            if resource.annotation(HELM_GENERATED).as_deref() == Some("true") {
                continue;
            }
            resource.store_previous_id(schema);
            self.one(resource, schema).map_err(|cause| {
                about(
                    resource,
                    schema,
                    &format!("namespace transformation failed: {cause}"),
                )
            })?;
        }
        let mut seen = HashMap::new();
        for resource in &map.resources {
            let id = resource.id(schema);
            let namespace = id.effective_namespace().to_owned();
            let key = (id.gvk.clone(), id.name.clone(), namespace);
            if let Some(first) = seen.insert(key, resource) {
                return Err(format!(
                    "namespace transformation produces ID conflict: {id}{} becomes what {}{} is",
                    resource.place(),
                    first.original_id(schema),
                    first.place()
                ));
            }
        }
        Ok(())
    }

    fn one(&self, resource: &mut Resource, schema: &Schema) -> Result<(), String> {
        let gvk = resource.gvk();
        let is_binding = |kind: &str| matches!(kind, "RoleBinding" | "ClusterRoleBinding");
        let mut set = |value: &mut Value| self.set(value);
        if schema.is_namespaced(&gvk) != Some(false) {
            let spec = FieldSpec::new("metadata/namespace", true);
            spec.visit_all(&mut resource.value, Create::Scalar, &mut set)?;
        }
        if is_binding(&gvk.kind) {
            self.subjects(&mut resource.value)?;
        }
        for spec in self.specs {
            let is_done = spec.path == "metadata/namespace"
                || (spec.path == "metadata/name" && gvk.api_version() != "v1")
                || (is_binding(&gvk.kind)
                    && is_binding(&spec.gvk.kind)
                    && spec.path == "subjects/namespace");
            if !is_done {
                spec.visit(&mut resource.value, Create::Scalar, &mut set)?;
            }
        }
        Ok(())
    }

    fn set(&self, value: &mut Value) -> Result<(), String> {
        check_scalar(value)?;
        if !self.unset_only || scalar_text(value).is_empty() {
            *value = Value::from(self.namespace);
        }
        Ok(())
    }

    fn subjects(&self, object: &mut Value) -> Result<(), String> {
        let Some(Value::Seq(subjects)) =
            object.as_map_mut().and_then(|map| map.get_mut("subjects"))
        else {
            return Ok(());
        };
        for subject in subjects {
            let Value::Map(subject) = subject else {
                return Err(
                    "setting namespace on (cluster)role binding subjects: a subject is no mapping"
                        .to_owned(),
                );
            };
            let is = |key: &str, text: &str| subject.get(key).and_then(Value::as_str) == Some(text);
            let wanted = match self.subjects {
                Subjects::NamedDefault => is("name", "default"),
                Subjects::ServiceAccounts => is("kind", "ServiceAccount"),
                Subjects::Nobody => false,
            };
            if wanted {
                self.set(subject.entry("namespace", || Value::Str(String::new())))?;
            }
        }
        Ok(())
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Affix {
    Prefix,
    Suffix,
}

/// Puts a text in front of or behind names.
pub fn affix(
    map: &mut ResMap,
    schema: &Schema,
    which: Affix,
    text: &str,
    specs: &[FieldSpec],
) -> Result<(), String> {
    let skipped = [
        Gvk::new("", "", "CustomResourceDefinition"),
        Gvk::new("apiregistration.k8s.io", "", "APIService"),
        Gvk::new("", "", "Namespace"),
    ];
    for resource in &mut map.resources {
        let original = resource.original_id(schema);
        if skipped.iter().any(|gvk| is_selected(&original.gvk, gvk)) {
            continue;
        }
        for spec in specs {
            if !is_selected(&original.gvk, &spec.gvk) {
                continue;
            }
            if spec.path == "metadata/name" {
                match which {
                    Affix::Prefix => resource.add_prefix(text),
                    Affix::Suffix => resource.add_suffix(text),
                }
                if !text.is_empty() {
                    resource.store_previous_id(schema);
                }
            }
            let result = spec.visit(&mut resource.value, Create::Scalar, &mut |value| {
                let name = scalar_text(value);
                let named = match which {
                    Affix::Prefix => format!("{text}{name}"),
                    Affix::Suffix => format!("{name}{text}"),
                };
                set_scalar(value, &named)
            });
            result.map_err(|cause| about(resource, schema, &cause))?;
        }
    }
    Ok(())
}

/// Sets entries of maps: labels, annotations.
pub fn entries(
    map: &mut ResMap,
    schema: &Schema,
    texts: &BTreeMap<String, String>,
    specs: &[FieldSpec],
) -> Result<(), String> {
    if texts.is_empty() {
        return Ok(());
    }
    for resource in &mut map.resources {
        for spec in specs {
            let result = spec.visit(&mut resource.value, Create::Map, &mut |value| {
                texts
                    .iter()
                    .try_for_each(|(key, text)| set_entry(value, key, text))
            });
            result.map_err(|cause| about(resource, schema, &cause))?;
        }
    }
    Ok(())
}

pub fn replicas(
    map: &mut ResMap,
    schema: &Schema,
    replica: &Replica,
    specs: &[FieldSpec],
) -> Result<(), String> {
    let mut found = false;
    for spec in specs {
        let is_meant =
            |id: &super::id::ResId| id.name == replica.name && is_selected(&id.gvk, &spec.gvk);
        for at in map.matching_any_id(schema, is_meant) {
            found = true;
            let resource = &mut map.resources[at];
            let result = spec.visit(&mut resource.value, Create::Scalar, &mut |value| {
                check_scalar(value)?;
                *value = Value::Int(replica.count);
                Ok(())
            });
            result.map_err(|cause| about(resource, schema, &cause))?;
        }
    }
    if found {
        return Ok(());
    }
    let kinds: Vec<String> = specs.iter().map(|spec| gvk_words(&spec.gvk)).collect();
    Err(format!(
        "resource with name {} does not match a config with the following GVK [{}]",
        replica.name,
        kinds.join(" ")
    ))
}

/// Replaces images in containers, wherever those stand, and by field specs.
pub fn images(
    map: &mut ResMap,
    schema: &Schema,
    image: &Image,
    specs: &[FieldSpec],
) -> Result<(), String> {
    let Some(pattern) = ImageName::new(&image.name) else {
        return Ok(());
    };
    for resource in &mut map.resources {
        if resource.kind() == "CustomResourceDefinition" {
            continue;
        }
        let mut set = |value: &mut Value| set_image(value, image, &pattern);
        let result = in_containers(&mut resource.value, &mut set).and_then(|()| {
            specs
                .iter()
                .try_for_each(|spec| spec.visit(&mut resource.value, Create::Never, &mut set))
        });
        result.map_err(|cause| about(resource, schema, &cause))?;
    }
    Ok(())
}

type Set<'a> = dyn FnMut(&mut Value) -> Result<(), String> + 'a;

fn in_containers(value: &mut Value, set: &mut Set<'_>) -> Result<(), String> {
    match value {
        Value::Map(map) => {
            for (key, value) in map.iter_mut() {
                in_containers(value, set)?;
                if !matches!(key, "containers" | "initContainers") {
                    continue;
                }
                for item in value.as_seq_mut().into_iter().flatten() {
                    match item {
                        Value::Map(container) => {
                            container.get_mut("image").map_or(Ok(()), &mut *set)?
                        }
                        Value::Null => {}
                        other => {
                            return Err(format!(
                                "{key}: wrong node kind: expected MappingNode but got a {}",
                                other.kind()
                            ));
                        }
                    }
                }
            }
            Ok(())
        }
        Value::Seq(items) => items
            .iter_mut()
            .try_for_each(|item| in_containers(item, set)),
        _ => Ok(()),
    }
}

/// The name of an image to replace: a pattern, with a tag and a digest behind.
enum ImageName {
    /// Without operators but for the dot; most are, and compile to nothing.
    Plain(String),
    Pattern(Regex),
}

impl ImageName {
    /// A name that is no pattern matches nothing, as in kustomize.
    fn new(name: &str) -> Option<Self> {
        const REST: &str =
            "(:[a-zA-Z0-9_.{}-]*)?(@[a-zA-Z0-9]+([.+_-][a-zA-Z0-9]+)*:[a-zA-Z0-9_.{}-]*)?$";
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "./:_-".contains(c);
        if name.chars().all(is_plain) {
            return Some(ImageName::Plain(name.to_owned()));
        }
        let pattern = Regex::new(&format!("^{name}{REST}"));
        pattern.ok().map(ImageName::Pattern)
    }

    fn matches(&self, text: &str) -> bool {
        match self {
            ImageName::Pattern(pattern) => pattern.is_match(text),
            ImageName::Plain(name) => {
                let mut rest = text.chars();
                let mut name = name.chars();
                name.all(|wanted| match rest.next() {
                    Some(c) => c == wanted || (wanted == '.' && c != '\n'),
                    None => false,
                }) && is_tag_and_digest(rest.as_str())
            }
        }
    }
}

fn is_tag_and_digest(text: &str) -> bool {
    let of_tag = |c: char| c.is_ascii_alphanumeric() || "_.{}-".contains(c);
    let rest = match text.strip_prefix(':') {
        Some(tagged) => tagged.trim_start_matches(of_tag),
        None => text,
    };
    if rest.is_empty() {
        return true;
    }
    let Some((algorithm, digest)) = rest.strip_prefix('@').and_then(|d| d.split_once(':')) else {
        return false;
    };
    let is_word = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric());
    algorithm.split(['.', '+', '_', '-']).all(is_word) && digest.chars().all(of_tag)
}

fn set_image(value: &mut Value, image: &Image, pattern: &ImageName) -> Result<(), String> {
    check_scalar(value)?;
    let text = scalar(value);
    if !pattern.matches(&text) {
        return Ok(());
    }
    let (name, mut tag, mut digest) = split_image(&text);
    let mut name = if image.new_name.is_empty() {
        name
    } else {
        image.new_name.clone()
    };
    if !image.new_tag.is_empty() || !image.digest.is_empty() {
        tag.clone_from(&image.new_tag);
        digest.clone_from(&image.digest);
    } else if !image.tag_suffix.is_empty() {
        tag.push_str(&image.tag_suffix);
        digest.clear();
    }
    if !tag.is_empty() {
        name = format!("{name}:{tag}");
    }
    if !digest.is_empty() {
        name = format!("{name}@{digest}");
    }
    set_scalar(value, &name)
}

/// Name, tag and digest; a colon in front of the first slash is a port.
pub fn split_image(text: &str) -> (String, String, String) {
    let start = text.find('/').unwrap_or(0);
    let search = &text[start..];
    let (named, digest) = match search.find('@') {
        Some(at) => (&text[..start + at], &text[start + at + 1..]),
        None => (text, ""),
    };
    let (name, tag) = match named[start.min(named.len())..].find(':') {
        Some(at) => (&named[..start + at], &named[start + at + 1..]),
        None => (named, ""),
    };
    (name.to_owned(), tag.to_owned(), digest.to_owned())
}

/// Sorts by kind, as the older kustomize did.
pub fn sort(map: &mut ResMap, schema: &Schema, first: &[String], last: &[String]) {
    let order = |kind: &str| {
        // The last of equal names counts.
        if let Some(at) = last.iter().rposition(|name| name == kind) {
            return 1 + at as i64;
        }
        match first.iter().rposition(|name| name == kind) {
            Some(at) => at as i64 - first.len() as i64,
            None => 0,
        }
    };
    let or = |text: &str, none: &str| if text.is_empty() { none } else { text }.to_owned();
    let mut keyed: Vec<_> = std::mem::take(&mut map.resources)
        .into_iter()
        .map(|resource| {
            let id = resource.id(schema);
            let key = (
                order(&id.gvk.kind),
                super::config::sort_text(&id.gvk),
                format!(
                    "{}|{}|{}",
                    gvk_words(&id.gvk),
                    or(&id.namespace, "~X"),
                    or(&id.name, "~N")
                ),
            );
            (key, resource)
        })
        .collect();
    keyed.sort_by(|(a, _), (b, _)| a.cmp(b));
    map.resources = keyed.into_iter().map(|(_, resource)| resource).collect();
}

/// The label of `managedByLabel`.
pub fn managed_by(map: &mut ResMap) {
    for resource in &mut map.resources {
        if let Value::Map(root) = &mut resource.value {
            let labels: &mut Map = root.entry_map("metadata").entry_map("labels");
            labels.insert(
                "app.kubernetes.io/managed-by",
                format!("kustomize-{}", super::VERSION),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_names_match_what_their_patterns_do() {
        let names = ["nginx", "r.lan/a_b-c", "h:5000/a", "a.c", ""];
        let mut texts = Vec::new();
        for name in [
            "nginx",
            "nginx2",
            "r.lan/a_b-c",
            "h:5000/a",
            "axc",
            "a\nc",
            "",
            "é",
        ] {
            for rest in [
                "",
                ":",
                ":1.2_3-x",
                ":{{ x }}",
                ":a:b",
                "@sha256:00",
                ":1@sha256:00",
                "@:0",
                "@sha.256:0",
                "@sha..256:0",
                "@sha256",
                ":1@a+b:",
                ":1@a:b:c",
                "/x",
                "\n",
                ":1\n",
            ] {
                texts.push(format!("{name}{rest}"));
            }
        }
        for name in names {
            let plain = ImageName::new(name).expect("it is a name");
            assert!(matches!(plain, ImageName::Plain(_)));
            // Parentheses make a pattern of it.
            let pattern = ImageName::new(&format!("({name})")).expect("it is a pattern");
            for text in &texts {
                assert_eq!(
                    plain.matches(text),
                    pattern.matches(text),
                    "{name} {text:?}"
                );
            }
        }
    }

    #[test]
    fn images_are_taken_apart() {
        let check = |text: &str, name: &str, tag: &str, digest: &str| {
            assert_eq!(
                split_image(text),
                (name.into(), tag.into(), digest.into()),
                "{text}"
            );
        };
        check("nginx", "nginx", "", "");
        check("nginx:1", "nginx", "1", "");
        check("host:5000/a/b", "host:5000/a/b", "", "");
        check(
            "host:5000/a/b:1@sha256:00",
            "host:5000/a/b",
            "1",
            "sha256:00",
        );
        check("nginx@sha256:00", "nginx", "", "sha256:00");
        check("", "", "", "");
        check("@", "", "", "");
    }
}
