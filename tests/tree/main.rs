//! Look-ups in trees, and what is remembered of them.

use drupelet::tree::{
    Entry, EntryKind, FindError, Inputs, MemoryTree, Recorded, Tree, TreeError, entry_following,
    find_files, read_following,
};
use std::collections::BTreeMap;

/// Files in memory of which some are links.
#[derive(Clone, Default)]
struct Linked {
    files: MemoryTree,
    links: BTreeMap<String, String>,
}

impl Linked {
    fn new(files: &[(&str, &str)], links: &[(&str, &str)]) -> Self {
        let mut tree = Linked::default();
        for (path, text) in files.iter().chain(links) {
            tree.set(path, text);
        }
        for (path, target) in links {
            tree.links.insert((*path).to_owned(), (*target).to_owned());
        }
        tree
    }

    fn set(&mut self, path: &str, text: &str) {
        self.files.files.insert(path.to_owned(), text.into());
    }

    fn mark(&self, path: &str, mut entry: Entry) -> Entry {
        if self.links.contains_key(path) {
            entry.kind = EntryKind::Symlink;
        }
        entry
    }
}

impl Tree for Linked {
    fn entry(&self, path: &str) -> Result<Option<Entry>, TreeError> {
        let entry = self.files.entry(path)?;
        Ok(entry.map(|entry| self.mark(path, entry)))
    }

    fn list(&self, directory: &str) -> Result<Vec<(String, Entry)>, TreeError> {
        let entries = self.files.list(directory)?.into_iter();
        let marked = entries.map(|(name, entry)| {
            let path = drupelet::tree::join(directory, &name);
            (name, self.mark(&path, entry))
        });
        Ok(marked.collect())
    }

    fn read(&self, file: &str) -> Result<Vec<u8>, TreeError> {
        self.files.read(file)
    }
}

fn example() -> Linked {
    Linked::new(
        &[
            ("apps/loki/values.yaml", "a: 1"),
            ("apps/loki/values-prod.yaml", "a: 2"),
            ("apps/loki/deep/er/values.yaml", "a: 3"),
            ("apps/grafana/values.yaml", "b: 1"),
            ("common/values.yaml", "c: 1"),
            ("README.md", "hello"),
        ],
        &[
            ("apps/loki/shared.yaml", "../../common/values.yaml"),
            ("apps/out", "../../etc/passwd"),
            ("apps/absolute", "/etc/passwd"),
            ("apps/loop", "loop"),
            ("linked", "apps/loki"),
        ],
    )
}

#[test]
fn links_are_followed_inside_of_the_tree_only() {
    let tree = example();
    let read = |path: &str| read_following(&tree, path).map_err(|error| error.to_string());
    assert_eq!(read("apps/loki/shared.yaml").as_deref(), Ok(&b"c: 1"[..]));
    assert_eq!(read("linked/values.yaml").as_deref(), Ok(&b"a: 1"[..]));
    assert_eq!(
        read("linked/../grafana/values.yaml").as_deref(),
        Ok(&b"b: 1"[..])
    );
    let error = |path: &str| read(path).unwrap_err();
    assert_eq!(
        error("apps/out"),
        "apps/out: leads outside of the repository"
    );
    assert_eq!(
        error("apps/absolute"),
        "apps/absolute: leads outside of the repository"
    );
    assert_eq!(
        error("apps/loop"),
        "apps/loop: too many levels of symbolic links"
    );
    assert_eq!(error("../x"), "../x: leads outside of the repository");
    assert_eq!(error("apps/loki"), "apps/loki: is a directory");
    assert_eq!(error("apps/none"), "apps/none: no such file or directory");
    assert!(matches!(entry_following(&tree, "apps/none/x"), Ok(None)));
    assert!(matches!(entry_following(&tree, "README.md/x"), Ok(None)));
    let root = entry_following(&tree, ".").unwrap();
    assert_eq!(root, Some((String::new(), EntryKind::Directory)));
}

#[track_caller]
fn check_find(pattern: &str, expected: &[&str]) {
    let found = find_files(&example(), pattern).map_err(|error| error.to_string());
    assert_eq!(
        found.as_deref(),
        Ok(expected
            .iter()
            .map(|p| (*p).to_owned())
            .collect::<Vec<_>>()
            .as_slice())
    );
}

#[test]
fn patterns_find_files_in_lexical_order() {
    check_find(
        "apps/*/values.yaml",
        &["apps/grafana/values.yaml", "apps/loki/values.yaml"],
    );
    check_find(
        "apps/loki/**/values*.yaml",
        &[
            "apps/loki/deep/er/values.yaml",
            "apps/loki/values-prod.yaml",
            "apps/loki/values.yaml",
        ],
    );
    check_find(
        "apps/loki/{values,shared}.yaml",
        &["apps/loki/shared.yaml", "apps/loki/values.yaml"],
    );
    check_find("apps/loki/../grafana/*.yaml", &["apps/grafana/values.yaml"]);
    check_find("none/*.yaml", &[]);
    check_find("README.md", &["README.md"]);
    check_find("*", &["README.md"]);
    let error = find_files(&example(), "apps/[").unwrap_err();
    assert!(matches!(error, FindError::Glob(_)), "{error}");
}

/// What a render does: find values, read a chart, look for what is not there.
fn some_reads(tree: &dyn Tree) -> Inputs {
    let recorded = Recorded::new(tree);
    read_following(&recorded, "apps/loki/values.yaml").unwrap();
    read_following(&recorded, "apps/loki/shared.yaml").unwrap();
    assert!(read_following(&recorded, "apps/loki/Chart.yaml").is_err());
    find_files(&recorded, "apps/loki/values-*.yaml").unwrap();
    recorded.inputs()
}

#[test]
fn inputs_know_what_would_make_a_difference() {
    let tree = example();
    let inputs = some_reads(&tree);
    assert!(inputs.unchanged(&tree).unwrap());
    let first_change = |change: &dyn Fn(&mut Linked)| {
        let mut tree = tree.clone();
        change(&mut tree);
        inputs.first_change(&tree).unwrap()
    };
    let is = |path: &str| Some(path.to_owned());
    // What was not read makes none.
    assert_eq!(first_change(&|tree| tree.set("README.md", "x")), None);
    assert_eq!(
        first_change(&|tree| tree.set("apps/grafana/values.yaml", "x")),
        None
    );
    assert_eq!(
        first_change(&|tree| tree.set("apps/loki/deep/er/x.yaml", "x")),
        None
    );
    // The pattern's files were listed, not read.
    assert_eq!(
        first_change(&|tree| tree.set("apps/loki/values-prod.yaml", "x")),
        None
    );
    assert_eq!(
        first_change(&|tree| tree.set("apps/loki/values.yaml", "x")),
        is("apps/loki/values.yaml")
    );
    assert_eq!(
        first_change(&|tree| tree.set("common/values.yaml", "x")),
        is("common/values.yaml")
    );
    assert_eq!(
        first_change(&|tree| tree.set("apps/loki/values-x.yaml", "x")),
        is("apps/loki")
    );
    assert_eq!(
        first_change(&|tree| tree.set("apps/loki/Chart.yaml", "x")),
        is("apps/loki")
    );
    assert_eq!(
        first_change(&|tree| {
            tree.files.files.remove("common/values.yaml");
        }),
        is("common")
    );
    assert_eq!(
        first_change(&|tree| {
            tree.links.remove("apps/loki/shared.yaml");
            tree.set("apps/loki/shared.yaml", "x");
        }),
        is("apps/loki")
    );
}

#[test]
fn inputs_survive_their_bytes_and_refuse_others() {
    let inputs = some_reads(&example());
    let bytes = inputs.as_bytes();
    assert_eq!(Inputs::from_bytes(bytes), Some(inputs.clone()));
    assert!(inputs.paths().contains(&"apps/loki/Chart.yaml".to_owned()));
    // Cut anywhere and bent anywhere: a value or none, but no panic.
    for end in 0..bytes.len() {
        let _ = Inputs::from_bytes(&bytes[..end]);
        let mut bent = bytes.to_vec();
        bent[end] ^= 0xff;
        if let Some(inputs) = Inputs::from_bytes(&bent) {
            let _ = inputs.first_change(&example());
        }
    }
}
