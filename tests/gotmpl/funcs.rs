//! The functions against Helm's own: every line of funcs/*.jsonl is a template
//! with what the real function map made of it (`tests/oracle/funcs`).

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use drupelet::gotmpl::{Context, Error, Host, Numbers, TemplateSet, Val, funcs};
use drupelet::value::Value;

use crate::support;

/// Up to here the texts about wrong documents and keys are those of Go; what
/// follows is in our own words (docs/compatibility.md).
const FAULTS: &[&str] = &["error converting YAML to JSON: ", "toml: line ", "asn1: "];

/// What docs/compatibility.md says is answered otherwise.
fn is_accepted(template: &str) -> bool {
    let pretty = template.contains("toYamlPretty");
    pretty && (template.contains("toDate") || template.contains(r"\xff"))
        || template.contains(r#"fromYaml "\ta: 1""#)
        || template.contains(r#"fromYamlArray "\ta: 1""#)
}

/// Numbers that look random, the same in every run.
pub struct SeededHost(Cell<u64>);

impl SeededHost {
    pub fn new(seed: u64) -> Self {
        SeededHost(Cell::new(seed))
    }
}

impl Host for SeededHost {
    fn now(&self) -> jiff::Zoned {
        jiff::Zoned::default()
    }

    fn random(&self, buffer: &mut [u8]) {
        for byte in buffer {
            // splitmix64
            let seed = self.0.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
            self.0.set(seed);
            let mixed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            *byte = (mixed >> 33) as u8;
        }
    }

    fn lookup(&self, _: &str, _: &str, _: &str, _: &str) -> Result<Val, Error> {
        Ok(Val::Nil)
    }
}

#[derive(Debug, PartialEq)]
enum Answer {
    Output(Vec<u8>),
    Error(String),
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/gotmpl/funcs")
}

fn run(template: &str, values: &Value) -> Answer {
    let mut set = TemplateSet::new(funcs::table());
    if let Err(error) = set.parse("c", template.as_bytes()) {
        return Answer::Error(error.to_string());
    }
    let data = Val::from_value(values, Numbers::Float64);
    let host = SeededHost::new(1);
    let mut context = Context::with_templates(Rc::new(set), &host, support::limits());
    match context.render("c", data) {
        Ok(text) => {
            let text = text.as_bytes().to_vec();
            Answer::Output(without(&text, b"<no value>"))
        }
        Err(error) => Answer::Error(error.to_string()),
    }
}

/// Helm's engine takes that text out of what it printed.
fn without(text: &[u8], part: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.windows(part.len()).position(|w| w == part) {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at + part.len()..];
    }
    out.extend_from_slice(rest);
    out
}

fn recorded(line: &Value) -> Answer {
    use base64::Engine as _;
    let text = |key| line.get(key).and_then(Value::as_str);
    match (text("o"), text("b"), text("e")) {
        (Some(output), ..) => Answer::Output(output.into()),
        (_, Some(bytes), _) => Answer::Output(
            base64::engine::general_purpose::STANDARD
                .decode(bytes)
                .expect("the oracle writes base64"),
        ),
        (_, _, error) => Answer::Error(error.expect("an answer of three").to_owned()),
    }
}

fn check(file: &str) {
    let file = file.to_owned();
    support::on_a_large_stack(move || {
        let values = fs::read(folder().join("values.json")).expect("readable");
        let values = Value::from_json(&values).expect("JSON");
        let text = fs::read_to_string(folder().join(&file)).expect("readable");
        let (mut n_cases, mut faults) = (0, Vec::new());
        for line in text.lines() {
            let line = Value::from_json(line.as_bytes()).expect("the oracle writes JSON");
            let template = line.get("t").and_then(Value::as_str).expect("recorded");
            n_cases += 1;
            let (got, expected) = (run(template, &values), recorded(&line));
            let accepted = is_accepted(template) || have_equal_faults(&got, &expected);
            if got != expected && !accepted {
                faults.push(format!(
                    "{template}\n  expected {}\n       got {}",
                    shown(&expected),
                    shown(&got)
                ));
            }
        }
        let n_faults = faults.len();
        assert!(
            faults.is_empty(),
            "{n_faults} of {n_cases} cases differ\n{}",
            faults.join("\n")
        );
    });
}

/// Equal up to the fault that both of them name.
fn have_equal_faults(got: &Answer, expected: &Answer) -> bool {
    let text = |answer: &Answer| match answer {
        Answer::Output(text) => String::from_utf8_lossy(text).into_owned(),
        Answer::Error(text) => text.clone(),
    };
    let (got, expected) = (text(got), text(expected));
    FAULTS.iter().any(|fault| {
        let prefix = |text: &str| Some(text.split_once(fault)?.0.to_owned());
        prefix(&got).is_some() && prefix(&got) == prefix(&expected)
    })
}

fn shown(answer: &Answer) -> String {
    match answer {
        Answer::Output(text) => format!("{:?}", String::from_utf8_lossy(text)),
        Answer::Error(text) => format!("error {text}"),
    }
}

macro_rules! recorded_cases {
    ($($name:ident)*) => {$(
        #[test]
        fn $name() {
            check(concat!(stringify!($name), ".jsonl"));
        }
    )*};
}

recorded_cases!(convert crypto dates dicts documents encoding lists numbers regex semver strings unary);
