//! Chart.yaml, requirements.yaml and their lock files.

use super::decode::{Decoder, FieldError};
use crate::helm::version;
use crate::value::Value;

/// How a Chart.yaml without apiVersion is read.
pub const API_VERSION_V1: &str = "v1";

/// What Chart.yaml says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metadata {
    pub name: String,
    pub home: String,
    pub sources: Vec<String>,
    pub version: String,
    pub description: String,
    pub keywords: Vec<String>,
    pub maintainers: Vec<Maintainer>,
    pub icon: String,
    pub api_version: String,
    pub condition: String,
    pub tags: String,
    pub app_version: String,
    pub deprecated: bool,
    /// `None` where there are none, which templates can tell from an empty map.
    pub annotations: Option<Vec<(String, String)>>,
    pub kube_version: String,
    /// Whether the key is there at all decides if the charts below charts/
    /// are looked at for dependencies of their own.
    pub dependencies: Option<Vec<Dependency>>,
    pub kind: String,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Maintainer {
    pub name: String,
    pub email: String,
    pub url: String,
    /// `null` in the list, which `validate` refuses.
    is_null: bool,
}

/// One entry of `dependencies`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dependency {
    pub name: String,
    /// A range, or one version in a lock file.
    pub version: String,
    pub repository: String,
    pub condition: String,
    pub tags: Vec<String>,
    pub enabled: bool,
    pub import_values: Vec<Value>,
    pub alias: String,
    /// `null` in the list, which `validate` refuses.
    is_null: bool,
}

/// Chart.lock or requirements.lock.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lock {
    pub generated: String,
    /// Of the dependencies in Chart.yaml, not of the archives.
    pub digest: String,
    pub dependencies: Vec<Dependency>,
}

/// A Chart.yaml that Helm refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("validation: {0}")]
pub struct ValidationError(String);

const FIELDS: &[&str] = &[
    "name",
    "home",
    "sources",
    "version",
    "description",
    "keywords",
    "maintainers",
    "icon",
    "apiVersion",
    "condition",
    "tags",
    "appVersion",
    "deprecated",
    "annotations",
    "kubeVersion",
    "dependencies",
    "type",
];
const MAINTAINER_FIELDS: &[&str] = &["name", "email", "url"];
const DEPENDENCY_FIELDS: &[&str] = &[
    "name",
    "version",
    "repository",
    "condition",
    "tags",
    "enabled",
    "import-values",
    "alias",
];
const LOCK_FIELDS: &[&str] = &["generated", "digest", "dependencies"];

/// The apiVersion alone, which decides how the chart is loaded.
pub fn api_version(document: &Value) -> Result<String, FieldError> {
    let mut decoder = Decoder::new();
    let mut version = String::new();
    decoder.fields(
        document,
        "chartBase",
        "loader.chartBase",
        &["apiVersion"],
        |decoder, _, value| decoder.string("chartBase", value, &mut version),
    );
    decoder.finish()?;
    Ok(version)
}

impl Metadata {
    /// Lays a document over what is there: Chart.yaml, then requirements.yaml.
    pub fn decode(&mut self, document: &Value) -> Result<(), FieldError> {
        const OWNER: &str = "Metadata";
        let mut decoder = Decoder::new();
        decoder.fields(
            document,
            OWNER,
            "v2.Metadata",
            FIELDS,
            |decoder, name, value| match name {
                "name" => decoder.string(OWNER, value, &mut self.name),
                "home" => decoder.string(OWNER, value, &mut self.home),
                "sources" => decoder.strings(OWNER, value, &mut self.sources),
                "version" => decoder.string(OWNER, value, &mut self.version),
                "description" => decoder.string(OWNER, value, &mut self.description),
                "keywords" => decoder.strings(OWNER, value, &mut self.keywords),
                "maintainers" => decoder.items(
                    OWNER,
                    value,
                    "[]*v2.Maintainer",
                    &mut self.maintainers,
                    Maintainer::decode,
                ),
                "icon" => decoder.string(OWNER, value, &mut self.icon),
                "apiVersion" => decoder.string(OWNER, value, &mut self.api_version),
                "condition" => decoder.string(OWNER, value, &mut self.condition),
                "tags" => decoder.string(OWNER, value, &mut self.tags),
                "appVersion" => decoder.string(OWNER, value, &mut self.app_version),
                "deprecated" => decoder.bool(OWNER, value, &mut self.deprecated),
                "annotations" => decoder.string_map(OWNER, value, &mut self.annotations),
                "kubeVersion" => decoder.string(OWNER, value, &mut self.kube_version),
                "dependencies" => {
                    let mut items = Vec::new();
                    let go_type = "[]*v2.Dependency";
                    decoder.items(OWNER, value, go_type, &mut items, Dependency::decode);
                    self.dependencies = (!value.is_null()).then_some(items);
                }
                _ => decoder.string(OWNER, value, &mut self.kind),
            },
        );
        decoder.finish()
    }

    /// Cleans the texts and refuses what Helm refuses.
    pub fn validate(&mut self) -> Result<(), ValidationError> {
        for text in [
            &mut self.name,
            &mut self.description,
            &mut self.home,
            &mut self.icon,
            &mut self.condition,
            &mut self.tags,
            &mut self.app_version,
            &mut self.kube_version,
        ] {
            sanitize(text);
        }
        self.sources.iter_mut().for_each(sanitize);
        self.keywords.iter_mut().for_each(sanitize);

        let refuse = |text: String| Err(ValidationError(text));
        if self.api_version.is_empty() {
            return refuse("chart.metadata.apiVersion is required".to_owned());
        }
        let name = &self.name;
        if name.is_empty() {
            return refuse("chart.metadata.name is required".to_owned());
        }
        if name == "." || name == ".." {
            return refuse(format!("chart.metadata.name {name:?} is not allowed"));
        }
        // Longer than its last path element: it would lead out of charts/.
        if name.contains('/') && name != "/" {
            return refuse(format!("chart.metadata.name {name:?} is invalid"));
        }
        if self.version.is_empty() {
            return refuse("chart.metadata.version is required".to_owned());
        }
        if !version::is_valid(&self.version) {
            return refuse(format!(
                "chart.metadata.version {:?} is invalid",
                self.version
            ));
        }
        if !matches!(self.kind.as_str(), "" | "application" | "library") {
            return refuse("chart.metadata.type must be application or library".to_owned());
        }
        for maintainer in &mut self.maintainers {
            maintainer.validate()?;
        }
        let dependencies = self.dependencies.as_deref_mut().unwrap_or_default();
        for at in 0..dependencies.len() {
            dependencies[at].validate()?;
            let key = dependencies[at].key();
            if dependencies[..at].iter().any(|d| d.key() == key) {
                return refuse(format!(
                    "more than one dependency with name or alias {key:?}"
                ));
            }
        }
        Ok(())
    }

    pub fn is_library(&self) -> bool {
        self.kind.eq_ignore_ascii_case("library")
    }
}

impl Maintainer {
    fn decode(decoder: &mut Decoder, value: &Value) -> Self {
        const OWNER: &str = "Maintainer";
        let mut it = Maintainer {
            is_null: value.is_null(),
            ..Maintainer::default()
        };
        let names = MAINTAINER_FIELDS;
        decoder.fields(
            value,
            OWNER,
            "v2.Maintainer",
            names,
            |decoder, name, value| {
                let text = match name {
                    "name" => &mut it.name,
                    "email" => &mut it.email,
                    _ => &mut it.url,
                };
                decoder.string(OWNER, value, text);
            },
        );
        it
    }

    fn validate(&mut self) -> Result<(), ValidationError> {
        if self.is_null {
            return Err(ValidationError(
                "maintainers must not contain empty or null nodes".to_owned(),
            ));
        }
        sanitize(&mut self.name);
        sanitize(&mut self.email);
        sanitize(&mut self.url);
        Ok(())
    }
}

impl Dependency {
    fn decode(decoder: &mut Decoder, value: &Value) -> Self {
        const OWNER: &str = "Dependency";
        let mut it = Dependency {
            is_null: value.is_null(),
            ..Dependency::default()
        };
        let names = DEPENDENCY_FIELDS;
        decoder.fields(
            value,
            OWNER,
            "v2.Dependency",
            names,
            |decoder, name, value| match name {
                "name" => decoder.string(OWNER, value, &mut it.name),
                "version" => decoder.string(OWNER, value, &mut it.version),
                "repository" => decoder.string(OWNER, value, &mut it.repository),
                "condition" => decoder.string(OWNER, value, &mut it.condition),
                "tags" => decoder.strings(OWNER, value, &mut it.tags),
                "enabled" => decoder.bool(OWNER, value, &mut it.enabled),
                "import-values" => {
                    decoder.items(
                        OWNER,
                        value,
                        "[]interface {}",
                        &mut it.import_values,
                        |_, item| item.clone(),
                    );
                }
                _ => decoder.string(OWNER, value, &mut it.alias),
            },
        );
        it
    }

    /// What the dependency is called in the parent's values.
    pub fn key(&self) -> &str {
        if self.alias.is_empty() {
            &self.name
        } else {
            &self.alias
        }
    }

    fn validate(&mut self) -> Result<(), ValidationError> {
        if self.is_null {
            return Err(ValidationError(
                "dependencies must not contain empty or null nodes".to_owned(),
            ));
        }
        sanitize(&mut self.name);
        sanitize(&mut self.version);
        sanitize(&mut self.repository);
        sanitize(&mut self.condition);
        self.tags.iter_mut().for_each(sanitize);
        let legal = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if !self.alias.chars().all(legal) {
            return Err(ValidationError(format!(
                "dependency {:?} has disallowed characters in the alias",
                self.name
            )));
        }
        Ok(())
    }
}

impl Lock {
    pub fn decode(document: &Value) -> Result<Self, FieldError> {
        const OWNER: &str = "Lock";
        let mut lock = Lock::default();
        let mut decoder = Decoder::new();
        let names = LOCK_FIELDS;
        decoder.fields(
            document,
            OWNER,
            "v2.Lock",
            names,
            |decoder, name, value| match name {
                "generated" => decoder.string(OWNER, value, &mut lock.generated),
                "digest" => decoder.string(OWNER, value, &mut lock.digest),
                _ => decoder.items(
                    OWNER,
                    value,
                    "[]*v2.Dependency",
                    &mut lock.dependencies,
                    Dependency::decode,
                ),
            },
        );
        decoder.finish()?;
        lock.dependencies.retain(|d| !d.is_null);
        Ok(lock)
    }
}

/// White space becomes blanks, what cannot be printed goes.
fn sanitize(text: &mut String) {
    let keeps = |c: char| c == ' ' || (!c.is_whitespace() && !c.is_control());
    if text.chars().all(keeps) {
        return;
    }
    *text = text
        .chars()
        .filter_map(|c| match c {
            c if c.is_whitespace() => Some(' '),
            c if c.is_control() => None,
            c => Some(c),
        })
        .collect();
}
