//! ConfigMaps and Secrets from files, literals and env files.

use super::BuildError;
use super::kustomization::{Generator, GeneratorOptions};
use super::loader::Loader;
use super::res_map::base64;
use super::resource::{Behavior, Resource, scalar_text};
use crate::value::yaml::Step;
use crate::value::{Map, Value};
use sha2::{Digest, Sha256};

/// How long a line of base64 is that a Secret gets.
const BASE64_LINE: usize = 70;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    ConfigMap,
    Secret,
}

/// The options of one generator, and those of all.
pub fn merged_options(
    own: Option<&GeneratorOptions>,
    global: Option<&GeneratorOptions>,
) -> GeneratorOptions {
    let mut merged = own.cloned().unwrap_or_default();
    if let Some(global) = global {
        for (key, text) in &global.labels {
            merged
                .labels
                .entry(key.clone())
                .or_insert_with(|| text.clone());
        }
        for (key, text) in &global.annotations {
            merged
                .annotations
                .entry(key.clone())
                .or_insert_with(|| text.clone());
        }
        merged.disable_name_suffix_hash |= global.disable_name_suffix_hash;
        merged.immutable |= global.immutable;
    }
    merged
}

/// What of a generator is wrong.
pub struct Fault {
    /// The way to it, from the generator.
    pub steps: Vec<Step>,
    pub error: BuildError,
}

impl Fault {
    fn of(steps: &[Step], error: BuildError) -> Self {
        Fault {
            steps: steps.to_vec(),
            error,
        }
    }
}

pub fn generate(
    loader: &Loader<'_>,
    kind: Kind,
    arguments: &Generator,
    options: &GeneratorOptions,
) -> Result<Resource, Fault> {
    if arguments.name.is_empty() {
        let error = BuildError::wrong("a configmap must have a name");
        return Err(Fault::of(&[], error));
    }
    if kind == Kind::ConfigMap && !arguments.kind.is_empty() {
        let words = format!("{:?}: unknown field \"type\"", arguments.name);
        return Err(Fault::of(&["type".into()], BuildError::wrong(words)));
    }
    let mut root = Map::new();
    root.insert("apiVersion", "v1");
    let mut metadata = Map::new();
    metadata.insert("name", arguments.name.as_str());
    if !arguments.namespace.is_empty() {
        metadata.insert("namespace", arguments.namespace.as_str());
    }
    for (field, texts) in [
        ("labels", &options.labels),
        ("annotations", &options.annotations),
    ] {
        if !texts.is_empty() {
            metadata.insert(
                field,
                texts
                    .iter()
                    .map(|(k, v)| (k.as_str(), v.as_str()))
                    .collect::<Map>(),
            );
        }
    }
    root.insert("metadata", metadata);
    let pairs = pairs(loader, arguments).map_err(|fault| Fault {
        error: fault.error.at(&format!("{:?}", arguments.name)),
        ..fault
    })?;
    match kind {
        Kind::ConfigMap => {
            root.insert("kind", "ConfigMap");
            for (key, bytes) in pairs {
                match String::from_utf8(bytes) {
                    Ok(text) => root.entry_map("data").insert(key, text),
                    Err(error) => {
                        let text = base64_lines(error.as_bytes());
                        root.entry_map("binaryData").insert(key, text)
                    }
                };
            }
        }
        Kind::Secret => {
            root.insert("kind", "Secret");
            let of = if arguments.kind.is_empty() {
                "Opaque"
            } else {
                &arguments.kind
            };
            root.insert("type", of);
            let data = root.entry_map("data");
            for (key, bytes) in pairs {
                data.insert(key, base64_lines(&bytes));
            }
        }
    }
    if options.immutable {
        root.insert("immutable", true);
    }
    let mut resource = Resource::new(Value::Map(root));
    resource.set_generated(
        !options.disable_name_suffix_hash,
        Behavior::of(&arguments.behavior),
    );
    Ok(resource)
}

fn pairs(loader: &Loader<'_>, arguments: &Generator) -> Result<Vec<(String, Vec<u8>)>, Fault> {
    let in_entry = |field: &'static str, at: usize| {
        move |error: BuildError| Fault::of(&[field.into(), at.into()], error)
    };
    let mut pairs: Vec<(String, Vec<u8>)> = Vec::new();
    for (at, path) in arguments.envs.iter().enumerate() {
        let text = loader.text(path).map_err(in_entry("envs", at))?;
        let lines = text.as_str().lines().enumerate().map(|(at, line)| {
            let line = if at == 0 {
                line.trim_start_matches('\u{feff}')
            } else {
                line
            };
            line.trim_start()
        });
        for line in lines.filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (key, text) = line.split_once('=').unwrap_or((line, ""));
            pairs.push((key.to_owned(), text.into()));
        }
    }
    for (at, literal) in arguments.literals.iter().enumerate() {
        let pair = literal.split_once('=').filter(|(key, _)| !key.is_empty());
        let (key, text) = pair
            .ok_or_else(|| {
                BuildError::wrong(format!(
                    "invalid literal source {literal}, expected key=value"
                ))
            })
            .map_err(in_entry("literals", at))?;
        pairs.push((key.to_owned(), without_quotes(text).into()));
    }
    for (at, source) in arguments.files.iter().enumerate() {
        let (key, path) = file_source(source).map_err(in_entry("files", at))?;
        let bytes = loader.read(path).map_err(in_entry("files", at))?;
        pairs.push((key.to_owned(), bytes));
    }
    let mut seen = std::collections::HashSet::new();
    for (key, _) in &pairs {
        if !seen.insert(key.as_str()) {
            let words = format!("illegally repeats the key `{key}`");
            return Err(Fault::of(&[], BuildError::wrong(words)));
        }
    }
    pairs.retain(|(key, _)| !key.is_empty());
    Ok(pairs)
}

fn file_source(source: &str) -> Result<(&str, &str), BuildError> {
    match source.split_once('=') {
        None => Ok((source.rsplit('/').next().unwrap_or(source), source)),
        Some((_, path)) if path.contains('=') => Err(BuildError::wrong(format!(
            "source {source:?} key name or file path contains '='"
        ))),
        Some(("", path)) => Err(BuildError::wrong(format!(
            "missing key name for file path {path:?} in source {source:?}"
        ))),
        Some((key, "")) => Err(BuildError::wrong(format!(
            "missing file path for key name {key:?} in source {source:?}"
        ))),
        Some((key, path)) => Ok((key, path)),
    }
}

fn without_quotes(text: &str) -> &str {
    for quote in ['"', '\''] {
        if text.len() >= 2
            && let Some(inner) = text
                .strip_prefix(quote)
                .and_then(|rest| rest.strip_suffix(quote))
        {
            return inner;
        }
    }
    text
}

/// Base64 in lines, where it is longer than one.
pub fn base64_lines(bytes: &[u8]) -> String {
    let encoded = base64(bytes);
    if encoded.len() < BASE64_LINE {
        return encoded;
    }
    let mut lines = String::with_capacity(encoded.len() + encoded.len() / BASE64_LINE + 1);
    for at in (0..encoded.len()).step_by(BASE64_LINE) {
        lines.push_str(&encoded[at..encoded.len().min(at + BASE64_LINE)]);
        lines.push('\n');
    }
    lines
}

/// The hash that generated resources carry in their name.
pub fn hash(resource: &Resource) -> String {
    let field = |path: &[&str]| match resource.value.at(path) {
        None => Value::Str(String::new()),
        Some(found @ (Value::Map(_) | Value::Seq(_))) => found.clone(),
        Some(scalar) => Value::Str(scalar_text(scalar)),
    };
    let kind = resource.kind();
    let mut encoded = Map::new();
    let optional = match kind.as_str() {
        "ConfigMap" => "binaryData",
        "Secret" => "stringData",
        _ => return shorten(&json(&resource.value)),
    };
    if kind == "Secret" {
        encoded.insert("type", field(&["type"]));
    }
    encoded.insert("kind", kind);
    // kustomize looks for a field that is called "metadata/name".
    encoded.insert("name", "");
    encoded.insert("data", field(&["data"]));
    if let Some(map @ Value::Map(_)) = resource.value.get(optional) {
        encoded.insert(optional, map.clone());
    }
    shorten(&json(&Value::Map(encoded)))
}

/// JSON with the characters of HTML escaped, as Go writes it.
fn json(value: &Value) -> String {
    let mut out = String::new();
    for c in value.to_json().chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            other => out.push(other),
        }
    }
    out
}

/// Ten hexadecimal digits in letters that spell no words.
fn shorten(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    let digits = digest
        .iter()
        .take(5)
        .flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .map(|digit| match digit {
            0 => 'g',
            1 => 'h',
            3 => 'k',
            10 => 'm',
            14 => 't',
            other => char::from_digit(u32::from(other), 16).expect("a half byte is a digit"),
        })
        .collect()
}
