use drupelet::value::yaml::{Step, locate};

/// Line and column, steps that led there, line of the text.
type Found = (usize, usize, usize, Option<usize>);

#[track_caller]
fn check(text: &str, steps: &[Step], expected: Option<Found>) {
    let found = locate(text, steps);
    let found = found.map(|f| (f.position.line, f.position.column, f.n_steps, f.text_line));
    assert_eq!(found, expected, "{steps:?} in {text}");
}

const TEXT: &str = "# first\nresources: [a, b]\npatches:\n- path: x\n- patch: |-\n    one\n    two\n  target: {kind: K}\n'odd key': &n [1, {z: 2}]\nmore: *n\nfolded: >\n  a\n  b\n";

#[test]
fn fields_and_items_are_found() {
    check(TEXT, &[], Some((2, 1, 0, None)));
    check(TEXT, &["resources".into()], Some((2, 1, 1, None)));
    check(
        TEXT,
        &["resources".into(), 1.into()],
        Some((2, 16, 2, Some(2))),
    );
    check(TEXT, &["patches".into(), 1.into()], Some((5, 3, 2, None)));
    let patch: [Step; 3] = ["patches".into(), 1.into(), "patch".into()];
    check(TEXT, &patch, Some((5, 3, 3, Some(6))));
    let kind: [Step; 4] = ["patches".into(), 1.into(), "target".into(), "kind".into()];
    check(TEXT, &kind, Some((8, 12, 4, Some(8))));
    check(
        TEXT,
        &["odd key".into(), 1.into(), "z".into()],
        Some((9, 20, 3, Some(9))),
    );
    check(
        TEXT,
        &["RESOURCES".into(), 0.into()],
        Some((2, 13, 2, Some(2))),
    );
    check(TEXT, &["folded".into()], Some((11, 1, 1, None)));
}

#[test]
fn what_is_not_there_ends_at_what_holds_it() {
    check(TEXT, &["resources".into(), 2.into()], Some((2, 1, 1, None)));
    check(
        TEXT,
        &["resources".into(), "a".into()],
        Some((2, 1, 1, None)),
    );
    check(TEXT, &["none".into()], Some((2, 1, 0, None)));
    check(TEXT, &["more".into(), 1.into()], Some((10, 1, 1, None)));
    check("", &["a".into()], None);
    check("# nothing\n", &[], None);
    check("[", &[0.into()], None);
    check("{a: b", &["b".into()], None);
}

#[test]
fn a_literal_text_begins_behind_its_header() {
    let steps: [Step; 1] = ["a".into()];
    check("a: |\n  one\n", &steps, Some((1, 1, 1, Some(2))));
    check(
        "a: |-\n\n\n  one\n  two\n",
        &steps,
        Some((1, 1, 1, Some(2))),
    );
    check(
        "a: |2+ # text\n    one\n\n",
        &steps,
        Some((1, 1, 1, Some(2))),
    );
    check("a: &x !!str |\n  one\n", &steps, Some((1, 1, 1, Some(2))));
    check("a:\n  |\n  one\n", &steps, Some((1, 1, 1, Some(3))));
}
