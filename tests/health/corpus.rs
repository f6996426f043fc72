use drupelet::health::verdict;
use drupelet::object::Object;
use drupelet::value::{Value, yaml};
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
    verdict(&object).map_or(String::new(), |health| health.status.to_string())
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

#[test]
fn custom_kinds_fare_as_in_argo_cd() {
    let Some(folder) = corpus("health/customizations") else {
        return;
    };
    let (mut n, mut n_without_file, mut faults) = (0, 0, Vec::new());
    for group in sorted(&folder) {
        for kind in sorted(&group) {
            let tests = kind.join("health_test.yaml");
            if !tests.is_file() {
                continue;
            }
            let text = fs::read_to_string(&tests).expect("the corpus is whole");
            let cases = yaml::parse_one(&text).expect("the corpus is YAML");
            for case in cases.get("tests").and_then(Value::as_seq).expect("tests") {
                // Two cases are spelled `inputpath` and have no file.
                let Some(input) = case.get("inputPath").and_then(Value::as_str) else {
                    n_without_file += 1;
                    continue;
                };
                let wanted = case.at(&["healthStatus", "status"]).and_then(Value::as_str);
                let ours = status_of(&kind.join(input));
                n += 1;
                if Some(ours.as_str()) != wanted {
                    let file = kind.join(input);
                    let file = file.strip_prefix(&folder).expect("below it").display();
                    faults.push(format!("{file}: {ours:?}, not {wanted:?}"));
                }
            }
        }
    }
    assert_eq!((n, n_without_file), (1121, 2));
    assert!(
        faults.is_empty(),
        "{} of {n}\n{}",
        faults.len(),
        faults.join("\n")
    );
}

fn sorted(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the corpus is readable");
    let mut paths: Vec<_> = entries
        .map(|entry| entry.expect("readable").path())
        .collect();
    paths.retain(|path| path.is_dir());
    paths.sort();
    paths
}
