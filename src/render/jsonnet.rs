//! `.jsonnet` files of a directory: what they evaluate to, with the source's
//! variables and libraries, as Argo CD's repository server does it.

use super::environment::Environment;
use crate::app;
use crate::jsonnet::{Importer, JsonnetError, Limits, Output, Program, Variable, evaluate};
use crate::tree::{EntryKind, Tree, TreeError, entry_following, join};
use crate::value::Value;

/// How the programs of a source are evaluated.
pub struct Evaluation<'a> {
    pub limits: Limits,
    /// Asked now and then: a message ends the evaluation.
    pub step: &'a dyn Fn() -> Result<(), String>,
}

impl Default for Evaluation<'_> {
    fn default() -> Self {
        Evaluation {
            limits: Limits::default(),
            step: &|| Ok(()),
        }
    }
}

/// The options with the environment's variables replaced in them.
pub(super) fn substituted(options: &app::Jsonnet, environment: &Environment<'_>) -> app::Jsonnet {
    let replaced = |variables: &[app::JsonnetVar]| {
        let replaced = variables.iter().map(|variable| app::JsonnetVar {
            value: environment.substitute(&variable.value),
            ..variable.clone()
        });
        replaced.collect()
    };
    app::Jsonnet {
        ext_vars: replaced(&options.ext_vars),
        tlas: replaced(&options.tlas),
        libs: options.libs.clone(),
    }
}

/// The objects that a program evaluates to: the items of an array, else one.
pub(super) fn objects(
    tree: &dyn Tree,
    base: &str,
    file: &str,
    text: &str,
    options: &app::Jsonnet,
    evaluation: &Evaluation<'_>,
) -> Result<Vec<Value>, JsonnetError> {
    let importer = Imports {
        tree,
        step: evaluation.step,
        folders: options
            .libs
            .iter()
            .rev()
            .map(|lib| lib.trim_matches('/'))
            .chain([base])
            .collect(),
    };
    let program = Program {
        name: file,
        text,
        external: &variables(&options.ext_vars),
        arguments: &variables(&options.tlas),
        limits: evaluation.limits,
    };
    let mut found = Vec::new();
    for (_, json) in evaluate(&program, &importer, Output::Json)? {
        let value = Value::from_json(json.as_bytes()).map_err(|cause| JsonnetError {
            message: format!("{file}: its output: {cause}"),
            place: None,
            callers: Vec::new(),
        })?;
        match value {
            Value::Seq(items) => found.extend(items),
            one => found.push(one),
        }
    }
    Ok(found)
}

fn variables(given: &[app::JsonnetVar]) -> Vec<Variable> {
    let variables = given.iter().map(|variable| Variable {
        name: variable.name.clone(),
        value: variable.value.clone(),
        is_code: variable.code,
    });
    variables.collect()
}

/// Imports from the tree: beside the file that imports, then in the folders.
struct Imports<'t> {
    tree: &'t dyn Tree,
    step: &'t dyn Fn() -> Result<(), String>,
    folders: Vec<&'t str>,
}

impl Importer for Imports<'_> {
    fn step(&self) -> Result<(), String> {
        (self.step)()
    }

    fn import(&self, from: &str, path: &str) -> Result<(String, Vec<u8>), String> {
        let said = |error: TreeError| format!("import {path:?}: {error}");
        if path.starts_with('/') {
            let path = path.to_owned();
            return Err(said(TreeError::Outside { path }));
        }
        let beside = from.rfind('/').map_or("", |end| &from[..end]);
        for folder in std::iter::once(beside).chain(self.folders.iter().copied()) {
            let file = join(folder, path);
            match entry_following(self.tree, &file).map_err(said)? {
                None => {}
                Some((real, EntryKind::File)) => {
                    let bytes = self.tree.read(&real).map_err(said)?;
                    return Ok((real, bytes));
                }
                Some((real, _)) => return Err(said(TreeError::IsDirectory { path: real })),
            }
        }
        Err(format!(
            "couldn't open import {path:?}: no match locally or in the Jsonnet library paths"
        ))
    }
}
