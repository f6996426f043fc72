use drupelet::health::health;
use drupelet::object::Object;
use drupelet::value::yaml;
use std::fs;
use std::path::{Path, PathBuf};

/// The corpus, where it is; says so where it is not.
fn corpus(part: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    let root = std::env::var_os("DRUPELET_CORPUS").map_or_else(beside, PathBuf::from);
    let folder = root.join(part);
    if !folder.is_dir() {
        println!("not run: no {} (DRUPELET_CORPUS)", folder.display());
        return None;
    }
    Some(folder)
}

/// The status of the object in a file; "" where it has none.
fn status_of(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    let value = yaml::parse_one(&text).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    let object = Object::new(value).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    health(&object).map_or(String::new(), |health| health.status.to_string())
}

#[test]
fn kinds_of_kubernetes_fare_as_in_argo_cd() {
    let Some(folder) = corpus("health/builtin") else {
        return;
    };
    let table = fs::read_to_string(folder.join("expected.tsv")).expect("the corpus is whole");
    let (mut n, mut faults) = (0, Vec::new());
    for line in table.lines() {
        let (file, wanted) = line.split_once('\t').expect("two columns");
        n += 1;
        let ours = status_of(&folder.join(file));
        if ours != wanted {
            faults.push(format!("{file}: {ours:?}, not {wanted}"));
        }
    }
    assert_eq!(n, 46);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
