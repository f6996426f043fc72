//! What a rule's expression says of an object.

use super::parse::{Comparison, Condition, Expression, Operand, Path};
use crate::health::fields::text_of;
use crate::value::{Map, Value};
use std::cmp::Ordering;

/// Where paths start: the object's root, or an item of one of its lists.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    root: &'a Map,
    item: Option<&'a Value>,
}

impl<'a> Scope<'a> {
    pub fn new(root: &'a Map) -> Self {
        Scope { root, item: None }
    }

    /// Whether an expression holds; `cause` becomes the first condition that
    /// made it so.
    pub fn holds(self, expression: &Expression<'_>, cause: &mut Option<&'a Value>) -> bool {
        match expression {
            Expression::Always => true,
            Expression::Stale => self.is_stale(),
            Expression::Not(inner) => !self.holds(inner, &mut None),
            Expression::And(parts) => parts.iter().all(|part| self.holds(part, cause)),
            Expression::Or(parts) => parts.iter().any(|part| self.holds(part, cause)),
            Expression::Any(path, inner) => self.items(path).any(|item| item.holds(inner, cause)),
            Expression::All(path, inner) => self.items(path).all(|item| item.holds(inner, cause)),
            Expression::Present(path) => {
                !matches!(self.at(path), None | Some(Value::Null | Value::Bool(false)))
            }
            Expression::Compare(left, comparison, right) => {
                let matches = |right| self.compare(left, *comparison, right);
                match comparison {
                    Comparison::IsNot => right.iter().all(matches),
                    _ => right.iter().any(matches),
                }
            }
            Expression::Condition(wanted) => {
                let found = self.condition(wanted);
                *cause = cause.or(found);
                found.is_some()
            }
        }
    }

    /// A message with its `{.path}` filled in.
    pub fn fill(self, template: &str) -> String {
        let mut text = String::with_capacity(template.len());
        let mut rest = template;
        while let Some((before, behind)) = rest.split_once('{') {
            text.push_str(before);
            let (name, behind) = behind.split_once('}').unwrap_or((behind, ""));
            let (path, fallback) = name.split_once('?').unwrap_or((name, ""));
            let steps = path.split('.').filter(|step| !step.is_empty());
            let found = steps.fold(None, |found: Option<Option<&Value>>, step| {
                Some(match found {
                    None => self.root.get(step),
                    Some(value) => value.and_then(|value| value.get(step)),
                })
            });
            match found.flatten() {
                Some(Value::Str(found)) if !found.is_empty() => text.push_str(found),
                None | Some(Value::Null | Value::Str(_)) => text.push_str(fallback),
                Some(other) => text.push_str(&other.to_json()),
            }
            rest = behind;
        }
        text.push_str(rest);
        text
    }

    fn at(self, path: &Path<'_>) -> Option<&'a Value> {
        let (first, rest) = path.steps.split_first()?;
        let start = match self.item {
            Some(item) if !path.from_root => item.get(first)?,
            _ => self.root.get(first)?,
        };
        let step = |value: &'a Value, step: &&str| match value {
            Value::Seq(items) => {
                let at: isize = step.parse().ok()?;
                let at = match at {
                    0.. => at as usize,
                    _ => items.len().checked_sub(at.unsigned_abs())?,
                };
                items.get(at)
            }
            _ => value.get(step),
        };
        let found = rest.iter().try_fold(start, step)?;
        (!found.is_null()).then_some(found)
    }

    fn is_stale(self) -> bool {
        let metadata = self.root.get("metadata");
        let generation = metadata.and_then(|metadata| metadata.get("generation"));
        let holder = match self.item {
            Some(item) => Some(item),
            None => self.root.get("status"),
        };
        let observed = holder.and_then(|holder| holder.get("observedGeneration"));
        generation
            .zip(observed)
            .is_some_and(|(generation, observed)| !generation.equals(observed))
    }

    /// The items of a list, or the values of a map.
    fn items(self, path: &Path<'_>) -> impl Iterator<Item = Scope<'a>> + use<'a> {
        let (seq, map) = match self.at(path) {
            Some(Value::Seq(items)) => (items.as_slice(), None),
            Some(Value::Map(map)) => (&[][..], Some(map)),
            _ => (&[][..], None),
        };
        let values = map.into_iter().flat_map(Map::values);
        seq.iter().chain(values).map(move |item| Scope {
            root: self.root,
            item: Some(item),
        })
    }

    fn condition(self, wanted: &Condition<'_>) -> Option<&'a Value> {
        let conditions = match self.item {
            Some(item) => item.get("conditions"),
            None => self.root.get("status").and_then(|s| s.get("conditions")),
        };
        let fits = |condition: &&Value| {
            let kind = text_of(condition, "type");
            let is_status = wanted.status == "*" || text_of(condition, "status") == wanted.status;
            let reason = text_of(condition, "reason");
            wanted.types.iter().any(|t| *t == "*" || *t == kind)
                && is_status != wanted.is_not
                && wanted.reason.is_none_or(|wanted| wanted == reason)
        };
        conditions.and_then(Value::as_seq)?.iter().find(fits)
    }

    fn compare(self, left: &Operand<'_>, comparison: Comparison, right: &Operand<'_>) -> bool {
        let left = self.operand(left);
        let right = self.operand(right);
        let same = match (&left, &right) {
            // A word of the rule stands for a string, a number or a flag.
            (Some(value), Some(Value::Str(word))) if value.as_str().is_none() => {
                value.to_json() == *word
            }
            (Some(left), Some(right)) => left.equals(right),
            (None, None) => true,
            _ => false,
        };
        match comparison {
            Comparison::Is => return same,
            Comparison::IsNot => return !same,
            _ => {}
        }
        let (Some(left), Some(right)) = (left, right) else {
            return false;
        };
        let texts = left.as_str().zip(right.as_str());
        match comparison {
            Comparison::Begins => return texts.is_some_and(|(text, part)| text.starts_with(part)),
            Comparison::Ends => return texts.is_some_and(|(text, part)| text.ends_with(part)),
            _ => {}
        }
        let order = match (number(&left), number(&right)) {
            (Some(left), Some(right)) => left.partial_cmp(&right),
            // Times in their usual form sort as texts.
            _ => texts.map(|(left, right)| left.cmp(right)),
        };
        match comparison {
            Comparison::Below => order == Some(Ordering::Less),
            Comparison::AtMost => matches!(order, Some(Ordering::Less | Ordering::Equal)),
            Comparison::Above => order == Some(Ordering::Greater),
            Comparison::AtLeast => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
            Comparison::Is | Comparison::IsNot | Comparison::Begins | Comparison::Ends => false,
        }
    }

    fn operand(self, operand: &Operand<'_>) -> Option<Value> {
        match operand {
            Operand::Word(word) => Some(Value::from(*word)),
            Operand::Path(path) => match self.at(path) {
                None => path.default.map(Value::Int),
                found => found.cloned(),
            },
            Operand::Length(path) => {
                let n = match self.at(path) {
                    Some(Value::Seq(items)) => items.len(),
                    Some(Value::Map(map)) => map.len(),
                    _ => 0,
                };
                Some(Value::Int(n as i64))
            }
            Operand::Sum(path) => {
                let (field, list) = path.steps.split_last()?;
                let list = Path {
                    from_root: path.from_root,
                    steps: list.to_vec(),
                    default: None,
                };
                let fields = self.items(&list).filter_map(|item| item.item?.get(field));
                Some(Value::Float(fields.filter_map(number).sum()))
            }
            Operand::Difference(left, right) => {
                let left = number(&self.operand(left)?)?;
                let right = number(&self.operand(right)?)?;
                Some(Value::Float(left - right))
            }
        }
    }
}

/// What the condition that decided has to say.
pub fn message_of(cause: Option<&Value>) -> String {
    let Some(cause) = cause else {
        return String::new();
    };
    match text_of(cause, "message") {
        "" => text_of(cause, "reason").to_owned(),
        message => message.to_owned(),
    }
}

/// A number, or a text that is one.
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Int(number) => Some(*number as f64),
        Value::Uint(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        Value::Str(text) => text.parse().ok(),
        _ => None,
    }
}
