use super::arguments::Arguments;
use super::function;
use crate::jsonnet::error::{Failure, Result};
use crate::jsonnet::machine::Machine;
use crate::jsonnet::value::{Builtin, Val};

pub(super) const FUNCTIONS: &[Builtin] = &[
    function("abs", &["n"], |m, a| {
        Ok(Val::Number(own(m, a, 0, "std.abs")?.abs()))
    }),
    function("sign", &["n"], |m, a| {
        let number = own(m, a, 0, "std.sign")?;
        Ok(Val::Number(if number == 0.0 {
            0.0
        } else {
            number.signum()
        }))
    }),
    function("max", &["a", "b"], |m, a| {
        let (left, right) = (
            one(m, a, 0, "std.max first")?,
            one(m, a, 1, "std.max second")?,
        );
        Ok(Val::Number(if left > right { left } else { right }))
    }),
    function("min", &["a", "b"], |m, a| {
        let (left, right) = (
            one(m, a, 0, "std.min first")?,
            one(m, a, 1, "std.min second")?,
        );
        Ok(Val::Number(if left < right { left } else { right }))
    }),
    function("clamp", &["x", "minVal", "maxVal"], |m, a| {
        let [x, least, most] = [m.value_at(a, 0)?, m.value_at(a, 1)?, m.value_at(a, 2)?];
        if m.compare(x, least)?.is_lt() {
            return Ok(least);
        }
        Ok(if m.compare(x, most)?.is_gt() { most } else { x })
    }),
    function("pow", &["x", "n"], |m, a| {
        m.finite(m.number_at(a, 0)?.powf(m.number_at(a, 1)?))
    }),
    function("exp", &["x"], |m, a| m.finite(m.number_at(a, 0)?.exp())),
    function("log", &["x"], |m, a| m.finite(m.number_at(a, 0)?.ln())),
    function("log2", &["x"], |m, a| {
        m.finite(m.number_at(a, 0)?.ln() / 2_f64.ln())
    }),
    function("log10", &["x"], |m, a| {
        m.finite(m.number_at(a, 0)?.ln() / 10_f64.ln())
    }),
    function("sqrt", &["x"], |m, a| m.finite(m.number_at(a, 0)?.sqrt())),
    function("hypot", &["x", "y"], |m, a| {
        m.finite(m.number_at(a, 0)?.hypot(m.number_at(a, 1)?))
    }),
    function("floor", &["x"], |m, a| m.finite(m.number_at(a, 0)?.floor())),
    function("ceil", &["x"], |m, a| m.finite(m.number_at(a, 0)?.ceil())),
    function("round", &["x"], |m, a| m.finite(m.number_at(a, 0)?.round())),
    function("sin", &["x"], |m, a| m.finite(m.number_at(a, 0)?.sin())),
    function("cos", &["x"], |m, a| m.finite(m.number_at(a, 0)?.cos())),
    function("tan", &["x"], |m, a| m.finite(m.number_at(a, 0)?.tan())),
    function("asin", &["x"], |m, a| m.finite(m.number_at(a, 0)?.asin())),
    function("acos", &["x"], |m, a| m.finite(m.number_at(a, 0)?.acos())),
    function("atan", &["x"], |m, a| m.finite(m.number_at(a, 0)?.atan())),
    function("atan2", &["y", "x"], |m, a| {
        m.finite(m.number_at(a, 0)?.atan2(m.number_at(a, 1)?))
    }),
    function("deg2rad", &["x"], |m, a| {
        m.finite(m.number_at(a, 0)? * std::f64::consts::PI / 180.0)
    }),
    function("rad2deg", &["x"], |m, a| {
        m.finite(m.number_at(a, 0)? * 180.0 / std::f64::consts::PI)
    }),
    function("mantissa", &["x"], |m, a| {
        Ok(Val::Number(split(m.number_at(a, 0)?).0))
    }),
    function("exponent", &["x"], |m, a| {
        Ok(Val::Number(f64::from(split(m.number_at(a, 0)?).1)))
    }),
    function("mod", &["a", "b"], |m, a| {
        m.modulo(m.value_at(a, 0)?, m.value_at(a, 1)?)
    }),
    function("modulo", &["x", "y"], |m, a| {
        let (left, right) = (m.number_at(a, 0)?, m.number_at(a, 1)?);
        m.modulo(Val::Number(left), Val::Number(right))
    }),
    function("isEven", &["x"], |m, a| {
        Ok(Val::Bool(m.number_at(a, 0)?.trunc() % 2.0 == 0.0))
    }),
    function("isOdd", &["x"], |m, a| {
        Ok(Val::Bool(m.number_at(a, 0)?.trunc() % 2.0 != 0.0))
    }),
    function("isInteger", &["x"], |m, a| {
        Ok(Val::Bool(m.number_at(a, 0)?.fract() == 0.0))
    }),
    function("isDecimal", &["x"], |m, a| {
        Ok(Val::Bool(m.number_at(a, 0)?.fract() != 0.0))
    }),
    function("xor", &["x", "y"], |m, a| {
        Ok(Val::Bool(
            m.flag_at(a, 0, false)? != m.flag_at(a, 1, false)?,
        ))
    }),
    function("xnor", &["x", "y"], |m, a| {
        Ok(Val::Bool(
            m.flag_at(a, 0, false)? == m.flag_at(a, 1, false)?,
        ))
    }),
];

fn own<'a>(
    machine: &Machine<'a>,
    arguments: Arguments<'_, 'a>,
    at: usize,
    who: &str,
) -> Result<f64> {
    match machine.value_at(arguments, at)? {
        Val::Number(number) => Ok(number),
        other => Err(Failure::new(format!(
            "{who} expected number, got {}",
            other.type_name()
        ))),
    }
}

fn one<'a>(
    machine: &Machine<'a>,
    arguments: Arguments<'_, 'a>,
    at: usize,
    who: &str,
) -> Result<f64> {
    own(machine, arguments, at, &format!("{who} param"))
}

/// The fraction, from a half up to one, and the power of two.
fn split(number: f64) -> (f64, i32) {
    if number == 0.0 || !number.is_finite() {
        return (number, 0);
    }
    let (scaled, by) = if number.abs() < f64::MIN_POSITIVE {
        (number * 2_f64.powi(64), -64)
    } else {
        (number, 0)
    };
    let bits = scaled.to_bits();
    let exponent = ((bits >> 52) & 0x7ff) as i32 - 1022;
    let mantissa = f64::from_bits((bits & !(0x7ff << 52)) | (1022 << 52));
    (mantissa, exponent + by)
}
