//! go-yaml's order of keys: letters after all else, runs of digits by their
//! number (sorter.go).

use crate::value::{Map, Value};
use regex::Regex;
use std::sync::LazyLock;

/// The entries of a map as go-yaml prints them.
pub fn in_key_order(map: &Map) -> Vec<(&str, &Value)> {
    merge_sorted(map.iter().collect())
}

/// A merge sort of our own: the order is not a total one for every set of
/// keys (digits overflow), and the standard library's sort may panic then.
fn merge_sorted<'a>(mut entries: Vec<(&'a str, &'a Value)>) -> Vec<(&'a str, &'a Value)> {
    if entries.len() < 2 {
        return entries;
    }
    let right = merge_sorted(entries.split_off(entries.len() / 2));
    let left = merge_sorted(entries);
    let mut merged = Vec::with_capacity(left.len() + right.len());
    let mut left = left.into_iter().peekable();
    for entry in right {
        while let Some(smaller) = left.next_if(|candidate| !is_less(entry.0, candidate.0)) {
            merged.push(smaller);
        }
        merged.push(entry);
    }
    merged.extend(left);
    merged
}

fn is_less(a: &str, b: &str) -> bool {
    let same = common_prefix(a, b);
    let (prefix, a, b) = (&a[..same], &a[same..], &b[same..]);
    let (Some(first_a), Some(first_b)) = (a.chars().next(), b.chars().next()) else {
        return a.len() < b.len();
    };
    match (is_letter(first_a), is_letter(first_b)) {
        (true, true) => return first_a < first_b,
        (false, false) => {}
        (_, b_is_letter) => return b_is_letter,
    }
    // A zero inside of a number does not lead it.
    let inside = (first_a == '0' || first_b == '0')
        && prefix
            .chars()
            .rev()
            .take_while(|c| is_digit(*c))
            .any(|c| c != '0');
    let (number_a, n_a) = leading_number(a, inside);
    let (number_b, n_b) = leading_number(b, inside);
    (number_a, n_a, first_a) < (number_b, n_b, first_b)
}

/// How many bytes of whole characters two texts share.
fn common_prefix(a: &str, b: &str) -> usize {
    let pairs = a.chars().zip(b.chars());
    pairs
        .take_while(|(a, b)| a == b)
        .map(|(a, _)| a.len_utf8())
        .sum()
}

/// The number that a text begins with and how many digits it has; with a one
/// in front where it goes on inside of a number.
fn leading_number(text: &str, inside: bool) -> (i64, usize) {
    let digits = text.chars().take_while(|c| is_digit(*c));
    digits.fold((i64::from(inside), 0), |(number, n), digit| {
        let digit = i64::from(u32::from(digit)) - i64::from(u32::from('0'));
        (number.wrapping_mul(10).wrapping_add(digit), n + 1)
    })
}

fn is_letter(c: char) -> bool {
    static LETTER: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\p{L}").expect("a valid pattern"));
    c.is_ascii_alphabetic() || (!c.is_ascii() && is_of(&LETTER, c))
}

fn is_digit(c: char) -> bool {
    static DIGIT: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\p{Nd}").expect("a valid pattern"));
    c.is_ascii_digit() || (!c.is_ascii() && is_of(&DIGIT, c))
}

fn is_of(class: &Regex, c: char) -> bool {
    class.is_match(c.encode_utf8(&mut [0; 4]))
}
