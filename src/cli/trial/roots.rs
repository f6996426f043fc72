//! The Applications and AppProjects of a repository that no Application of it
//! generates.

use crate::agent::{Kept, RenderJob, Sources, render_application};
use crate::app::DEFAULT_PROJECT;
use crate::app::{APP_PROJECT, APPLICATION, Application, DEFAULT_NAMESPACE, GROUP};
use crate::object::Object;
use crate::render::Capabilities;
use crate::tree::{EntryKind, Tree};
use crate::value::yaml;
use std::collections::BTreeSet;

/// Files above this hold no Application that somebody wrote.
const MAX_FILE_BYTES: usize = 1024 * 1024;
const MAX_DEPTH: usize = 32;

/// Kind, namespace and name.
type Name = (String, String, String);

/// What a repository brings for Argo CD.
#[derive(Default)]
pub struct Found {
    pub applications: Vec<Object>,
    pub projects: Vec<Object>,
    /// `file: name` of each ApplicationSet: nothing here makes Applications of
    /// them.
    pub sets: Vec<String>,
}

/// All Applications and AppProjects below the root of a tree, less those that
/// an Application among them renders.
pub fn find(tree: &dyn Tree, sources: &Sources) -> anyhow::Result<Found> {
    let mut found = Found::default();
    walk(tree, "", 0, &mut found)?;
    let mut names = BTreeSet::new();
    found.applications.retain(|app| names.insert(name_of(app)));
    let generated: BTreeSet<Name> = found
        .applications
        .iter()
        .flat_map(|app| generates(app, sources))
        .collect();
    let is_root = |object: &Object| !generated.contains(&name_of(object));
    found.projects.retain(is_root);
    // Applications that generate each other have no root: start with all.
    if found.applications.iter().any(is_root) {
        found.applications.retain(is_root);
    }
    Ok(found)
}

/// An Application without a namespace lives in the control namespace.
pub fn placed(mut object: Object) -> Object {
    if object.namespace().is_empty() {
        object.set_namespace(DEFAULT_NAMESPACE);
    }
    object
}

fn name_of(object: &Object) -> Name {
    (
        object.kind().to_owned(),
        object.namespace().to_owned(),
        object.name().to_owned(),
    )
}

fn is_ours(object: &Object) -> bool {
    object.gvk().group == GROUP && matches!(object.kind(), APPLICATION | APP_PROJECT)
}

fn walk(tree: &dyn Tree, directory: &str, depth: usize, found: &mut Found) -> anyhow::Result<()> {
    if depth > MAX_DEPTH {
        return Ok(());
    }
    for (name, entry) in tree.list(directory)? {
        let path = match directory {
            "" => name.clone(),
            directory => format!("{directory}/{name}"),
        };
        match entry.kind {
            EntryKind::Directory if name != ".git" => walk(tree, &path, depth + 1, found)?,
            EntryKind::File if is_manifest(&name) => {
                let bytes = tree.read(&path)?;
                if bytes.len() <= MAX_FILE_BYTES {
                    read(&path, &bytes, found);
                }
            }
            EntryKind::Directory | EntryKind::File | EntryKind::Symlink | EntryKind::Submodule => {}
        }
    }
    Ok(())
}

fn is_manifest(name: &str) -> bool {
    [".yaml", ".yml", ".json"]
        .iter()
        .any(|ending| name.ends_with(ending))
}

/// Templates and broken files hold no Application that could be applied.
fn read(path: &str, bytes: &[u8], found: &mut Found) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if !text.contains(GROUP) {
        return;
    }
    let Ok(documents) = yaml::parse_stream(text) else {
        return;
    };
    for document in documents {
        let Ok(object) = Object::new(document.value) else {
            continue;
        };
        if object.name().is_empty() || object.gvk().group != GROUP {
            continue;
        }
        match object.kind() {
            APPLICATION => found.applications.push(placed(object)),
            APP_PROJECT => found.projects.push(placed(object)),
            "ApplicationSet" => found.sets.push(format!("{path}: {}", object.name())),
            _ => {}
        }
    }
}

/// The other Applications and the projects that this one renders; none where
/// that fails.
fn generates(object: &Object, sources: &Sources) -> Vec<Name> {
    let Ok(app) = Application::read(object) else {
        return Vec::new();
    };
    let local =
        app.spec.sources().iter().all(|source| {
            sources.is_local(&source.repo_url) && may_hold_applications(source, sources)
        });
    if !local {
        return Vec::new();
    }
    let Ok(resolved) = sources.resolve(&app, false) else {
        return Vec::new();
    };
    let rendered = render_application(&RenderJob {
        app: &app,
        instance: &app.name,
        resolved: &resolved,
        sources,
        capabilities: &Capabilities::default(),
        kept: &Kept::none(jiff::Timestamp::now().as_second()),
        look: None,
    });
    let Ok(rendered) = rendered else {
        return Vec::new();
    };
    let namespace = &app.spec.destination.namespace;
    rendered
        .objects
        .into_iter()
        .map(|located| located.object)
        .filter(is_ours)
        .map(|mut child| {
            if child.namespace().is_empty() && !namespace.is_empty() {
                child.set_namespace(namespace);
            }
            name_of(&placed(child))
        })
        .filter(|name| *name != name_of(object))
        .collect()
}

/// Renders are spared where no file below the path mentions Applications.
fn may_hold_applications(source: &crate::app::Source, sources: &Sources) -> bool {
    let revision = &source.target_revision;
    let Ok(resolved) = sources.resolve_source(source, revision, DEFAULT_PROJECT, false) else {
        return false;
    };
    let Ok(tree) = resolved.tree() else {
        return false;
    };
    mentions(tree.as_ref(), source.path.trim_matches('/'), 0)
}

fn mentions(tree: &dyn Tree, directory: &str, depth: usize) -> bool {
    let Ok(entries) = tree.list(directory) else {
        return false;
    };
    depth <= MAX_DEPTH
        && entries.into_iter().any(|(name, entry)| {
            let path = match directory {
                "" => name.clone(),
                directory => format!("{directory}/{name}"),
            };
            match entry.kind {
                EntryKind::Directory => mentions(tree, &path, depth + 1),
                EntryKind::File => tree.read(&path).is_ok_and(|bytes| {
                    bytes.len() <= MAX_FILE_BYTES
                        && bytes
                            .windows(GROUP.len())
                            .any(|window| window == GROUP.as_bytes())
                }),
                EntryKind::Symlink | EntryKind::Submodule => false,
            }
        })
}
