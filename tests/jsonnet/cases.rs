//! Programs of one line each, the standard library and errors among them,
//! with what `jsonnet` 0.22.0 says of them. `DRUPELET_RECORD=1` records anew.

use drupelet::jsonnet::{Importer, JsonnetError, Limits, Output, Program, Variable, evaluate};
use std::path::Path;
use std::process::Command;

/// Nothing can be imported.
pub struct Nothing;

impl Importer for Nothing {
    fn import(&self, _: &str, path: &str) -> Result<(String, Vec<u8>), String> {
        Err(format!(
            "couldn't open import {path:?}: no match locally or in the Jsonnet library paths"
        ))
    }
}

pub fn give(text: &str, limits: Limits) -> Result<String, JsonnetError> {
    let variable = |name: &str, value: &str, is_code| Variable {
        name: name.to_owned(),
        value: value.to_owned(),
        is_code,
    };
    let program = Program {
        name: "<cmdline>",
        text,
        external: &[
            variable("str", "1 + 1", false),
            variable("code", "1 + 1", true),
        ],
        arguments: &[],
        limits,
    };
    let parts = evaluate(&program, &Nothing, Output::Json)?;
    Ok(parts.into_iter().map(|(_, text)| text + "\n").collect())
}

/// `= ` and the output, or `! ` with the place where the original has one of
/// the program's, and the message.
fn ours(case: &str, with_place: bool) -> String {
    match give(case, Limits::default()) {
        Ok(text) => format!("= {}", quoted(&text)),
        Err(error) => match error.place {
            Some(place) if with_place => {
                format!("! {}:{} {}", place.line, place.column, error.message)
            }
            _ => format!("! {}", error.message),
        },
    }
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("a string is JSON")
}

fn oracle(case: &str) -> String {
    let arguments = [
        "--ext-str",
        "str=1 + 1",
        "--ext-code",
        "code=1 + 1",
        "-e",
        "--",
    ];
    let run = Command::new("jsonnet").args(arguments).arg(case).output();
    let run = run.expect("recording needs jsonnet 0.22.0 on the PATH");
    if run.status.success() {
        return format!("= {}", quoted(&String::from_utf8_lossy(&run.stdout)));
    }
    let said = String::from_utf8_lossy(&run.stderr).into_owned();
    let first = said.lines().next().unwrap_or_default();
    if let Some(message) = first.strip_prefix("RUNTIME ERROR: ") {
        let frame = said.lines().nth(1).unwrap_or_default().trim();
        return match frame.strip_prefix("<cmdline>:").and_then(place) {
            Some(place) => format!("! {place} {}", without_place(message)),
            None => format!("! {message}"),
        };
    }
    let (at, message) = first.split_once(' ').unwrap_or(("", first));
    match at.strip_prefix("<cmdline>:").and_then(place) {
        Some(place) => format!("! {place} {}", without_place(message)),
        None => format!("! {first}"),
    }
}

/// Errors of string literals name their place once more.
fn without_place(message: &str) -> &str {
    match message.split_once(' ') {
        Some((place, rest)) if place.starts_with("<cmdline>:") => rest,
        _ => message,
    }
}

/// `1:2-3` and `(1:2)-(3:4)` begin at 1:2.
fn place(range: &str) -> Option<String> {
    let range = range.trim_start_matches('(');
    let end = range.find(|c: char| !c.is_ascii_digit() && c != ':');
    let end = end.unwrap_or(range.len());
    Some(range[..end].to_owned())
}

#[test]
fn programs_give_what_jsonnet_gives() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/jsonnet");
    let cases = std::fs::read_to_string(folder.join("cases.txt")).expect("the cases are there");
    let file = folder.join("expected.txt");
    if std::env::var_os("DRUPELET_RECORD").is_some() {
        let recorded: String = cases.lines().map(|case| oracle(case) + "\n").collect();
        std::fs::write(&file, recorded).expect("the folder can be written");
    }
    let expected = std::fs::read_to_string(file).expect("the expected outputs are there");
    assert_eq!(cases.lines().count(), expected.lines().count());
    let mut faults = Vec::new();
    for (case, expected) in cases.lines().zip(expected.lines()) {
        let has_place = expected
            .strip_prefix("! ")
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        let found = ours(case, has_place);
        // Texts that are ours begin alike: see docs/compatibility.md.
        let own = [
            "Expected token",
            "Unexpected",
            "Did not expect",
            "Could not lex",
        ];
        let is_own = own.iter().any(|words| {
            let message = |line: &str| line.split_once(' ').is_some_and(|(_, m)| m.contains(words));
            message(expected) && message(&found)
        });
        if found != *expected && !is_own {
            faults.push(format!("{case}\n  jsonnet: {expected}\n  here:    {found}"));
        }
    }
    assert!(
        faults.is_empty(),
        "{} differ:\n{}",
        faults.len(),
        faults.join("\n")
    );
}
