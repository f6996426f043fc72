//! Globs against gobwas v0.2.3 and doublestar v4.10.4, recorded by
//! tests/oracle/glob.

use drupelet::value::Value;
use drupelet::value::glob::{Glob, GlobError};

/// Where the libraries do not do what their own documentation says.
const LIBRARY_BUGS: &[&str] = &[
    r#"["{a/**,b}/c", "a/b/c"]"#,
    r#"["*[!a]*", "b/"]"#,
    r#"["{a,b}{a,b}*[!a]**/", "abbbab"]"#,
    r#"["**/**{a,b/}**/", "//aa"]"#,
];

fn answer(glob: Result<Glob, GlobError>, text: &str) -> Value {
    glob.map_or(Value::Null, |glob| Value::Bool(glob.matches(text)))
}

#[test]
fn match_as_gobwas_and_doublestar() {
    let questions = include_str!("glob.jsonl").lines();
    let answers = include_str!("glob.recorded.jsonl").lines();
    let (mut n, mut faults) = (0, Vec::new());
    for (question, wanted) in questions.zip(answers) {
        n += 1;
        if wanted.contains("panic") || LIBRARY_BUGS.contains(&question) {
            continue;
        }
        let parsed = Value::from_json(question.as_bytes()).expect("recorded as JSON");
        let [Value::Str(pattern), Value::Str(text)] = parsed.as_seq().expect("a pair") else {
            panic!("{question}");
        };
        let ours = Value::Seq(vec![
            answer(Glob::gobwas(pattern, &[]), text),
            answer(Glob::gobwas(pattern, &['/']), text),
            answer(Glob::doublestar(pattern), text),
        ]);
        if ours.to_json() != wanted {
            faults.push(format!(
                "{question} ours {} wanted {wanted}",
                ours.to_json()
            ));
        }
    }
    assert!(
        faults.is_empty(),
        "{} of {n}\n{}",
        faults.len(),
        faults.join("\n")
    );
}

#[test]
fn hostile_patterns_are_matched_in_linear_time() {
    let glob = Glob::gobwas(&"*a".repeat(500), &[]).unwrap();
    assert!(!glob.matches(&"a".repeat(499)));
    assert!(Glob::gobwas(&"{".repeat(100), &[]).is_err());
    assert!(Glob::doublestar(&"{a,b}".repeat(30)).is_err());
    assert!(Glob::gobwas(&"a".repeat(100_000), &[]).is_err());
}
