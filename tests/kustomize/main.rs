//! Kustomizations beside recordings of `kustomize build` (5.8.2).

mod cases;
mod cli;
mod corpus;
mod edit;
mod fields;
mod loopback;
mod malformed;
mod remotes;

#[path = "../support/mod.rs"]
#[allow(dead_code, reason = "each test program uses a part of it")]
mod support;

use drupelet::gotmpl::{Error, Host, Limits, Map, Val};
use drupelet::kustomize::{BuildError, HelmOptions, Nothing, Options, build};
use drupelet::tree::MemoryTree;
use std::path::Path;

/// The files below a folder.
fn tree_of(folder: &Path) -> MemoryTree {
    let mut tree = MemoryTree::default();
    let mut todo = vec![folder.to_owned()];
    while let Some(directory) = todo.pop() {
        for entry in std::fs::read_dir(directory).expect("the folder is readable") {
            let path = entry.expect("the entry is readable").path();
            if path.is_dir() {
                todo.push(path);
                continue;
            }
            let name = path.strip_prefix(folder).expect("it is below the folder");
            let name = name.to_str().expect("names are UTF-8").to_owned();
            let bytes = std::fs::read(&path).expect("the file is readable");
            tree.files.insert(name, bytes);
        }
    }
    tree
}

fn built(tree: &MemoryTree, path: &str, root_only: bool) -> Result<String, BuildError> {
    let options = Options {
        root_only,
        fetched: &Nothing,
        helm: None,
        adjust: &|_| Ok(()),
    };
    Ok(build(tree, path, &options)?.to_yaml())
}

/// No chance, no time.
struct Still;

impl Host for Still {
    fn now(&self) -> jiff::Zoned {
        jiff::Timestamp::UNIX_EPOCH.to_zoned(jiff::tz::TimeZone::UTC)
    }

    fn random(&self, buffer: &mut [u8]) {
        buffer.fill(7);
    }

    fn lookup(&self, _: &str, _: &str, _: &str, _: &str) -> Result<Val, Error> {
        Ok(Val::Map(Map::new()))
    }
}

fn built_with_charts(tree: &MemoryTree, path: &str) -> Result<String, BuildError> {
    let options = Options {
        root_only: true,
        fetched: &Nothing,
        helm: Some(HelmOptions {
            kube_version: String::new(),
            api_versions: Vec::new(),
            host: &Still,
            limits: Limits::default(),
            charts: &|_| None,
        }),
        adjust: &|_| Ok(()),
    };
    Ok(build(tree, path, &options)?.to_yaml())
}
