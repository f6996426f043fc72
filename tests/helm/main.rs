//! `drupelet render helm` beside recordings of `helm template` (Helm 4.2.4).
//!
//! A case is `cases/NAME.txtar`: lines of arguments, then the files of a chart,
//! each behind `-- path --`. Files below `x.tgz!/` are packed into that archive.
//! `cases/NAME.out` holds what helm printed for each line of arguments.
//! `HELM_RECORD=/path/to/helm cargo test --test helm` records them anew.

mod archives;
mod dependencies;
mod flags;
#[path = "../support/tgz.rs"]
mod tgz;
mod txtar;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use txtar::Case;

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/helm/cases");
    let mut found: Vec<PathBuf> = fs::read_dir(folder)
        .expect("the folder of cases is there")
        .map(|entry| entry.expect("it is readable").path())
        .filter(|path| path.extension().is_some_and(|e| e == "txtar"))
        .collect();
    found.sort();
    found
}

/// Runs in the folder of the chart, with an empty home.
fn run(program: &Path, command: &[&str], arguments: &str, folder: &Path) -> Output {
    let home = folder.parent().expect("it lies in a temporary folder");
    Command::new(program)
        .args(command)
        .args(arguments.split_whitespace().map(|a| a.trim_matches('\'')))
        .current_dir(folder)
        .env_clear()
        .env("HOME", home)
        .output()
        .expect("the program starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What helm said, as it is recorded: its output, or its error.
fn recorded(output: &Output, folder: &Path) -> String {
    if output.status.success() {
        return text(&output.stdout);
    }
    let folder = folder.to_string_lossy().into_owned();
    let stderr = text(&output.stderr).replace(&folder, "CHART");

    let lines = stderr
        .lines()
        .filter(|line| !line.starts_with("level=") && !line.starts_with("Use --debug"));
    let lines: Vec<String> = lines.map(shortened).collect();
    format!("{}\n", lines.join("\n").trim_end())
}

/// A loop of a thousand includes by its two ends.
fn shortened(line: &str) -> String {
    const END: usize = 400;
    if line.len() < 10 * END || !line.is_ascii() {
        return line.to_owned();
    }
    format!("{} … {}", &line[..END], &line[line.len() - END..])
}

/// Locations and the innermost cause of an error of helm's.
fn essentials(error: &str) -> Vec<String> {
    let lines: Vec<&str> = error.lines().filter(|l| !l.trim().is_empty()).collect();
    let Some(last) = lines.last() else {
        return Vec::new();
    };
    let last = last.trim().trim_start_matches("Error: ");
    // Of a chain of includes the end counts: our stack ends before Go's.
    let cause = last.rsplit(": error calling ").next().unwrap_or(last);
    let last = cause
        .split_once(": ")
        .map_or(last, |(_, c)| if cause == last { last } else { c });
    // Our YAML errors know the true line, and the column.
    let mut wanted: Vec<String> = match last.split_once(": yaml: ") {
        Some((front, problem)) => {
            let problem = problem.split_once(": ").map_or(problem, |(_, p)| p);
            vec![front.to_owned(), problem.to_owned()]
        }
        None => vec![last.to_owned()],
    };
    for word in error.split([' ', '\n', '(', ')']) {
        let word = word.trim_end_matches(':');
        let is_location = word.contains("templates/") && word.matches(':').count() == 2;
        if is_location && !wanted.iter().any(|w| w == word) {
            wanted.push(word.to_owned());
        }
    }
    wanted
}

#[test]
fn prints_what_helm_prints() {
    let drupelet = Path::new(env!("CARGO_BIN_EXE_drupelet"));
    let helm = std::env::var_os("HELM_RECORD").map(PathBuf::from);
    let mut faults = Vec::new();
    for path in cases() {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let case = Case::parse(&fs::read_to_string(&path).expect("a case is text"));
        let temporary = tempfile::tempdir().expect("a temporary folder");
        let folder = temporary.path().join("chart");
        case.write_to(&folder);
        let recording = path.with_extension("out");
        if let Some(helm) = &helm {
            let answers = case.arguments.iter().map(|arguments| {
                let output = run(helm, &["template"], arguments, &folder);
                (arguments.clone(), recorded(&output, &folder))
            });
            txtar::write_answers(&recording, &answers.collect::<Vec<_>>());
        }
        let expected: BTreeMap<String, String> = txtar::read_answers(&recording);
        for arguments in &case.arguments {
            let Some(expected) = expected.get(arguments) else {
                faults.push(format!("{name}: {arguments}: not recorded"));
                continue;
            };
            let output = run(drupelet, &["render", "helm"], arguments, &folder);
            if let Some(fault) = difference(expected, &output, &folder) {
                faults.push(format!("{name}: {arguments}\n{fault}"));
            }
        }
    }
    let n_faults = faults.len();
    assert!(faults.is_empty(), "{n_faults}:\n{}", faults.join("\n\n"));
}

fn difference(expected: &str, output: &Output, folder: &Path) -> Option<String> {
    if let Some(error) = expected.strip_prefix("Error: ") {
        let stderr = recorded(output, folder);
        if output.status.success() {
            return Some(format!("helm refuses: {error}\nwe print:\n{stderr}"));
        }
        let missing: Vec<String> = essentials(error)
            .into_iter()
            .filter(|wanted| !stderr.contains(wanted.as_str()))
            .collect();
        return (!missing.is_empty())
            .then(|| format!("helm: {error}ours: {stderr}missing: {missing:?}"));
    }
    if !output.status.success() {
        return Some(format!("we refuse: {}", text(&output.stderr)));
    }
    let found = text(&output.stdout);
    if found == expected {
        return None;
    }
    let (mut want, mut got) = (expected.lines(), found.lines());
    for number in 1.. {
        match (want.next(), got.next()) {
            (None, None) => break,
            (want, got) if want == got => {}
            (want, got) => return Some(format!("line {number}: helm {want:?}, ours {got:?}")),
        }
    }
    Some("white space at the end".to_owned())
}
