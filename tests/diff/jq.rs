//! jqPathExpressions: `del(EXPRESSION)` as gojq 0.12.17 makes it, recorded by
//! `tests/oracle/gojq jq.json < jq.txt > jq.expected.tsv`.

use drupelet::diff::{JqError, compile_jq};
use drupelet::value::Value;

fn document() -> Value {
    Value::from_json(include_bytes!("jq.json")).expect("JSON")
}

fn deleted(expression: &str, mut value: Value) -> Result<Value, JqError> {
    compile_jq(expression)?.delete_from(&mut value)?;
    Ok(value)
}

/// Refused with a condition that names the construct.
const UNSUPPORTED: &[&str] = &[".a as [$x] | .b", "label $f | .spec", "def f: .spec; f"];
/// Paths in newer jq, not in gojq: there they take nothing.
const BEYOND_GOJQ: &[&str] = &["last(.webhooks[])"];

#[test]
fn what_an_expression_points_at_is_what_gojq_deletes() {
    let mut faults = Vec::new();
    let mut unsupported = Vec::new();
    for line in include_str!("jq.expected.tsv").lines() {
        let (expression, wanted) = line.rsplit_once('\t').expect("two columns");
        let ours = deleted(expression, document());
        match (ours, wanted) {
            (Err(_), "error") => {}
            (Ok(_), "error") if BEYOND_GOJQ.contains(&expression) => {}
            (Err(JqError::Unsupported { .. }), _) => unsupported.push(expression),
            (Ok(ours), wanted) => {
                let wanted = Value::from_json(wanted.as_bytes()).unwrap_or(Value::Null);
                if ours != wanted {
                    faults.push(format!(
                        "{expression}: {}, not {wanted}",
                        ours.to_json(),
                        wanted = wanted.to_json()
                    ));
                }
            }
            (Err(error), _) => faults.push(error.to_string()),
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert_eq!(unsupported, UNSUPPORTED);
}

#[test]
fn an_expression_ends() {
    let bombs = [
        "range(1e18)",
        "[range(1e9)] | .[0]",
        "recurse([., .])",
        "reduce range(1e9) as $i (\"x\"; . + .) | .[0]?",
        "..|..|..|..|..|..|..|..|..|..|..",
        "repeat(.)",
        "until(false; .)",
        "while(true; .)",
        ".spec | select(\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\" | test(\"(a*)*b\"))",
        "[limit(1e9; repeat(1))] | .[0]?",
        "\"x\" * 1e12",
    ];
    for bomb in bombs {
        // Whatever it answers: it does.
        let _ = deleted(bomb, document());
    }
    assert!(matches!(
        deleted("..|..|..|..|..|..|..|..|..|..|..", document()),
        Err(JqError::Endless(_))
    ));
}

#[test]
fn malformed_expressions_are_told() {
    for (expression, message) in [
        (".spec[", "jq expression \".spec[\" cannot be parsed"),
        ("", "jq expression \"\" cannot be parsed"),
        (
            ".a |= 1",
            "jq expression \".a |= 1\": an assignment is not supported",
        ),
        ("input", "jq expression \"input\": input/0 is not supported"),
        (
            ".a | foo(.)",
            "jq expression \".a | foo(.)\": foo/1 is not supported",
        ),
    ] {
        let error = compile_jq(expression).expect_err("it is malformed");
        assert_eq!(error.to_string(), message);
    }
    for deep in ["(".repeat(100), "[".repeat(10_000), ".a".repeat(1000)] {
        assert!(matches!(compile_jq(&deep), Err(JqError::TooLarge(_))));
    }
}
