//! jqPathExpressions: the fields that a jq expression points at.
//!
//! Parsed by jaq; evaluated here, because evaluation has to end: each step
//! costs fuel, and what an expression may keep is bounded with it. So there
//! is no clock in it, and the same expression gives the same answer on a slow
//! board. As gojq does it, `del(expression)`.
//!
//! Invariant: an expression that was compiled uses known functions only.

mod eval;
mod functions;

use crate::value::Value;
use eval::{Evaluation, Fault, Step};
use jaq_core::load::parse::{BinaryOp, Pattern, Term};
use jaq_core::load::{lex::StrPart, parse};
use jaq_core::path::Part;
use std::cmp::Ordering;

/// Longer expressions are refused, and deeper ones: the parser recurses.
const MAX_BYTES: usize = 1024;
const MAX_NESTING: usize = 32;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JqError {
    #[error(
        "jq expression {0:?} is longer than {MAX_BYTES} bytes or nested deeper than {MAX_NESTING}"
    )]
    TooLarge(String),
    #[error("jq expression {0:?} cannot be parsed")]
    Syntax(String),
    #[error("jq expression {expression:?}: {what} is not supported")]
    Unsupported { expression: String, what: String },
    #[error("jq expression {0:?} takes more than {steps} steps", steps = eval::MAX_STEPS)]
    Endless(String),
    #[error("jq expression {expression:?}: {message}")]
    Failed { expression: String, message: String },
}

/// An expression that can be evaluated.
#[derive(Clone, Debug, PartialEq)]
pub struct Jq(String);

/// Checks an expression: its syntax, and that all it calls is there.
pub fn compile_jq(expression: &str) -> Result<Jq, JqError> {
    let mut depth = 0_usize;
    let mut deepest = 0;
    for byte in expression.bytes() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    if expression.len() > MAX_BYTES || deepest > MAX_NESTING {
        return Err(JqError::TooLarge(shortened(expression)));
    }
    let term = parse_term(expression).ok_or_else(|| JqError::Syntax(expression.to_owned()))?;
    match unsupported(&term) {
        Some(what) => Err(JqError::Unsupported {
            expression: expression.to_owned(),
            what,
        }),
        None => Ok(Jq(expression.to_owned())),
    }
}

impl Jq {
    /// Deletes from a value all that the expression points at.
    pub fn delete_from(&self, value: &mut Value) -> Result<(), JqError> {
        let mut paths = self.paths(value)?;
        // From the end, so that indices stay true.
        paths.sort_by(|a, b| compare_paths(b, a));
        paths.dedup();
        for path in paths {
            delete_at(value, &path);
        }
        Ok(())
    }

    fn paths(&self, value: &Value) -> Result<Vec<Vec<Step>>, JqError> {
        let expression = &self.0;
        let term = parse_term(expression).ok_or_else(|| JqError::Syntax(expression.clone()))?;
        Evaluation::default()
            .paths(&term, value)
            .map_err(|fault| match fault {
                Fault::Error(message) => JqError::Failed {
                    expression: expression.clone(),
                    message: functions::text(&message),
                },
                Fault::OutOfFuel => JqError::Endless(expression.clone()),
            })
    }
}

fn parse_term(expression: &str) -> Option<Term<&str>> {
    parse(expression, |parser| parser.term())
}

fn shortened(expression: &str) -> String {
    expression.chars().take(64).collect::<String>() + "…"
}

fn compare_paths(a: &[Step], b: &[Step]) -> Ordering {
    a.iter()
        .zip(b)
        .map(|(a, b)| a.cmp(b))
        .find(|order| order.is_ne())
        .unwrap_or_else(|| a.len().cmp(&b.len()))
}

fn delete_at(value: &mut Value, path: &[Step]) {
    let Some((last, parents)) = path.split_last() else {
        *value = Value::Null;
        return;
    };
    let mut at = value;
    for step in parents {
        let below = match (step, at) {
            (Step::Key(key), Value::Map(map)) => map.get_mut(key),
            (Step::Index(index), Value::Seq(items)) => items.get_mut(*index),
            _ => None,
        };
        match below {
            Some(below) => at = below,
            None => return,
        }
    }
    match (last, at) {
        (Step::Key(key), Value::Map(map)) => {
            map.remove(key);
        }
        (Step::Index(index), Value::Seq(items)) if *index < items.len() => {
            items.remove(*index);
        }
        _ => {}
    }
}

/// The first thing of a term that cannot be evaluated.
fn unsupported(term: &Term<&str>) -> Option<String> {
    let any = |terms: &[&Term<&str>]| terms.iter().find_map(|term| unsupported(term));
    let name = |text: &str| Some(text.to_owned());
    match term {
        Term::Id | Term::Recurse | Term::Num(_) | Term::Var(_) => None,
        Term::Str(Some(format), _) => name(format),
        Term::Str(None, parts) => parts.iter().find_map(|part| match part {
            StrPart::Term(term) => unsupported(term),
            StrPart::Str(_) | StrPart::Char(_) => None,
        }),
        Term::Arr(below) => below.as_deref().and_then(unsupported),
        Term::Neg(below) => unsupported(below),
        Term::Obj(entries) => entries.iter().find_map(|(key, value)| {
            unsupported(key).or_else(|| value.as_ref().and_then(unsupported))
        }),
        Term::BinOp(left, operation, right) => match operation {
            BinaryOp::Pipe(Some(Pattern::Arr(_) | Pattern::Obj(_))) => {
                name("a pattern of several variables")
            }
            BinaryOp::Assign | BinaryOp::Update | BinaryOp::UpdateMath(_) | BinaryOp::UpdateAlt => {
                name("an assignment")
            }
            BinaryOp::Pipe(_)
            | BinaryOp::Comma
            | BinaryOp::Alt
            | BinaryOp::Or
            | BinaryOp::And
            | BinaryOp::Math(_)
            | BinaryOp::Cmp(_) => any(&[left, right]),
        },
        Term::Label(..) | Term::Break(_) => name("label"),
        Term::Fold(kind, source, pattern, arguments) => {
            match (*kind, pattern, arguments.as_slice()) {
                ("reduce", Pattern::Var(_), [_, _]) => {
                    unsupported(source).or_else(|| arguments.iter().find_map(unsupported))
                }
                (kind, ..) => name(kind),
            }
        }
        Term::TryCatch(body, handler) => {
            unsupported(body).or_else(|| handler.as_deref().and_then(unsupported))
        }
        Term::IfThenElse(branches, otherwise) => branches
            .iter()
            .find_map(|(condition, body)| any(&[condition, body]))
            .or_else(|| otherwise.as_deref().and_then(unsupported)),
        Term::Def(..) => name("def"),
        Term::Call(function, arguments) => {
            if !functions::is_known(function, arguments.len()) {
                return Some(format!("{function}/{}", arguments.len()));
            }
            arguments.iter().find_map(unsupported)
        }
        Term::Path(head, path) => unsupported(head).or_else(|| {
            path.0.iter().find_map(|(part, _)| match part {
                Part::Index(index) => unsupported(index),
                Part::Range(from, to) => [from, to].into_iter().flatten().find_map(unsupported),
            })
        }),
    }
}
