//! Kinds of other projects: what each says of itself, as data (rules.txt).
//!
//! ```text
//! group/Kind group/OtherKind *.group/*
//! Status expression : message
//! ```
//! The first line of a section whose expression holds decides; one without
//! an expression always does. Where no line holds, the kind has no health.
//!
//! | expression | holds where |
//! |---|---|
//! | `Ready=True`, `Ready!=True`, `Ready=*` | there is a condition of that type with that status, with another, with any |
//! | `Ready=False/Failed`, `A,B=True`, `*=False` | and with that reason; of one of the types; of any type |
//! | `.status.phase=Running,Done` | the value is one of those; `!=`, `<`, `<=`, `>`, `>=`, `^=` (begins with), `$=` (ends with) likewise |
//! | `.a < .b`, `.a?0`, `#.list`, `.a - .b` | against another value; 0 where there is none; how many items; the difference |
//! | `.list.-1.a`, `sum(.list.a)` | of the last item; the sum over all items |
//! | `@stale` | the generation is not the observed one (in an item: the item's) |
//! | `.status.paused` | there is such a value and it is not false |
//! | `!x`, `x & y`, `x \| y`, `(x)` | as usual, `&` before `\|` |
//! | `any(.list: x)`, `all(.list: x)` | x holds for one item or for all; `$.` is the object's root in there |
//!
//! A message may hold `{.path}` and `{.path?text where there is none}`; without
//! one, the condition that held gives its own; `-` is an empty message.

mod parse;

mod evaluate;

use super::{Health, HealthStatus};
use crate::object::Object;
use evaluate::Scope;
use parse::{Rule, parse_rule};
use std::collections::BTreeMap;
use std::sync::LazyLock;

const RULES: &str = include_str!("rules.txt");

/// Where the rules of each `group/Kind` stand. Lines are parsed when an
/// object is judged: that takes microseconds, all of them at rest would take
/// hundreds of kilobytes.
static SECTIONS: LazyLock<BTreeMap<&str, &str>> = LazyLock::new(|| sections(RULES));

pub fn health(object: &Object) -> Option<Health> {
    let gvk = object.gvk();
    judge(section(&gvk.group, &gvk.kind)?, object)
}

fn judge(lines: &str, object: &Object) -> Option<Health> {
    let scope = Scope::new(object.root());
    for line in lines.lines() {
        let rule: Rule<'_> = parse_rule(line).expect("a test parses every line of rules.txt");
        let mut cause = None;
        if scope.holds(&rule.expression, &mut cause) {
            let message = match rule.message {
                Some(template) => scope.fill(template),
                None => evaluate::message_of(cause),
            };
            return Some(Health::new(rule.status, message));
        }
    }
    None
}

fn section(group: &str, kind: &str) -> Option<&'static str> {
    let find = |group: &str, kind: &str| SECTIONS.get(format!("{group}/{kind}").as_str()).copied();
    // `s3.aws.upbound.io` belongs to `*.aws.upbound.io` and to `*.upbound.io`.
    let above = group.match_indices('.').map(|(at, _)| &group[at + 1..]);
    let wild = above.map(|above| find(&format!("*.{above}"), "*"));
    find(group, kind)
        .or_else(|| find(group, "*"))
        .or_else(|| wild.flatten().next())
}

fn sections(text: &str) -> BTreeMap<&str, &str> {
    let mut found = BTreeMap::new();
    for section in text.split("\n\n") {
        let section = section.trim_matches('\n');
        let Some((head, lines)) = section.split_once('\n') else {
            continue;
        };
        for name in head.split_whitespace() {
            found.insert(name, lines);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_can_be_read() {
        for (name, lines) in SECTIONS.iter() {
            for line in lines.lines() {
                if let Err(problem) = parse_rule(line) {
                    panic!("{name}: {line}: {problem}");
                }
            }
        }
    }
}
