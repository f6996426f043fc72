//! The recorded cases.

use std::fs;
use std::path::Path;

use drupelet::gotmpl::{Numbers, Val};
use drupelet::value::Value;

use crate::support;

const MAIN: &str = "chart/templates/case.yaml";

#[derive(Default)]
struct Case {
    name: String,
    strict: bool,
    /// The files beside the main one come first, as the oracle parses them.
    files: Vec<(String, String)>,
    main: String,
    expected: Option<Result<String, String>>,
}

/// The sections of a file: lines that start with `=== `.
fn parse(text: &str) -> (String, Vec<Case>) {
    let (mut values, mut cases) = (String::new(), Vec::<Case>::new());
    for section in text.split("\n=== ").skip(1) {
        let (head, body) = section.split_once('\n').unwrap_or((section, ""));
        let (word, rest) = head.split_once(' ').unwrap_or((head, ""));
        let body = body.to_owned();
        if word == "values" {
            values = body;
            continue;
        }
        if matches!(word, "case" | "strict") {
            cases.push(Case {
                name: rest.into(),
                strict: word == "strict",
                main: body,
                ..Case::default()
            });
            continue;
        }
        let case = cases.last_mut().expect("a case comes first");
        match word {
            "file" => case.files.push((rest.into(), body)),
            "output" => case.expected = Some(Ok(body)),
            "error" => case.expected = Some(Err(body)),
            _ => panic!("unknown section {head}"),
        }
    }
    (values, cases)
}

fn data(values: &str) -> Val {
    let value = match values.trim() {
        "" => Value::Map(drupelet::value::Map::new()),
        text => Value::from_json(text.as_bytes()).expect("the values of a case are JSON"),
    };
    let data = Val::from_value(&value, Numbers::Float64);
    data.as_map()
        .expect("the values of a case are a map")
        .insert("T", support::typed());
    data
}

fn check(path: &Path) -> (usize, Vec<String>) {
    // Last newlines belong to the file, not to the last section.
    let text = fs::read(path).expect("cases are readable");
    let text = String::from_utf8_lossy(&text).into_owned();
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let (values, cases) = parse(text);
    let mut faults = Vec::new();
    for case in &cases {
        let mut files = case.files.clone();
        files.push((MAIN.into(), case.main.clone()));
        let got = support::render(&files, case.strict, data(&values))
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .map_err(shorten);
        let expected = case.expected.as_ref().expect("recorded");
        if got != *expected {
            faults.push(format!(
                "{}: {}\n{}\nexpected {expected:?}\n     got {got:?}\n",
                path.display(),
                case.name,
                case.main,
            ));
        }
    }
    (cases.len(), faults)
}

/// As the oracle shortens what a loop of includes wraps a thousand times.
fn shorten(text: String) -> String {
    if text.len() < 4000 {
        return text;
    }
    let (first, last) = (&text[..500], &text[text.len() - 500..]);
    format!("{first} [{} bytes] {last}", text.len())
}

#[test]
fn cases_equal_the_real_engine() {
    support::on_a_large_stack(|| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/gotmpl/cases");
        let (mut n_cases, mut faults) = (0, Vec::new());
        for entry in fs::read_dir(folder).expect("the cases are there") {
            let (n, found) = check(&entry.expect("the cases are readable").path());
            n_cases += n;
            faults.extend(found);
        }
        let n_faults = faults.len();
        assert!(
            faults.is_empty(),
            "{n_faults} of {n_cases} cases differ\n{}",
            faults.join("\n")
        );
    });
}
