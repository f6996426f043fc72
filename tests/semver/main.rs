//! Versions and constraints against cases recorded from
//! github.com/Masterminds/semver v3.5.0.

use drupelet::value::semver::{Constraint, Version};

/// The versions that each constraint of the recording was asked about.
const VERSIONS: &[&str] = &[
    "0.0.0",
    "1.2.3",
    "1.2.4-rc.1",
    "0.2.5",
    "2.0.0",
    "1.10.0",
    "11.1.0",
    "0.0.3",
    "1.0.0-alpha",
    "10.11.1",
    "3.0.0+x",
];

/// The Go string literal at the start of a text.
fn unquote(literal: &str) -> String {
    let inner = literal.trim_matches('"');
    inner.replace("\\t", "\t").replace("\\\"", "\"")
}

fn show<T: ToString, E: ToString>(result: Result<T, E>) -> String {
    match result {
        Ok(value) => value.to_string(),
        Err(error) => format!("error {}", error.to_string()),
    }
}

fn answer(kind: &str, input: &str) -> String {
    match kind {
        "version" => show(Version::parse(&unquote(input))),
        "strict" => show(Version::parse_strict(&unquote(input))),
        "compare" => {
            let (one, other) = input.split_once(' ').expect("two versions");
            let parse = |text| Version::parse(&unquote(text)).expect("a version");
            (parse(one).compare(&parse(other)) as i32).to_string()
        }
        "constraint" => show(Constraint::parse(&unquote(input)).map(|constraint| {
            let parse = |text: &&&str| Version::parse(text).expect("a version");
            let matching: Vec<&str> = VERSIONS
                .iter()
                .filter(|text| constraint.matches(&parse(text)))
                .copied()
                .collect();
            format!("{constraint}: {}", matching.join(" "))
        })),
        other => panic!("unknown kind {other}"),
    }
}

#[test]
fn answers_as_recorded() {
    let mut faults = Vec::new();
    for line in include_str!("cases.tsv").lines() {
        let mut columns = line.split('\t');
        let (Some(kind), Some(input), Some(expected)) =
            (columns.next(), columns.next(), columns.next())
        else {
            panic!("{line}");
        };
        let found = answer(kind, input);
        if found.trim_end() != expected.trim_end() {
            faults.push(format!("{kind} {input}: {found:?}, recorded {expected:?}"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
