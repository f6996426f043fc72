//! Operators, and the kinds of values that they and the library ask for.

use super::ast::Binary;
use super::error::{Failure, Result};
use super::machine::Machine;
use super::value::*;
use std::cmp::Ordering;

/// Whole numbers that a float holds exactly.
const MAX_SAFE: f64 = 9_007_199_254_740_991.0;

fn unexpected<T>(value: Val<'_>, wanted: &str) -> Result<T> {
    Err(Failure::new(format!(
        "Unexpected type {}, expected {wanted}",
        value.type_name()
    )))
}

impl<'a> Machine<'a> {
    pub(super) fn flag(&self, value: Val<'a>) -> Result<bool> {
        match value {
            Val::Bool(flag) => Ok(flag),
            other => unexpected(other, "boolean"),
        }
    }

    pub(super) fn number(&self, value: Val<'a>) -> Result<f64> {
        match value {
            Val::Number(number) => Ok(number),
            other => unexpected(other, "number"),
        }
    }

    /// Of 32 bits, as go-jsonnet has its indices.
    pub(super) fn integer(&self, value: Val<'a>) -> Result<i32> {
        let number = self.number(value)?;
        let whole = number as i32;
        if f64::from(whole) != number {
            return Err(Failure::new(format!(
                "Expected an integer, but got {}",
                crate::value::number::format_g(number)
            )));
        }
        Ok(whole)
    }

    pub(super) fn safe_integer(&self, value: Val<'a>) -> Result<i64> {
        let number = self.number(value)?;
        if !(-MAX_SAFE..=MAX_SAFE).contains(&number) {
            return Err(Failure::new(format!(
                "Bitwise operator argument {} outside of range [-{MAX_SAFE}, {MAX_SAFE}]",
                crate::value::number::format_g(number)
            )));
        }
        Ok(number as i64)
    }

    pub(super) fn string(&self, value: Val<'a>) -> Result<&'a str> {
        match value {
            Val::Text(text) => self.read(text),
            other => unexpected(other, "string"),
        }
    }

    pub(super) fn array(&self, value: Val<'a>) -> Result<&'a [Thunk<'a>]> {
        match value {
            Val::Array(items) => Ok(items),
            other => unexpected(other, "array"),
        }
    }

    pub(super) fn object_of(&self, value: Val<'a>) -> Result<&'a Object<'a>> {
        match value {
            Val::Object(object) => Ok(object),
            other => unexpected(other, "object"),
        }
    }

    pub(super) fn function(&self, value: Val<'a>) -> Result<Function<'a>> {
        match value {
            Val::Function(function) => Ok(function),
            other => unexpected(other, "function"),
        }
    }

    pub(super) fn finite(&self, number: f64) -> Result<Val<'a>> {
        if number.is_nan() {
            return Err(Failure::new("Not a number"));
        }
        if number.is_infinite() {
            return Err(Failure::new("Overflow"));
        }
        Ok(Val::Number(number))
    }

    pub(super) fn bytes(&self, bytes: &[u8]) -> Result<Val<'a>> {
        self.heap.has_room(bytes.len() * 48)?;
        let mut items = Vec::with_capacity(bytes.len());
        for byte in bytes {
            items.push(self.ready(Val::Number(f64::from(*byte)))?);
        }
        Ok(Val::Array(self.heap.list(&items)?))
    }

    pub(super) fn index(&self, target: Val<'a>, index: Val<'a>) -> Result<Val<'a>> {
        let place = |length: usize| -> Result<usize> {
            let number = self.number(index)? as i64;
            match usize::try_from(number) {
                Ok(at) if at < length => Ok(at),
                _ => Err(Failure::new(format!(
                    "Index {number} out of bounds, not within [0, {length})"
                ))),
            }
        };
        match target {
            Val::Object(object) => self.field(object, self.string(index)?),
            Val::Array(items) => self.force(items[place(items.len())?]),
            Val::Text(text) => {
                let text = self.read(text)?;
                if text.is_ascii() {
                    let at = place(text.len())?;
                    return self.text(&text[at..=at]);
                }
                let length = text.chars().count();
                self.step(length / 64)?;
                let c = text.chars().nth(place(length)?).unwrap_or_default();
                self.text(c.encode_utf8(&mut [0; 4]))
            }
            other => Err(Failure::new(format!(
                "Value non indexable: {}",
                other.type_name()
            ))),
        }
    }

    /// `target[from:to:step]`
    pub(super) fn slice(&self, [target, from, to, step]: [Val<'a>; 4]) -> Result<Val<'a>> {
        let length = match target {
            Val::Text(text) => self.read(text)?.chars().count(),
            Val::Array(items) => items.len(),
            other => {
                return Err(Failure::new(format!(
                    "std.slice accepts a string or an array, but got: {}",
                    other.type_name()
                )));
            }
        };
        let bound = |value: Val<'a>, default: usize| -> Result<usize> {
            if matches!(value, Val::Null) {
                return Ok(default);
            }
            let number = i64::from(self.integer(value)?);
            let at = if number < 0 {
                number + length as i64
            } else {
                number
            };
            Ok(usize::try_from(at).unwrap_or(0).min(length))
        };
        let (begin, end) = (bound(from, 0)?, bound(to, length)?);
        let step = match step {
            Val::Null => 1,
            step => self.integer(step)?,
        };
        if step <= 0 {
            return Err(Failure::new(format!(
                "got [{begin}:{end}:{step}] but negative steps are not supported"
            )));
        }
        let n_items = end.saturating_sub(begin);
        self.step(n_items / 16)?;
        match target {
            Val::Text(text) => {
                let text = self.read(text)?;
                self.heap.has_room(text.len())?;
                let taken: String = text
                    .chars()
                    .skip(begin)
                    .take(n_items)
                    .step_by(step as usize)
                    .collect();
                self.text(&taken)
            }
            Val::Array(items) if step == 1 => Ok(Val::Array(&items[begin.min(end)..end])),
            Val::Array(items) => {
                let taken: Vec<Thunk<'a>> = items[begin.min(end)..end]
                    .iter()
                    .step_by(step as usize)
                    .copied()
                    .collect();
                Ok(Val::Array(self.heap.list(&taken)?))
            }
            _ => Ok(Val::Null),
        }
    }

    pub(super) fn add(&self, left: Val<'a>, right: Val<'a>) -> Result<Val<'a>> {
        match (left, right) {
            (Val::Text(left), Val::Text(right)) => {
                Ok(Val::Text(Text::joined(self.heap, left, right)?))
            }
            (left, Val::Text(right)) => {
                let left = self.to_text_value(left)?;
                Ok(Val::Text(Text::joined(self.heap, left, right)?))
            }
            (Val::Text(left), right) => {
                let right = self.to_text_value(right)?;
                Ok(Val::Text(Text::joined(self.heap, left, right)?))
            }
            (Val::Number(left), right) => self.finite(left + self.number(right)?),
            (Val::Object(left), right) => {
                let right = self.object_of(right)?;
                Ok(Val::Object(self.object(Parts::Two(left, right))?))
            }
            (Val::Array(left), right) => {
                let right = self.array(right)?;
                if right.is_empty() {
                    return Ok(Val::Array(left));
                }
                let n_items = left.len() + right.len();
                self.step(n_items / 16)?;
                let items = self.heap.fill(n_items, |at| {
                    if at < left.len() {
                        left[at]
                    } else {
                        right[at - left.len()]
                    }
                })?;
                Ok(Val::Array(items))
            }
            (other, _) => Err(Failure::new(format!(
                "Unexpected type {}",
                other.type_name()
            ))),
        }
    }

    pub(super) fn binary(
        &self,
        operator: Binary,
        left: Val<'a>,
        right: Val<'a>,
    ) -> Result<Val<'a>> {
        match operator {
            Binary::Add => self.add(left, right),
            Binary::Subtract => self.finite(self.number(left)? - self.number(right)?),
            Binary::Multiply => self.finite(self.number(left)? * self.number(right)?),
            Binary::Divide => {
                let (left, right) = (self.number(left)?, self.number(right)?);
                if right == 0.0 {
                    return Err(Failure::new("Division by zero."));
                }
                self.finite(left / right)
            }
            Binary::Modulo => self.modulo(left, right),
            Binary::Equal => self.equal(left, right).map(Val::Bool),
            Binary::Unequal => self.equal(left, right).map(|equal| Val::Bool(!equal)),
            Binary::Less => Ok(Val::Bool(self.compare(left, right)?.is_lt())),
            Binary::LessOrEqual => Ok(Val::Bool(self.compare(left, right)?.is_le())),
            Binary::Greater => Ok(Val::Bool(self.compare(left, right)?.is_gt())),
            Binary::GreaterOrEqual => Ok(Val::Bool(self.compare(left, right)?.is_ge())),
            Binary::In => {
                let object = self.object_of(right)?;
                let name = self.string(left)?;
                Ok(Val::Bool(self.has(object, name)?))
            }
            Binary::BitAnd => self.bits(left, right, |a, b| a & b),
            Binary::BitOr => self.bits(left, right, |a, b| a | b),
            Binary::BitXor => self.bits(left, right, |a, b| a ^ b),
            Binary::ShiftLeft => {
                let (value, by) = self.shift(left, right)?;
                if by > 0 && value.unsigned_abs() >= 1 << (63 - by) {
                    return Err(Failure::new(format!(
                        "left shift would overflow: {value} << {by}"
                    )));
                }
                Ok(Val::Number((value << by) as f64))
            }
            Binary::ShiftRight => {
                let (value, by) = self.shift(left, right)?;
                Ok(Val::Number((value >> by) as f64))
            }
            Binary::And | Binary::Or => {
                let (left, right) = (self.flag(left)?, self.flag(right)?);
                let both = if operator == Binary::And {
                    left && right
                } else {
                    left || right
                };
                Ok(Val::Bool(both))
            }
        }
    }

    fn bits(&self, left: Val<'a>, right: Val<'a>, of: fn(i64, i64) -> i64) -> Result<Val<'a>> {
        let (left, right) = (self.safe_integer(left)?, self.safe_integer(right)?);
        Ok(Val::Number(of(left, right) as f64))
    }

    fn shift(&self, left: Val<'a>, right: Val<'a>) -> Result<(i64, u32)> {
        let (left, right) = (self.safe_integer(left)?, self.safe_integer(right)?);
        match u32::try_from(right) {
            Ok(by) => Ok((left, by % 64)),
            Err(_) => Err(Failure::new("Shift by negative exponent.")),
        }
    }

    /// `%`: the rest of a division, or a format.
    pub(super) fn modulo(&self, left: Val<'a>, right: Val<'a>) -> Result<Val<'a>> {
        match (left, right) {
            (Val::Number(left), Val::Number(right)) => {
                if right == 0.0 {
                    return Err(Failure::new("Division by zero."));
                }
                self.finite(left % right)
            }
            (Val::Text(format), values) => self.format(self.read(format)?, values),
            (left, right) => Err(Failure::new(format!(
                "Operator % cannot be used on types {} and {}.",
                left.type_name(),
                right.type_name()
            ))),
        }
    }

    pub(super) fn equal(&self, left: Val<'a>, right: Val<'a>) -> Result<bool> {
        self.step(1)?;
        Ok(match (left, right) {
            (Val::Null, Val::Null) => true,
            (Val::Bool(left), Val::Bool(right)) => left == right,
            (Val::Number(left), Val::Number(right)) => left == right,
            (Val::Text(left), Val::Text(right)) => self.read(left)? == self.read(right)?,
            (Val::Array(left), Val::Array(right)) => {
                if left.len() != right.len() {
                    return Ok(false);
                }
                for (left, right) in left.iter().zip(right) {
                    let (left, right) = (self.force(left)?, self.force(right)?);
                    if !self.deeper(|| self.equal(left, right))? {
                        return Ok(false);
                    }
                }
                true
            }
            (Val::Object(left), Val::Object(right)) => {
                let mut names = self.shown(left)?;
                let mut others = self.shown(right)?;
                let mut same = Vec::new();
                loop {
                    match (names.next(), others.next()) {
                        (None, None) => break,
                        (Some(name), Some(other)) if name == other => same.push(name),
                        _ => return Ok(false),
                    }
                }
                self.check(left)?;
                self.check(right)?;
                for name in same {
                    let (left, right) = (self.field(left, name)?, self.field(right, name)?);
                    if !self.deeper(|| self.equal(left, right))? {
                        return Ok(false);
                    }
                }
                true
            }
            (Val::Function(_), Val::Function(_)) => {
                return Err(Failure::new("Cannot test equality of functions"));
            }
            _ => false,
        })
    }

    pub(super) fn compare(&self, left: Val<'a>, right: Val<'a>) -> Result<Ordering> {
        self.step(1)?;
        match (left, right) {
            (Val::Number(left), Val::Number(right)) => {
                Ok(left.partial_cmp(&right).unwrap_or(Ordering::Equal))
            }
            (Val::Text(left), Val::Text(right)) => Ok(self.read(left)?.cmp(self.read(right)?)),
            (Val::Array(left), Val::Array(right)) => {
                for (left, right) in left.iter().zip(right) {
                    let (left, right) = (self.force(left)?, self.force(right)?);
                    let order = self.deeper(|| self.compare(left, right))?;
                    if order.is_ne() {
                        return Ok(order);
                    }
                }
                Ok(left.len().cmp(&right.len()))
            }
            (Val::Number(_) | Val::Text(_) | Val::Array(_), other) => {
                unexpected(other, left.type_name())
            }
            (other, _) => Err(Failure::new(format!(
                "Unexpected type {}",
                other.type_name()
            ))),
        }
    }
}
