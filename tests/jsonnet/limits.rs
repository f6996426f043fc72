//! Programs without end or measure stop at a limit that the error names.

use super::cases::give;
use drupelet::jsonnet::Limits;

#[track_caller]
fn check(program: &str, limits: Limits, named: &str) {
    match give(program, limits) {
        Err(error) => assert!(error.to_string().contains(named), "{error}"),
        Ok(text) => panic!("{} bytes", text.len()),
    }
}

fn small() -> Limits {
    Limits {
        steps: 1_000_000,
        memory: 16 * 1024 * 1024,
        output: 1024 * 1024,
        ..Limits::default()
    }
}

#[test]
fn memory_is_bounded() {
    let named = "more than 16 MiB of memory";
    let doubling = "std.foldl(function(s, i) s + s, std.range(1, 60), 'xx')";
    check(&format!("std.length({doubling})"), small(), named);
    check("std.repeat('x', 2000000000)", small(), named);
    check("std.repeat([1], 2000000000)", small(), named);
    check("std.length(std.range(1, 900000))", small(), named);
    check(
        "std.strReplace(std.repeat('a', 10000), 'a', std.repeat('b', 100000))",
        small(),
        named,
    );
    let arrays = "std.foldl(function(a, i) a + a, std.range(1, 60), [1, 2])";
    check(&format!("std.length({arrays})"), small(), named);
    check(
        "std.length(std.join(std.repeat('x', 100000), std.repeat(['y'], 10000)))",
        small(),
        named,
    );
}

#[test]
fn steps_are_bounded() {
    let named = "more than 1000000 steps";
    check(
        "local f(n) = f(n + 1) tailstrict; f(0)",
        Limits {
            memory: 1 << 30,
            ..small()
        },
        named,
    );
    check("std.length(std.range(1, 2000000000))", small(), named);
    check("std.makeArray(2000000000, function(i) i)", small(), named);
}

#[test]
fn depth_is_bounded() {
    let frames = "max stack frames exceeded";
    check("local f(n) = 1 + f(n + 1); f(0)", Limits::default(), frames);
    check("local a = { b: a }; a", Limits::default(), frames);
    check("local a = [a]; a == a", Limits::default(), frames);
    let deep = "std.foldl(function(a, i) [a], std.range(1, 100000), [])";
    check(deep, Limits::default(), frames);
    check(
        &"[".repeat(100_000),
        Limits::default(),
        "nested more than 200 deep",
    );
    check(
        &"(".repeat(100_000),
        Limits::default(),
        "nested more than 200 deep",
    );
    check(
        &"!".repeat(100_000),
        Limits::default(),
        "nested more than 200 deep",
    );
    check(
        &"- ".repeat(100_000),
        Limits::default(),
        "nested more than 200 deep",
    );
    check(
        &format!("1{}", " + 1".repeat(100_000)),
        Limits::default(),
        "more than 500 operators",
    );
    check(
        &"local a = 1; ".repeat(100_000),
        Limits::default(),
        "nested more than 200 deep",
    );
}

#[test]
fn output_is_bounded() {
    let wide = "local a = std.repeat('x', 1000); [a for i in std.range(1, 5000)]";
    check(wide, small(), "larger than 1 MiB");
    let billion =
        "local l(n) = if n == 0 then 'lol' else [l(n - 1) for i in std.range(1, 10)]; l(9)";
    check(billion, small(), "larger than 1 MiB");
    check("'%999999999d' % 1", small(), "a width of more than 1000000");
}

/// Every one is an error with a place; none is a panic.
#[test]
fn malformed_programs_are_errors() {
    let programs = [
        "",
        "{",
        "}",
        "[",
        "]",
        "(",
        ")",
        "\"",
        "'",
        "|||",
        "|||\n",
        "|||\n a",
        "@",
        "@'",
        "/*",
        "//",
        "#",
        "local",
        "local x",
        "local x =",
        "if",
        "if 1",
        "if 1 then",
        "function",
        "function(",
        "error",
        "assert",
        "import",
        "importstr",
        "{a",
        "{a:",
        "{[",
        "{[a]",
        "{local",
        "{assert",
        "[x for",
        "[x for y",
        "[x for y in",
        "x.",
        "x[",
        "x[:",
        "x[::",
        "x[:::]",
        "x(",
        "x(a=",
        "super",
        "super.",
        "super[",
        "$.",
        "1.",
        "1e",
        "1e+",
        "0x",
        "\\",
        "\u{0}",
        "\u{7f}",
        "\u{feff}1 2",
        "a b",
        "\"\\u\"",
        "\"\\ud800\"x",
        "'\\ud800\\u'",
        "{a: 1,,}",
        "[,]",
        "f(,)",
        "é",
        "x é",
        "`",
        "?",
        "1 ? 2",
        "tailstrict",
        "in",
        "a in",
        "::",
        ":::",
    ];
    for program in programs {
        let error = give(program, Limits::default()).expect_err(program);
        assert!(error.place.is_some(), "{program:?}: {error}");
    }
}
