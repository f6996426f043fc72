//! What Chart.yaml and Chart.lock ask for, beside what charts/ holds.
//!
//! `helm template` uses a vendored chart blindly. The agent does not: what
//! Chart.yaml asks for is rendered, and Chart.lock pins it where it is in step.

use super::chart::{Chart, Dependency, Lock, Subchart};
use super::dependencies;
use super::need::Need;
use super::version;
use crate::gotmpl::Map;
use crate::value::{Value, semver};
use sha2::{Digest, Sha256};

/// One dependency and how it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    pub name: String,
    /// "" where it has no other name.
    pub alias: String,
    pub repository: String,
    /// What Chart.yaml says, mostly a range.
    pub range: String,
    /// What Chart.lock says, where it is in step with Chart.yaml.
    pub pinned: Option<String>,
    /// Its condition or tags turn it off: it is not missed.
    pub is_disabled: bool,
    pub vendored: Vendored,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Vendored {
    /// charts/ holds what is asked for.
    Matching {
        version: String,
    },
    /// charts/ holds another version.
    Stale {
        version: String,
    },
    Missing,
}

/// How Chart.lock stands to Chart.yaml.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockState {
    Absent,
    InStep,
    /// Chart.yaml was changed and the lock was not: it pins nothing.
    OutOfStep,
}

/// All dependencies of a chart, and of Chart.lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirements {
    pub lock: LockState,
    pub requirements: Vec<Requirement>,
    /// Charts in charts/ that Chart.yaml does not list: they are rendered all
    /// the same. Entry in charts/, name, version.
    pub unlisted: Vec<(String, String, String)>,
}

impl Requirement {
    /// The exact version that is wanted, or the range.
    pub fn wanted(&self) -> &str {
        self.pinned.as_deref().unwrap_or(&self.range)
    }

    /// Whether Chart.yaml allows this version.
    pub fn allows(&self, version: &str) -> bool {
        self.range.is_empty() || version::satisfies(version, &self.range)
    }

    /// What has to be brought before the chart can be rendered.
    pub fn need(&self) -> Option<Need> {
        if self.is_disabled || matches!(self.vendored, Vendored::Matching { .. }) {
            return None;
        }
        Some(Need::Chart {
            repository: self.repository.clone(),
            name: self.name.clone(),
            version: self.wanted().to_owned(),
        })
    }
}

/// How the dependencies of a chart stand. `values` are the user's: they may
/// turn a dependency off.
pub fn requirements(chart: &Chart, values: &Map) -> Requirements {
    let wanted = chart.metadata.dependencies.as_deref().unwrap_or_default();
    let lock = lock_state(chart);
    let enabled = dependencies::enabled(chart, values);
    let requirements = wanted.iter().zip(enabled).map(|(wanted, is_enabled)| {
        let pinned = match &chart.lock {
            Some(locked) if lock == LockState::InStep => pin(wanted, locked),
            _ => None,
        };
        let asked_for = pinned.as_deref().unwrap_or(&wanted.version);
        Requirement {
            name: wanted.name.clone(),
            alias: wanted.alias.clone(),
            repository: wanted.repository.clone(),
            range: wanted.version.clone(),
            vendored: vendored(chart, &wanted.name, asked_for, pinned.is_some()),
            is_disabled: !is_enabled,
            pinned,
        }
    });
    let unlisted = chart.dependencies.iter().filter(|sub| {
        let metadata = &sub.chart.metadata;
        !wanted.iter().any(|wanted| wanted.name == metadata.name)
    });
    Requirements {
        lock,
        requirements: requirements.collect(),
        unlisted: unlisted
            .map(|sub| {
                let metadata = &sub.chart.metadata;
                (
                    sub.entry.clone(),
                    metadata.name.clone(),
                    metadata.version.clone(),
                )
            })
            .collect(),
    }
}

impl Chart {
    /// Puts a chart that was brought for a requirement in the place of
    /// whatever charts/ holds under its name in other versions.
    pub fn supply(&mut self, requirement: &Requirement, brought: Chart) {
        let all = self.metadata.dependencies.clone().unwrap_or_default();
        self.dependencies.retain(|sub| {
            let metadata = &sub.chart.metadata;
            // A second version of the same chart may be wanted under an alias.
            let is_wanted_elsewhere = all.iter().any(|other| {
                other.name == metadata.name
                    && other.key() != requirement.key()
                    && version::satisfies(&metadata.version, &other.version)
            });
            metadata.name != requirement.name || is_wanted_elsewhere
        });
        self.dependencies.push(Subchart {
            entry: format!("{}-{}.tgz", brought.name(), brought.metadata.version),
            chart: brought,
        });
    }
}

impl Requirement {
    fn key(&self) -> &str {
        if self.alias.is_empty() {
            &self.name
        } else {
            &self.alias
        }
    }
}

/// The lock's digest is taken of the requirements, not of the archives.
fn lock_state(chart: &Chart) -> LockState {
    let Some(lock) = &chart.lock else {
        return LockState::Absent;
    };
    let wanted = chart.metadata.dependencies.as_deref().unwrap_or_default();
    let is_v1 = chart.metadata.api_version == "v1";
    if digest(wanted, &lock.dependencies) == lock.digest
        || (is_v1 && digest_of_helm2(wanted) == lock.digest)
    {
        LockState::InStep
    } else {
        LockState::OutOfStep
    }
}

/// The version in the lock file for an entry of Chart.yaml. Of several
/// entries of one name the one that fits the range counts.
fn pin(wanted: &Dependency, lock: &Lock) -> Option<String> {
    let mut locked = lock
        .dependencies
        .iter()
        .filter(|locked| locked.name == wanted.name);
    let fits = |locked: &&Dependency| version::satisfies(&locked.version, &wanted.version);
    let found = locked.clone().find(fits).or_else(|| locked.next())?;
    Some(found.version.clone())
}

fn vendored(chart: &Chart, name: &str, wanted: &str, is_exact: bool) -> Vendored {
    let found = chart
        .dependencies
        .iter()
        .map(|sub| &sub.chart.metadata)
        .filter(|metadata| metadata.name == name);
    let mut stale = None;
    for metadata in found {
        let version = metadata.version.clone();
        let is_matching = if is_exact {
            same_version(&version, wanted)
        } else {
            version::satisfies(&version, wanted)
        };
        if is_matching {
            return Vendored::Matching { version };
        }
        stale.get_or_insert(version);
    }
    stale.map_or(Vendored::Missing, |version| Vendored::Stale { version })
}

fn same_version(one: &str, other: &str) -> bool {
    let parse = semver::Version::parse;
    match (parse(one), parse(other)) {
        (Ok(a), Ok(b)) => a.compare(&b).is_eq() && a.metadata == b.metadata,
        _ => one == other,
    }
}

/// Helm's HashReq: a digest of Chart.yaml's entries and the lock's.
fn digest(wanted: &[Dependency], locked: &[Dependency]) -> String {
    let text = format!("[{},{}]", json_list(wanted), json_list(locked));
    sha256(&text)
}

/// What Helm 2 wrote into requirements.lock.
fn digest_of_helm2(wanted: &[Dependency]) -> String {
    sha256(&format!("{{\"dependencies\":{}}}", json_list(wanted)))
}

fn sha256(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

/// The entries as Go's encoding/json writes the struct: in the order of its
/// fields, the optional ones left out where they are empty.
fn json_list(dependencies: &[Dependency]) -> String {
    if dependencies.is_empty() {
        return "null".to_owned();
    }
    let items: Vec<String> = dependencies.iter().map(json_of).collect();
    format!("[{}]", items.join(","))
}

fn json_of(dependency: &Dependency) -> String {
    let text = |text: &str| escaped(&Value::from(text).to_json());
    let mut fields = vec![("name", text(&dependency.name))];
    if !dependency.version.is_empty() {
        fields.push(("version", text(&dependency.version)));
    }
    fields.push(("repository", text(&dependency.repository)));
    if !dependency.condition.is_empty() {
        fields.push(("condition", text(&dependency.condition)));
    }
    if !dependency.tags.is_empty() {
        let tags: Vec<String> = dependency.tags.iter().map(|tag| text(tag)).collect();
        fields.push(("tags", format!("[{}]", tags.join(","))));
    }
    if dependency.enabled {
        fields.push(("enabled", "true".to_owned()));
    }
    if !dependency.import_values.is_empty() {
        let values = Value::Seq(dependency.import_values.clone());
        fields.push(("import-values", escaped(&values.to_json())));
    }
    if !dependency.alias.is_empty() {
        fields.push(("alias", text(&dependency.alias)));
    }
    let fields: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("\"{name}\":{value}"))
        .collect();
    format!("{{{}}}", fields.join(","))
}

/// encoding/json escapes what HTML would take for markup.
fn escaped(json: &str) -> String {
    json.replace('&', "\\u0026")
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
}
