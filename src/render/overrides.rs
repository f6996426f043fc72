//! `.argocd-source.yaml`: what a repository says of its own source.

use super::RenderError;
use crate::app::Source;
use crate::tree::{EntryKind, Tree, entry_following, join, read_following};
use crate::value::patch::merge_patch;
use crate::value::{Value, yaml};

/// For all applications of the folder.
const FILE: &str = ".argocd-source.yaml";

/// The source with the files of its folder laid over it, that for all
/// applications first, then the one of this application. Where it comes from
/// stays as the Application says it.
pub(super) fn overridden(
    source: &Source,
    tree: &dyn Tree,
    path: &str,
    application: &str,
) -> Result<Option<Source>, RenderError> {
    let mut merged: Option<Value> = None;
    let own = format!(".argocd-source-{application}.yaml");
    for name in [FILE, own.as_str()] {
        let file = join(path, name);
        let is_file =
            entry_following(tree, &file)?.is_some_and(|(_, kind)| kind != EntryKind::Directory);
        if !is_file {
            continue;
        }
        let fault = |cause: String| RenderError::Override {
            file: file.clone(),
            cause,
        };
        let bytes = read_following(tree, &file)?;
        let text = yaml::decode(&bytes).map_err(|error| fault(error.to_string()))?;
        let patch = yaml::parse_one(&text).map_err(|error| fault(error.to_string()))?;
        match &patch {
            Value::Null => continue,
            Value::Map(_) => {}
            other => return Err(fault(format!("must be a map, not a {}", other.kind()))),
        }
        let target = merged.get_or_insert_with(|| Value::of(source).expect("a source is JSON"));
        merge_patch(target, patch);
        // What does not fit is told of the file that says it.
        let read: Source = target.to().map_err(|error| fault(error.to_string()))?;
        check(&read).map_err(fault)?;
    }
    let Some(merged) = merged else {
        return Ok(None);
    };
    let read: Source = merged.to().expect("it was read above");
    Ok(Some(Source {
        repo_url: source.repo_url.clone(),
        path: source.path.clone(),
        target_revision: source.target_revision.clone(),
        chart: source.chart.clone(),
        reference: source.reference.clone(),
        name: source.name.clone(),
        tag_prefix: source.tag_prefix.clone(),
        ..read
    }))
}

/// What the Application itself may not say either.
fn check(source: &Source) -> Result<(), String> {
    let mut named = source.tools();
    named.extend(source.plugin.as_ref().map(|_| "plugin"));
    match named.as_slice() {
        ["plugin"] => Err("config management plugins are not run".to_owned()),
        [] | [_] => Ok(()),
        several => Err(format!(
            "multiple application sources defined: {}",
            several.join(", ")
        )),
    }
}
