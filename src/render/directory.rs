//! Plain manifests: the YAML, JSON and Jsonnet files of a directory, as Argo CD reads
//! them (reposerver/repository, findManifests).

use super::jsonnet::{self, Evaluation};
use crate::app::Directory;
use crate::jsonnet::JsonnetError;
use crate::object::{Object, ObjectError};
use crate::tree::{EntryKind, Tree, TreeError, entry_following, files_below};
use crate::value::glob::{Glob, GlobError};
use crate::value::yaml::{self, YamlError};
use crate::value::{JsonError, Value};
use std::fmt;

/// All manifests of one source together: Argo CD's default.
pub const MAX_MANIFEST_BYTES: usize = 10_000_000;

/// A file with this anywhere in it holds no manifests.
const SKIP_MARKER: &str = "+argocd:skip-file-rendering";

/// What the files of a directory hold.
#[derive(Debug, Default, PartialEq)]
pub struct Manifests {
    pub manifests: Vec<Manifest>,
    /// What was passed over although it looks meant.
    pub warnings: Vec<String>,
}

/// An object and where it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    pub object: Object,
    /// The file, by its path in the tree.
    pub file: String,
    /// The line in which the object's document begins.
    pub line: usize,
}

/// Every fault of every file, so that all can be mended in one commit.
#[derive(Debug)]
pub struct DirectoryError {
    pub faults: Vec<Fault>,
}

impl std::error::Error for DirectoryError {}

impl fmt::Display for DirectoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, fault) in self.faults.iter().enumerate() {
            let separator = if at == 0 { "" } else { "; " };
            write!(f, "{separator}{fault}")?;
        }
        Ok(())
    }
}

#[derive(Debug, thiserror::Error)]
pub enum Fault {
    #[error("app path {path:?} does not exist")]
    NoPath { path: String },
    #[error("app path {path:?} is not a directory")]
    NotDirectory { path: String },
    #[error("{what} of the source: {cause}")]
    Glob {
        what: &'static str,
        cause: GlobError,
    },
    #[error("{file}: {cause}")]
    Yaml { file: String, cause: YamlError },
    #[error("{file}: {cause}")]
    Json { file: String, cause: JsonError },
    #[error("{file}: only one object is allowed in a JSON file")]
    SeveralInJson { file: String },
    #[error("{file}:{line}: {cause}")]
    Object {
        file: String,
        line: usize,
        cause: ObjectError,
    },
    #[error("{file}: {cause}")]
    Jsonnet { file: String, cause: JsonnetError },
    #[error("the manifests below {path:?} are larger than {MAX_MANIFEST_BYTES} bytes together")]
    TooLarge { path: String },
    #[error(transparent)]
    Tree(#[from] TreeError),
}

/// Reads the manifests below a path of the tree.
pub fn directory(
    tree: &dyn Tree,
    path: &str,
    options: &Directory,
    evaluation: &Evaluation<'_>,
) -> Result<Manifests, DirectoryError> {
    let mut reader = Reader::default();
    match reader.read_all(tree, path, options, evaluation) {
        Ok(()) => {}
        Err(fault) => reader.faults.push(fault),
    }
    if reader.faults.is_empty() {
        Ok(reader.found)
    } else {
        Err(DirectoryError {
            faults: reader.faults,
        })
    }
}

#[derive(Default)]
struct Reader {
    found: Manifests,
    faults: Vec<Fault>,
    n_bytes: usize,
}

impl Reader {
    /// What is returned is a fault that ends it all.
    fn read_all(
        &mut self,
        tree: &dyn Tree,
        path: &str,
        options: &Directory,
        evaluation: &Evaluation<'_>,
    ) -> Result<(), Fault> {
        let wanted = Wanted::new(options)?;
        let base = match entry_following(tree, path)? {
            Some((base, EntryKind::Directory)) => base,
            Some(_) => return Err(Fault::NotDirectory { path: path.into() }),
            None => return Err(Fault::NoPath { path: path.into() }),
        };
        for (file, kind) in files_below(tree, &base, |_| options.recurse)? {
            let below = match base.as_str() {
                "" => file.as_str(),
                base => &file[base.len() + 1..],
            };
            if !wanted.has(below) {
                continue;
            }
            let real = match kind {
                EntryKind::Symlink => self.link_target(tree, &file)?,
                _ => Some(file.clone()),
            };
            let Some(real) = real else { continue };
            let bytes = tree.read(&real)?;
            self.n_bytes += bytes.len();
            if self.n_bytes > MAX_MANIFEST_BYTES {
                return Err(Fault::TooLarge { path: path.into() });
            }
            if file.ends_with(".jsonnet") {
                let options = options.jsonnet.clone().unwrap_or_default();
                let text = String::from_utf8_lossy(&bytes);
                match jsonnet::objects(tree, &base, &file, &text, &options, evaluation) {
                    Ok(values) => {
                        for value in values {
                            self.evaluated(&file, value);
                        }
                    }
                    Err(cause) => self.faults.push(Fault::Jsonnet { file, cause }),
                }
                continue;
            }
            self.file(&file, &bytes);
        }
        Ok(())
    }

    /// The file that a link leads to; a link to nothing is passed over.
    fn link_target(&mut self, tree: &dyn Tree, file: &str) -> Result<Option<String>, Fault> {
        let problem = match entry_following(tree, file) {
            Ok(Some((real, EntryKind::File))) => return Ok(Some(real)),
            Ok(Some(_)) => "leads to no file",
            Ok(None) => "leads nowhere",
            Err(error @ (TreeError::Outside { .. } | TreeError::SymlinkLoop { .. })) => {
                self.faults.push(error.into());
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        let warning = format!("{file}: passed over, since the link {problem}");
        self.found.warnings.push(warning);
        Ok(None)
    }

    fn file(&mut self, file: &str, bytes: &[u8]) {
        let text = match yaml::decode(bytes) {
            Ok(text) => text,
            Err(cause) => {
                let file = file.to_owned();
                self.faults.push(Fault::Yaml { file, cause });
                return;
            }
        };
        if text.contains(SKIP_MARKER) {
            return;
        }
        if file.ends_with(".json") {
            self.json(file, &text);
        } else {
            self.yaml(file, &text);
        }
    }

    fn json(&mut self, file: &str, text: &str) {
        let named = || file.to_owned();
        match Value::from_json(text.as_bytes()) {
            Ok(value) => self.document(file, 1, value),
            Err(_) if json_stream(text).is_some() => {
                self.faults.push(Fault::SeveralInJson { file: named() });
            }
            Err(cause) => self.faults.push(Fault::Json {
                file: named(),
                cause,
            }),
        }
    }

    fn yaml(&mut self, file: &str, text: &str) {
        if let Some(values) = json_stream(text) {
            for (line, value) in values {
                self.document(file, line, value);
            }
            return;
        }
        let n_before = (self.found.manifests.len(), self.faults.len());
        let mut broken = Vec::new();
        for raw in yaml::documents(text) {
            let parsed = raw.and_then(|raw| Ok((raw.content_line(), raw.parse()?)));
            match parsed {
                Ok((line, value)) => self.document(file, line, value),
                Err(cause) => broken.push(cause),
            }
        }
        // A file that no manifest was read of and that does not look like one
        // may be anything: a template, a playbook.
        let looks_meant = n_before != (self.found.manifests.len(), self.faults.len())
            || ["apiVersion:", "kind:", "metadata:"]
                .iter()
                .all(|word| text.contains(word));
        if looks_meant {
            let faults = broken.into_iter().map(|cause| Fault::Yaml {
                file: file.to_owned(),
                cause,
            });
            self.faults.extend(faults);
        }
    }

    fn document(&mut self, file: &str, line: usize, value: Value) {
        if value.is_null() || is_null_list(&value) {
            return;
        }
        // Values of a chart, a Chart.yaml: not every mapping is a manifest.
        let has = |key: &str| value.get(key).is_some_and(|value| !value.is_null());
        let is_meant = has("kind") || (has("apiVersion") && has("metadata"));
        if !is_meant {
            return;
        }
        if matches!(value.get("items"), Some(Value::Seq(_))) && has("kind") {
            self.list(file, line, value);
            return;
        }
        self.object(file, line, value);
    }

    /// What a program gives out is meant, whatever it looks like.
    fn evaluated(&mut self, file: &str, value: Value) {
        let is_list = matches!(value.get("items"), Some(Value::Seq(_)));
        if is_list && value.get("kind").is_some() {
            self.list(file, 1, value);
        } else {
            self.object(file, 1, value);
        }
    }

    fn list(&mut self, file: &str, line: usize, mut list: Value) {
        let items = list.as_map_mut().and_then(|map| map.remove("items"));
        let Some(Value::Seq(items)) = items else {
            return;
        };
        for item in items {
            if matches!(item.get("items"), Some(Value::Seq(_))) && item.get("kind").is_some() {
                self.list(file, line, item);
            } else {
                self.object(file, line, item);
            }
        }
    }

    fn object(&mut self, file: &str, line: usize, value: Value) {
        let file = file.to_owned();
        match Object::new(value) {
            Ok(object) => self.found.manifests.push(Manifest { object, file, line }),
            Err(cause) => self.faults.push(Fault::Object { file, line, cause }),
        }
    }
}

/// Which files are meant, by their path below the source's.
struct Wanted {
    include: Option<Glob>,
    exclude: Option<Glob>,
}

impl Wanted {
    fn new(options: &Directory) -> Result<Self, Fault> {
        let compile = |what: &'static str, pattern: &str| {
            if pattern.is_empty() {
                return Ok(None);
            }
            let glob = Glob::gobwas(pattern, &[]);
            glob.map(Some).map_err(|cause| Fault::Glob { what, cause })
        };
        Ok(Wanted {
            include: compile("include", &options.include)?,
            exclude: compile("exclude", &options.exclude)?,
        })
    }

    fn has(&self, path: &str) -> bool {
        let known = [".yaml", ".yml", ".json", ".jsonnet"];
        known.iter().any(|ending| path.ends_with(ending))
            && self.exclude.as_ref().is_none_or(|glob| !glob.matches(path))
            && self.include.as_ref().is_none_or(|glob| glob.matches(path))
    }
}

/// A list that holds nothing, as Argo CD tells it from an object of its own.
fn is_null_list(value: &Value) -> bool {
    value.get("items").is_some_and(Value::is_null)
        && value.get("spec").is_none()
        && value.get("status").is_none()
}

/// JSON objects behind one another, each with the line that it begins in;
/// `None` where the text is anything else.
fn json_stream(text: &str) -> Option<Vec<(usize, Value)>> {
    if !text.trim_start().starts_with('{') {
        return None;
    }
    let mut values = Vec::new();
    let mut stream = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    let mut line = 1;
    let mut counted = 0;
    loop {
        let rest = &text[stream.byte_offset()..];
        let start = stream.byte_offset() + (rest.len() - rest.trim_start().len());
        line += text[counted..start].matches('\n').count();
        counted = start;
        match stream.next() {
            Some(value) => values.push((line, value.ok()?)),
            None => return Some(values),
        }
    }
}
