//! What a value is, and what comes from outside of the program.

use super::function;
use crate::jsonnet::error::{Failure, Result};
use crate::jsonnet::machine::Machine;
use crate::jsonnet::print::quote;
use crate::jsonnet::value::{Builtin, Val};
use std::cmp::Ordering;

pub(super) const FUNCTIONS: &[Builtin] = &[
    function("type", &["x"], |m, a| m.text(m.value_at(a, 0)?.type_name())),
    function("isString", &["v"], |m, a| {
        Ok(Val::Bool(matches!(m.value_at(a, 0)?, Val::Text(_))))
    }),
    function("isNumber", &["v"], |m, a| {
        Ok(Val::Bool(matches!(m.value_at(a, 0)?, Val::Number(_))))
    }),
    function("isBoolean", &["v"], |m, a| {
        Ok(Val::Bool(matches!(m.value_at(a, 0)?, Val::Bool(_))))
    }),
    function("isObject", &["v"], |m, a| {
        Ok(Val::Bool(matches!(m.value_at(a, 0)?, Val::Object(_))))
    }),
    function("isArray", &["v"], |m, a| {
        Ok(Val::Bool(matches!(m.value_at(a, 0)?, Val::Array(_))))
    }),
    function("isFunction", &["v"], |m, a| {
        Ok(Val::Bool(matches!(m.value_at(a, 0)?, Val::Function(_))))
    }),
    function("isNull", &["v"], |m, a| {
        Ok(Val::Bool(matches!(m.value_at(a, 0)?, Val::Null)))
    }),
    function("id", &["x"], |m, a| m.value_at(a, 0)),
    function("equals", &["x", "y"], |m, a| {
        Ok(Val::Bool(m.equal(m.value_at(a, 0)?, m.value_at(a, 1)?)?))
    }),
    function("primitiveEquals", &["x", "y"], |m, a| {
        let (left, right) = (m.value_at(a, 0)?, m.value_at(a, 1)?);
        match (left, right) {
            (Val::Array(_), Val::Array(_)) | (Val::Object(_), Val::Object(_)) => {
                Err(Failure::new(format!(
                    "primitiveEquals operates on primitive types, got {}",
                    left.type_name()
                )))
            }
            _ => Ok(Val::Bool(m.equal(left, right)?)),
        }
    }),
    function("__compare", &["v1", "v2"], |m, a| {
        let order = m.compare(m.value_at(a, 0)?, m.value_at(a, 1)?)?;
        Ok(Val::Number(f64::from(order as i8)))
    }),
    function("__compare_array", &["arr1", "arr2"], |m, a| {
        let order = m.compare(m.value_at(a, 0)?, m.value_at(a, 1)?)?;
        Ok(Val::Number(f64::from(order as i8)))
    }),
    function("__array_less", &["arr1", "arr2"], |m, a| {
        let order = m.compare(m.value_at(a, 0)?, m.value_at(a, 1)?)?;
        Ok(Val::Bool(order == Ordering::Less))
    }),
    function("__array_greater", &["arr1", "arr2"], |m, a| {
        let order = m.compare(m.value_at(a, 0)?, m.value_at(a, 1)?)?;
        Ok(Val::Bool(order == Ordering::Greater))
    }),
    function("__array_less_or_equal", &["arr1", "arr2"], |m, a| {
        let order = m.compare(m.value_at(a, 0)?, m.value_at(a, 1)?)?;
        Ok(Val::Bool(order != Ordering::Greater))
    }),
    function("__array_greater_or_equal", &["arr1", "arr2"], |m, a| {
        let order = m.compare(m.value_at(a, 0)?, m.value_at(a, 1)?)?;
        Ok(Val::Bool(order != Ordering::Less))
    }),
    function("assertEqual", &["a", "b"], |m, a| {
        let (left, right) = (m.value_at(a, 0)?, m.value_at(a, 1)?);
        if m.equal(left, right)? {
            return Ok(Val::Bool(true));
        }
        Err(Failure::new(format!(
            "Assertion failed. {} != {}",
            shown(m, left)?,
            shown(m, right)?
        )))
    }),
    // What it says is for whoever writes the program; here nobody reads along.
    function("trace", &["str", "rest"], |m, a| {
        m.text_at(a, 0)?;
        m.value_at(a, 1)
    }),
    function("native", &["x"], |m, a| m.text_at(a, 0).map(|_| Val::Null)),
    function("extVar", &["x"], |m, a| m.external(m.text_at(a, 0)?)),
];

/// As a string, with quotes where it is one.
fn shown<'a>(machine: &Machine<'a>, value: Val<'a>) -> Result<String> {
    let text = machine.to_text(value)?;
    let mut out = String::new();
    match value {
        Val::Text(_) => quote(text, &mut out),
        _ => out.push_str(text),
    }
    Ok(out)
}
