//! Random templates against the real engine: `tests/oracle/gotmpl/fuzz` writes
//! them, with what the engine made of each, and runs this test over them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use drupelet::gotmpl::{Numbers, Val};
use drupelet::value::Value;
use serde::Deserialize;

use crate::support;

#[derive(Deserialize)]
struct Case {
    files: Vec<(String, String)>,
    values: serde_json::Value,
    strict: bool,
    output: Option<String>,
    error: Option<String>,
    failed: bool,
}

/// How many differences are shown in full.
const SHOWN: usize = 25;

fn bytes(text: Option<&String>) -> Vec<u8> {
    let text = text.map_or("", String::as_str);
    STANDARD.decode(text).expect("the oracle writes base64")
}

fn check(line: &str) -> Result<bool, (String, String)> {
    let case: Case = serde_json::from_str(line).expect("the oracle writes JSON");
    let values = Value::of(&case.values).expect("values are JSON");
    let data = Val::from_value(&values, Numbers::Float64);
    data.as_map()
        .expect("values are a map")
        .insert("T", support::typed());
    let expected = if case.failed {
        Err(String::from_utf8_lossy(&bytes(case.error.as_ref())).into_owned())
    } else {
        Ok(bytes(case.output.as_ref()))
    };
    let render = || support::render(&case.files, case.strict, data);
    let got = std::panic::catch_unwind(std::panic::AssertUnwindSafe(render))
        .unwrap_or_else(|_| Err("a panic".into()));
    if got == expected {
        return Ok(!case.failed);
    }
    let show = |result: &Result<Vec<u8>, String>| match result {
        Ok(output) => format!("output {}", String::from_utf8_lossy(output)),
        Err(error) => format!("error {error}"),
    };
    let (template, expected, got) = (&case.files[1].1, show(&expected), show(&got));
    // What the differences are counted by: the causes, without what is quoted.
    let cause = |text: &str| -> String {
        let last = text.rsplit(": ").next().unwrap_or_default();
        text.chars().take(6).chain(last.chars().take(60)).collect()
    };
    Err((
        format!("{} | {}", cause(&expected), cause(&got)),
        format!(
            "--- template\n{template}\n--- values {}\n--- expected\n{expected}\n--- got\n{got}\n",
            case.values
        ),
    ))
}

#[test]
fn random_templates_equal_the_real_engine() {
    let Some(path) = std::env::var_os("DRUPELET_GOTMPL_FUZZ") else {
        println!(
            "no fuzzed cases are given: DRUPELET_GOTMPL_FUZZ names no file of tests/oracle/gotmpl/fuzz"
        );
        return;
    };
    support::on_a_large_stack(move || {
        let file = BufReader::new(File::open(path).expect("the file is there"));
        let (mut n_cases, mut n_rendered, mut n_different) = (0, 0, 0);
        let mut causes = BTreeMap::<String, usize>::new();
        for line in file.lines() {
            let line = line.expect("the file is readable");
            n_cases += 1;
            match check(&line) {
                Ok(rendered) => n_rendered += usize::from(rendered),
                Err((cause, text)) => {
                    let seen = causes.entry(cause).or_default();
                    *seen += 1;
                    n_different += 1;
                    // One of a kind is enough.
                    if *seen == 1 && causes.len() <= SHOWN {
                        println!("case {n_cases}\n{text}");
                    }
                }
            }
        }
        println!("{n_cases} cases, {n_rendered} rendered, {n_different} differ");
        for (cause, n) in &causes {
            println!("{n:6} {cause}");
        }
        assert_eq!(n_different, 0);
    });
}
