//! Random values and texts against sigs.k8s.io/yaml itself. Runs where
//! DRUPELET_ORACLE is set to a number of rounds (each some thousand cases)
//! and Go is installed: it builds tests/oracle/yaml.

use drupelet::value::{Map, Value, yaml};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

const CASES_PER_ROUND: usize = 4000;

/// Pieces that mean something to a YAML emitter or parser.
const PIECES: &[&str] = &[
    "a",
    "b",
    "word",
    "Z",
    "0",
    "1",
    "9",
    "10",
    " ",
    "  ",
    ":",
    ": ",
    "#",
    " #",
    "-",
    "- ",
    "?",
    "? ",
    ",",
    ", ",
    "[",
    "]",
    "{",
    "}",
    "&",
    "*",
    "!",
    "|",
    ">",
    "'",
    "\"",
    "%",
    "@",
    "`",
    "\\",
    "\n",
    "\n",
    "\n  ",
    "\n\n",
    "\t",
    "=",
    "~",
    ".",
    "_",
    "/",
    "é",
    "日本",
    "\u{a0}",
    "\r",
    "😀",
    "\u{1}",
    "true",
    "null",
    "yes",
    "0x",
    "0o7",
    "1e3",
    "2001-01-01",
    "12:30",
    "---",
    "...",
    "<<",
];

struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        // xorshift64*, which is plenty for choosing test inputs.
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % end
    }

    fn text(&mut self, longest: usize) -> String {
        let n = self.below(longest);
        (0..n).map(|_| PIECES[self.below(PIECES.len())]).collect()
    }

    fn value(&mut self, depth: usize) -> Value {
        match self.below(if depth == 0 { 8 } else { 13 }) {
            0 => Value::Null,
            1 => Value::Bool(self.below(2) == 0),
            2 => Value::Int(self.below(2_000_000) as i64 - 1_000_000),
            3 => Value::Float((self.below(2_000_000) as f64 - 1e6) / 1e3),
            4 => Value::Str(self.text(60)),
            5..=7 => Value::Str(self.text(6)),
            8..=9 => (0..self.below(4))
                .map(|_| self.value(depth - 1))
                .collect::<Vec<_>>()
                .into(),
            _ => {
                let pairs = (0..self.below(5)).map(|_| (self.text(5), self.value(depth - 1)));
                Value::Map(pairs.collect::<Map>())
            }
        }
    }
}

/// One answer a line for one question a line.
fn ask(mode: &str, questions: &[Value]) -> Vec<Value> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let oracle = folder.join("target/oracle-yaml");
    let built = Command::new("go")
        .current_dir(folder.join("tests/oracle/yaml"))
        .args(["build", "-o"])
        .arg(&oracle)
        .arg(".")
        .status();
    assert!(built.expect("go is installed").success());
    let mut child = Command::new(oracle)
        .arg(mode)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the oracle was just built");
    let mut stdin = child.stdin.take().expect("piped");
    let text: String = questions.iter().map(|q| q.to_json() + "\n").collect();
    let writer = std::thread::spawn(move || stdin.write_all(text.as_bytes()));
    let output = child.wait_with_output().expect("the oracle ends");
    writer.join().expect("no panic").expect("the oracle reads");
    let answers: Vec<_> = output
        .stdout
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| Value::from_json(line).expect("the oracle writes JSON"))
        .collect();
    assert_eq!(answers.len(), questions.len());
    answers
}

fn rounds() -> u64 {
    let rounds = std::env::var("DRUPELET_ORACLE").ok();
    let rounds = rounds.and_then(|text| text.parse().ok()).unwrap_or(0);
    if rounds == 0 {
        println!("not run: set DRUPELET_ORACLE to a number of rounds, with Go installed");
    }
    rounds
}

#[test]
fn emits_random_values_as_sigs_yaml() {
    for round in 0..rounds() {
        let mut random = Random(0x9E37_79B9 + round);
        let values: Vec<_> = (0..CASES_PER_ROUND).map(|_| random.value(3)).collect();
        for (value, answer) in values.iter().zip(ask("emit", &values)) {
            if let Some(wanted) = answer.get("ok").and_then(Value::as_str) {
                assert_eq!(yaml::emit(value), wanted, "{}", value.to_json());
            }
        }
    }
}

#[test]
fn parses_what_tools_print_as_sigs_yaml() {
    for round in 0..rounds() {
        let mut random = Random(0x85EB_CA6B + round);
        let texts: Vec<_> = (0..CASES_PER_ROUND)
            .map(|_| Value::Str(yaml::emit(&random.value(3))))
            .collect();
        for (text, answer) in texts.iter().zip(ask("parse", &texts)) {
            let text = text.as_str().expect("made so");
            // Merge keys that merge no mapping are errors there and here.
            let Some(wanted) = answer.get("ok").and_then(Value::as_str) else {
                assert!(yaml::parse_one(text).is_err(), "{text:?}");
                continue;
            };
            let wanted = Value::from_json(wanted.as_bytes()).expect("JSON");
            let ours = yaml::parse_one(text).expect("Go reads it");
            assert_eq!(ours.to_json(), wanted.to_json(), "{text:?}");
        }
    }
}
