use drupelet::kustomize::patch::{JsonPatch, json6902, strategic_merge};
use drupelet::kustomize::schema::Schema;
use drupelet::value::{Value, yaml};
use std::path::Path;
use std::{fmt, fs};

#[derive(Debug, PartialEq)]
enum Answer {
    Output(String),
    Deleted,
    Error(String),
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Answer::Output(text) => write!(f, "\n{text}\n"),
            Answer::Deleted => write!(f, "nothing"),
            Answer::Error(text) => write!(f, "error {text}"),
        }
    }
}

struct Case {
    name: String,
    target: String,
    patch: String,
    expected: Answer,
}

fn read(text: &str) -> Vec<Case> {
    let text = format!("\n{text}");
    let cases = text.split("\n=== case ").skip(1);
    let mut last = "";
    let cases = cases.map(|section| {
        let (head, rest) = section
            .split_once("\n=== patch\n")
            .expect("a case has a patch");
        // Without a target it is that of the case before.
        let (name, target) = head.split_once('\n').unwrap_or((head, last));
        last = target;
        let (patch, rest) = rest.split_once("\n=== ").expect("it has an answer");
        let (word, body) = rest.split_once('\n').unwrap_or((rest, ""));
        let body = body.trim_end_matches('\n').to_owned();
        Case {
            name: name.to_owned(),
            target: target.to_owned(),
            patch: patch.to_owned(),
            expected: match word {
                "output" => Answer::Output(body),
                "deleted" => Answer::Deleted,
                "error" => Answer::Error(body),
                other => panic!("unknown section {other}"),
            },
        }
    });
    cases.collect()
}

fn value(text: &str) -> Value {
    yaml::parse_one(text).expect("cases are YAML")
}

fn output(value: Option<Value>) -> Answer {
    match value {
        Some(value) => Answer::Output(yaml::emit(&value).trim_end().to_owned()),
        None => Answer::Deleted,
    }
}

/// Errors have our own words: that there is one is compared, and what it has
/// to name.
fn check(file: &str, apply: impl Fn(&Case) -> Result<Answer, String>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/kyaml")
        .join(file);
    let text = fs::read_to_string(path).expect("the cases are there");
    let cases = read(&text);
    assert!(!cases.is_empty(), "{file} has no cases");
    let mut faults = Vec::new();
    for case in cases {
        let found = apply(&case).unwrap_or_else(Answer::Error);
        let is_equal = match (&found, &case.expected) {
            (Answer::Error(_), Answer::Error(_)) => true,
            (found, expected) => found == expected,
        };
        if !is_equal {
            let expected = case.expected;
            faults.push(format!("{}: found {found}, expected {expected}", case.name));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}

#[test]
fn strategic_merges_are_those_of_kyaml() {
    check("strategic.txt", |case| {
        let merged = strategic_merge(value(&case.target), value(&case.patch), Schema::builtin());
        merged.map(output).map_err(|error| error.to_string())
    });
}

#[test]
fn json_patches_are_those_of_kustomize() {
    check("json6902.txt", |case| {
        let mut target = value(&case.target);
        let patch = JsonPatch::parse(&case.patch).map_err(|error| error.to_string())?;
        json6902(&mut target, &patch).map_err(|error| error.to_string())?;
        Ok(output(Some(target)))
    });
}
