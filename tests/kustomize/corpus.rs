//! The cases of kustomize's own tests that were recorded with 5.5.

use super::{built, tree_of};
use std::fs;
use std::path::{Path, PathBuf};

/// What 5.8 prints where 5.5 printed something else.
const SINCE: [(&str, &str); 1] = [(
    "TestNamespaceNotAddedToValidatingAdmissionPolicies",
    "\n  namespace: my-namespace",
)];

#[test]
fn the_corpus_is_built_byte_for_byte() {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    let corpus = std::env::var_os("DRUPELET_CORPUS").map_or_else(beside, PathBuf::from);
    let folder = corpus.join("kustomize");
    let Ok(entries) = fs::read_dir(&folder) else {
        println!("not run: no {} (DRUPELET_CORPUS)", folder.display());
        return;
    };
    let mut faults = Vec::new();
    let mut n_cases = 0;
    for entry in entries {
        let case = entry.expect("the corpus is readable").path();
        let name = case
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let Ok(target) = fs::read_to_string(case.join("target")) else {
            continue;
        };
        n_cases += 1;
        let mut expected = fs::read_to_string(case.join("expected.yaml")).expect("it is there");
        for (_, line) in SINCE.iter().filter(|(case, _)| *case == name) {
            expected = expected.replace(line, "");
        }
        match built(&tree_of(&case.join("in")), target.trim(), true) {
            Ok(text) if text == expected => {}
            Ok(text) => faults.push(format!("{name}:\n{}", difference(&expected, &text))),
            Err(error) => faults.push(format!("{name}: {error}")),
        }
    }
    assert!(n_cases >= 75, "{n_cases} cases");
    assert!(
        faults.is_empty(),
        "{} of {n_cases}:\n{}",
        faults.len(),
        faults.join("\n")
    );
}

/// The first lines that differ.
pub fn difference(expected: &str, text: &str) -> String {
    let (mut one, mut other) = (expected.lines(), text.lines());
    let mut shown = Vec::new();
    loop {
        let pair = (one.next(), other.next());
        match pair {
            (None, None) => break,
            (a, b) if a == b => {}
            (a, b) => shown.push(format!(
                "  - {}\n  + {}",
                a.unwrap_or("(end)"),
                b.unwrap_or("(end)")
            )),
        }
        if shown.len() == 4 {
            break;
        }
    }
    shown.join("\n")
}
