//! Trees: lookups, links, and that nothing leads outside.

use drupelet::tree::{Entry, EntryKind, MemoryTree, Tree, TreeError, resolve};
use std::collections::BTreeMap;

fn memory(files: &[&str]) -> MemoryTree {
    let files = files
        .iter()
        .map(|path| ((*path).to_owned(), path.as_bytes().to_vec()));
    MemoryTree {
        files: files.collect(),
    }
}

#[test]
fn lists_folders_by_name() {
    let tree = memory(&["a/b", "a/c/d", "a-b", "z"]);
    let names = |path: &str| {
        let list = tree.list(path).expect("a folder");
        list.into_iter()
            .map(|(name, entry)| format!("{name} {:?}", entry.kind))
            .collect::<Vec<_>>()
            .join(", ")
    };
    assert_eq!(names(""), "a Directory, a-b File, z File");
    assert_eq!(names("a"), "b File, c Directory");
    assert!(matches!(
        tree.list("z"),
        Err(TreeError::NotDirectory { .. })
    ));
    assert!(matches!(tree.list("q"), Err(TreeError::NotFound { .. })));
    assert!(matches!(tree.read("a"), Err(TreeError::IsDirectory { .. })));
}

#[test]
fn equal_ids_mean_equal_content() {
    let (one, two) = (memory(&["a/b", "c/d"]), memory(&["a/b", "c/e"]));
    let id = |tree: &MemoryTree, path: &str| tree.entry(path).expect("readable").map(|e| e.id);
    assert_eq!(id(&one, "a"), id(&two, "a"));
    assert_ne!(id(&one, "c"), id(&two, "c"));
    assert_ne!(id(&one, ""), id(&two, ""));
}

/// A tree of links on top of files: "-> target" as content makes a link.
struct Linked(BTreeMap<&'static str, &'static str>);

impl Tree for Linked {
    fn entry(&self, path: &str) -> Result<Option<Entry>, TreeError> {
        let below = format!("{path}/");
        let kind = match self.0.get(path) {
            Some(text) if text.starts_with("-> ") => EntryKind::Symlink,
            Some(_) => EntryKind::File,
            None if self.0.keys().any(|k| k.starts_with(&below)) => EntryKind::Directory,
            None => return Ok(None),
        };
        Ok(Some(Entry {
            kind,
            id: path.as_bytes().to_vec(),
        }))
    }

    fn list(&self, _: &str) -> Result<Vec<(String, Entry)>, TreeError> {
        Ok(Vec::new())
    }

    fn read(&self, file: &str) -> Result<Vec<u8>, TreeError> {
        Ok(self.0[file].trim_start_matches("-> ").as_bytes().to_vec())
    }
}

#[track_caller]
fn check_resolve(path: &str, expected: &str) {
    let tree = Linked(BTreeMap::from([
        ("app/values.yaml", "text"),
        ("app/link.yaml", "-> ../shared/values.yaml"),
        ("app/folder", "-> ../shared"),
        ("app/out", "-> ../../etc/passwd"),
        ("app/absolute", "-> /etc/passwd"),
        ("app/loop", "-> pool"),
        ("app/pool", "-> loop"),
        ("shared/values.yaml", "text"),
        ("shared/deep/values.yaml", "text"),
    ]));
    let found = match resolve(&tree, path) {
        Ok((path, entry)) => format!("{path} {:?}", entry.map(|e| e.kind)),
        Err(error) => error.to_string(),
    };
    assert_eq!(found, expected);
}

#[test]
fn resolves_links_inside_of_the_tree_only() {
    check_resolve("app/values.yaml", "app/values.yaml Some(File)");
    check_resolve("./app/../app//values.yaml", "app/values.yaml Some(File)");
    check_resolve("app/link.yaml", "shared/values.yaml Some(File)");
    check_resolve(
        "app/folder/deep/values.yaml",
        "shared/deep/values.yaml Some(File)",
    );
    check_resolve("app/folder/deep/..", "shared Some(Directory)");
    check_resolve("app/..", " None");
    check_resolve("../x", "../x: leads outside of the repository");
    check_resolve(
        "/etc/passwd",
        "/etc/passwd: leads outside of the repository",
    );
    check_resolve("app/out", "app/out: leads outside of the repository");
    check_resolve(
        "app/absolute",
        "app/absolute: leads outside of the repository",
    );
    check_resolve("app/loop", "app/loop: too many levels of symbolic links");
    check_resolve("app/none", "app/none: no such file or directory");
    check_resolve("app/values.yaml/x", "app/values.yaml: not a directory");
}
