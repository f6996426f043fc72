//! Must hold: every answer of the sandbox equals the real server's. Against
//! the recorded answers always, against a real server where there is one.
//!
//! `DRUPELET_RECORD=1` records anew; `DRUPELET_SEEDS=7,8` or `0-99` picks
//! sequences, of which the first that differ are printed in full;
//! `DRUPELET_BRIEF=1` prints each that differs in one line, `DRUPELET_TEXTS=1`
//! error messages that differ (only code and reason must be equal).

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::path::PathBuf;

use drupelet::sandbox::{Options, Sandbox};
use drupelet::value::Value;

use super::answer::Answer;
use super::sequence::{Sequence, n_kinds, sequence};
use super::server::Server;
use super::support::apiserver::ApiServer;

const N_SEQUENCES: u64 = 2000;
/// Differences that are printed before the test gives up.
const MAX_PRINTED: usize = 10;

fn recorded_path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fidelity/recorded.z")
}

fn run(server: &Server, sequence: &Sequence) -> Vec<Answer> {
    sequence
        .steps
        .iter()
        .map(|step| server.send(step))
        .collect()
}

fn sandbox() -> (Sandbox, Server) {
    let sandbox = Sandbox::start(&Options {
        controllers: false,
        ..Options::default()
    })
    .expect("a free port");
    let server = Server::plain(&sandbox.url());
    server.install_crd();
    (sandbox, server)
}

fn picked_seeds() -> Option<Vec<u64>> {
    let text = std::env::var("DRUPELET_SEEDS").ok()?;
    let number = |text: &str| text.parse::<u64>().expect("seeds are numbers");
    Some(
        text.split(',')
            .flat_map(|part| match part.split_once('-') {
                Some((from, to)) => number(from)..=number(to),
                None => number(part)..=number(part),
            })
            .collect(),
    )
}

#[test]
fn sequences_give_what_the_real_server_gives() {
    let Some(real) = ApiServer::shared() else {
        return;
    };
    let real = Server::real(real);
    real.install_crd();
    let (_sandbox, ours) = sandbox();
    let is_brief = std::env::var_os("DRUPELET_BRIEF").is_some();
    let is_recording = std::env::var_os("DRUPELET_RECORD").is_some();
    let seeds = picked_seeds().unwrap_or_else(|| (0..N_SEQUENCES).collect());
    let mut recorded = String::new();
    let mut n_differ: BTreeMap<String, usize> = BTreeMap::new();
    let mut n_texts = 0;
    let mut printed = 0;
    for seed in seeds {
        let sequence = sequence(seed);
        let theirs = run(&real, &sequence);
        let digests: Vec<String> = theirs.iter().map(Answer::digest).collect();
        writeln!(recorded, "{seed} {}", digests.join(" ")).expect("a string takes it");
        let ours = run(&ours, &sequence);
        for (at, (theirs, ours)) in theirs.iter().zip(&ours).enumerate() {
            n_texts += usize::from(theirs.message != ours.message);
            if (theirs.code, &theirs.reason, &theirs.object)
                == (ours.code, &ours.reason, &ours.object)
            {
                if theirs.message != ours.message && std::env::var_os("DRUPELET_TEXTS").is_some() {
                    println!(
                        "seed {seed} step {at}:\n  real {}\n  ours {}",
                        theirs.message, ours.message
                    );
                }
                continue;
            }
            if theirs.code == 0 {
                break;
            }
            *n_differ.entry(sequence.kind.clone()).or_default() += 1;
            if is_brief {
                print_brief(seed, at, &sequence, theirs, ours);
            } else if printed < MAX_PRINTED {
                printed += 1;
                print_difference(seed, at, &sequence, theirs, ours);
            }
            // What follows differs because of it.
            break;
        }
    }
    if is_recording {
        let file = std::fs::File::create(recorded_path()).expect("the tests are writable");
        let mut packer = flate2::write::DeflateEncoder::new(file, flate2::Compression::best());
        packer
            .write_all(recorded.as_bytes())
            .expect("the tests are writable");
        packer.finish().expect("the tests are writable");
    }
    println!("messages that differ: {n_texts}");
    assert!(n_differ.is_empty(), "sequences that differ: {n_differ:?}");
}

#[test]
fn sequences_give_what_was_recorded() {
    let packed = std::fs::read(recorded_path()).expect("recorded answers");
    let mut recorded = String::new();
    flate2::read::DeflateDecoder::new(packed.as_slice())
        .read_to_string(&mut recorded)
        .expect("recorded answers");
    assert_eq!(recorded.lines().count() as u64, N_SEQUENCES);
    assert!(n_kinds() >= 10);
    let (_sandbox, server) = sandbox();
    let mut n_differ = 0;
    for line in recorded.lines() {
        let mut words = line.split(' ');
        let seed = words.next().and_then(|word| word.parse().ok());
        let seed = seed.expect("a line begins with its seed");
        let sequence = sequence(seed);
        let answers = run(&server, &sequence);
        for (at, (answer, digest)) in answers.iter().zip(words).enumerate() {
            if digest.starts_with("0:") {
                break;
            }
            if answer.digest() != digest {
                n_differ += 1;
                if n_differ <= MAX_PRINTED {
                    println!(
                        "seed {seed} step {at} ({} {}): recorded {digest}, now {} {}",
                        sequence.kind,
                        sequence.steps[at].content_type,
                        answer.digest(),
                        answer.message
                    );
                }
                break;
            }
        }
    }
    assert_eq!(n_differ, 0, "sequences that differ from the recorded ones");
}

fn print_difference(seed: u64, at: usize, sequence: &Sequence, theirs: &Answer, ours: &Answer) {
    println!("== seed {seed}, {}, step {at}", sequence.kind);
    for step in &sequence.steps[..=at] {
        let body = step.body.as_ref().map(Value::to_json).unwrap_or_default();
        println!(
            "   {} {} {}\n      {body}",
            step.method, step.path, step.content_type
        );
    }
    println!(
        "   real {} {} {}",
        theirs.code, theirs.reason, theirs.message
    );
    println!("   ours {} {} {}", ours.code, ours.reason, ours.message);
    let mut lines = Vec::new();
    difference("", Some(&theirs.object), Some(&ours.object), &mut lines);
    for line in lines {
        println!("   {line}");
    }
}

/// One line: to be sorted and counted.
fn print_brief(seed: u64, at: usize, sequence: &Sequence, theirs: &Answer, ours: &Answer) {
    let mut lines = Vec::new();
    if theirs.object.is_null() == ours.object.is_null() {
        difference("", Some(&theirs.object), Some(&ours.object), &mut lines);
    }
    let first = lines.first().cloned().unwrap_or_default();
    println!(
        "BRIEF {} {} {}{} | {}{} | {first} seed {seed}:{at}",
        sequence.kind, theirs.code, theirs.reason, theirs.message, ours.code, ours.message
    );
}

/// `path: real | ours` for every leaf that differs.
fn difference(path: &str, theirs: Option<&Value>, ours: Option<&Value>, out: &mut Vec<String>) {
    if theirs == ours {
        return;
    }
    match (theirs, ours) {
        (Some(Value::Map(a)), Some(Value::Map(b))) => {
            let mut keys: Vec<&str> = a.keys().chain(b.keys()).collect();
            keys.sort_unstable();
            keys.dedup();
            for key in keys {
                difference(&format!("{path}.{key}"), a.get(key), b.get(key), out);
            }
        }
        (Some(Value::Seq(a)), Some(Value::Seq(b))) if a.len() == b.len() => {
            for (at, (a, b)) in a.iter().zip(b).enumerate() {
                difference(&format!("{path}[{at}]"), Some(a), Some(b), out);
            }
        }
        _ => {
            let shown =
                |value: Option<&Value>| value.map_or_else(|| "absent".to_owned(), Value::to_json);
            out.push(format!(
                "{path}: real {} | ours {}",
                shown(theirs),
                shown(ours)
            ));
        }
    }
}
