//! What is read here is what the composer reads.

use super::*;
use crate::value::yaml::compose::Composer;

/// What is read is what the composer reads.
fn check(text: &str) -> bool {
    let mut n_read = 0;
    for rules in [
        Rules::V2,
        Rules::V2_STRICT,
        Rules::KYAML,
        Rules::KYAML_ELSEWHERE,
    ] {
        let composed = || Composer::new(text, rules).and_then(Composer::first_document);
        if let Some(value) = read(text, rules) {
            assert_eq!(Ok(value), composed(), "{text:?} by {rules:?}");
            n_read += 1;
        }
    }
    let keeps = |key: &str| key.len().is_multiple_of(2);
    if let Some(head) = read_head(text, Rules::V2, &keeps) {
        let composed = Composer::new(text, Rules::V2).and_then(|it| it.first_document_of(&keeps));
        assert_eq!(Ok(head), composed, "{text:?}");
    }
    n_read > 0
}

#[test]
fn it_is_read_as_the_composer_reads_it() {
    let texts = [
        "a: 1\n",
        "# comment\n\na: 1 # one\nb: yes\nc:\nd: ~\n",
        "- a\n-\n- - b\n  - c\n- d: e\n  f: g\n",
        "a:\n- b\n- c:\n  - d\ne: f\n",
        "a:\n    b:\n        c: 0644\n    d: 1.50\n",
        "a: \"x\\n\\t\\\"y\\\"\\\\\" # c\nb: 'it''s'\n\"c\": ''\n'd/e': \"\"\n",
        "a: [1, \"b\", 'c', d.e/f]\nb: []\nc: {}\nd: [ ]\ne: { }\n",
        "a: |\n  b\n   c\n\n  d\n\ne: |-\n  f\ng: |+\n  h\n\n\ni: >\n  j\n  k\n\n  l\n",
        "a: |\n\n  b\nc: >-\n\n\n  d\n",
        "a: |\n  b",
        "a: |-\n  b\n\n\n",
        "a: |\nb: >-\n",
        "- |\n  a\n- >-\n  b\n",
        "a: one\n  two\n\n  three # end\nb: 'one\n  two'\nc: \"one \n\n  two\\t \n  \"\n",
        "- one\n  two\n- 1\n  2\n",
        "  a: 1\n  b: 2\n",
        "2020-01-01: a\n",
        "a: 2020-01-01\nb: 12e03\nc: 1_000\nd: 0x1F\ne: 18446744073709551615\n",
        "metadata:\n  annotations:\n    a: 1.0\n    b: yes\n    c: [1.0, 0x1]\n",
        "a: http://b:80/c#d\ne: {{ f }}\n",
        "a: \u{201c}b\u{201d} \u{2026}\n",
    ];
    for text in texts {
        check(text);
    }
    assert!(texts[..15].iter().all(|text| check(text)));
}

/// Texts of pieces that mean something to a parser, in any order, and lines of
/// any indent.
#[test]
fn of_texts_at_random_it_reads_what_the_composer_reads() {
    const PIECES: [&str; 64] = [
        "a",
        "b",
        "key",
        "metadata",
        "annotations",
        "1",
        "0",
        "1.0",
        ".5",
        "-1",
        "1e3",
        "0o7",
        "true",
        "yes",
        "null",
        "~",
        ".inf",
        ".nan",
        "2020-01-01",
        ":",
        ": ",
        ": ",
        ":\n",
        ":\n  ",
        "\n",
        "\n",
        "\n\n",
        "\n  ",
        "\n    ",
        "\n ",
        "- ",
        "- ",
        "-",
        "\n- ",
        "\n  - ",
        "#",
        " # c",
        "\"",
        "'",
        "''",
        "\\n",
        "\\",
        "|\n",
        "|-\n  ",
        "|+\n",
        ">\n  ",
        ">-\n",
        "[",
        "]",
        ", ",
        "{}",
        "[]",
        "{",
        "}",
        "&a ",
        "*a",
        "!!str ",
        "<<",
        "? ",
        "\t",
        " ",
        "  ",
        "\u{e9}",
        "---\n",
    ];
    const LINES: [&str; 48] = [
        "a:",
        "a:",
        "b: 1",
        "c: text",
        "metadata:",
        "annotations:",
        "d: 1.0",
        "- a",
        "-",
        "- b: c",
        "- - d",
        "- e:",
        "",
        "",
        "# comment",
        "f: # comment",
        "g: h # i",
        "\"j\": k",
        "'l':",
        "m: \"n\"",
        "o: 'p",
        "q'",
        "r: \"s",
        "t\"",
        "u: |",
        "v: >-",
        "w: |+",
        "- |",
        "x: [y, z]",
        "aa: []",
        "bb: {}",
        "cc: [",
        "]",
        "text",
        "more text",
        "dd: ee ff",
        "- gg hh",
        "ii: -1",
        "jj: - 1",
        "kk: yes",
        "on: 1",
        "- \"ll mm",
        "nn: &a 1",
        "oo: *a",
        "\tpp",
        "qq:\trr",
        "ss: 'tt' uu",
        "vv: \\",
    ];
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    let n_cases = 40_000;
    let mut n_read = 0;
    for _ in 0..n_cases {
        let mut text = String::new();
        if random(2) == 0 {
            text.push_str(["key: ", ""][random(2)]);
            for _ in 0..=random(12) {
                text.push_str(PIECES[random(PIECES.len())]);
            }
        } else {
            for _ in 0..=random(8) {
                text.extend(std::iter::repeat_n(
                    ' ',
                    [0, 0, 2, 2, 4, 1, 3, 6][random(8)],
                ));
                text.push_str(LINES[random(LINES.len())]);
                text.push('\n');
            }
        }
        n_read += usize::from(check(&text));
    }
    assert!(n_read > n_cases / 20, "{n_read} of {n_cases}");
}
