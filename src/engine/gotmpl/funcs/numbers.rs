//! Arithmetic on integers and floats, ranges of integers.

use super::args::int;
use super::cast::{to_float64, to_int64};
use crate::gotmpl::{Context, Error, FuncDef, GoStr, List, Type, Val};

use Type::{Any, Float64, Int, Int64, IntList, Str};

pub(super) static FUNCTIONS: &[FuncDef] = &[
    FuncDef::new("add1", &[Any], Int64, |_, args| {
        Ok(Val::Int64(to_int64(&args[0]).wrapping_add(1)))
    }),
    FuncDef::variadic("add", &[Any], Int64, |_, args| {
        let sum = args.iter().map(to_int64).fold(0, i64::wrapping_add);
        Ok(Val::Int64(sum))
    }),
    FuncDef::new("sub", &[Any, Any], Int64, |_, args| {
        let difference = to_int64(&args[0]).wrapping_sub(to_int64(&args[1]));
        Ok(Val::Int64(difference))
    }),
    FuncDef::variadic("mul", &[Any, Any], Int64, |_, args| {
        let product = args.iter().map(to_int64).fold(1, i64::wrapping_mul);
        Ok(Val::Int64(product))
    }),
    FuncDef::new("div", &[Any, Any], Int64, |_, args| {
        Ok(Val::Int64(to_int64(&args[0]).wrapping_div(divisor(args)?)))
    }),
    FuncDef::new("mod", &[Any, Any], Int64, |_, args| {
        Ok(Val::Int64(to_int64(&args[0]).wrapping_rem(divisor(args)?)))
    }),
    FuncDef::variadic("max", &[Any, Any], Int64, max),
    FuncDef::variadic("biggest", &[Any, Any], Int64, max),
    FuncDef::variadic("min", &[Any, Any], Int64, min),
    FuncDef::variadic("maxf", &[Any, Any], Float64, |_, args| {
        Ok(fold_floats(args, max_of))
    }),
    FuncDef::variadic("minf", &[Any, Any], Float64, |_, args| {
        Ok(fold_floats(args, min_of))
    }),
    FuncDef::new("ceil", &[Any], Float64, |_, args| {
        Ok(Val::Float(to_float64(&args[0]).ceil()))
    }),
    FuncDef::new("floor", &[Any], Float64, |_, args| {
        Ok(Val::Float(to_float64(&args[0]).floor()))
    }),
    FuncDef::variadic("round", &[Any, Int, Float64], Float64, round),
    FuncDef::new("until", &[Int], IntList, until),
    FuncDef::new("untilStep", &[Int, Int, Int], IntList, until_step),
    FuncDef::variadic("seq", &[Int], Str, seq),
];

fn divisor(args: &[Val]) -> Result<i64, Error> {
    match to_int64(&args[1]) {
        0 => Err(Error::new("runtime error: integer divide by zero")),
        number => Ok(number),
    }
}

fn max(_: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    Ok(Val::Int64(args.iter().map(to_int64).max().unwrap_or(0)))
}

fn min(_: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    Ok(Val::Int64(args.iter().map(to_int64).min().unwrap_or(0)))
}

fn fold_floats(args: &[Val], of: fn(f64, f64) -> f64) -> Val {
    Val::Float(args.iter().map(to_float64).reduce(of).unwrap_or(0.0))
}

/// `math.Max`: an infinity wins over NaN, NaN over all else, +0 over -0.
fn max_of(a: f64, b: f64) -> f64 {
    if a == f64::INFINITY || b == f64::INFINITY {
        f64::INFINITY
    } else if a.is_nan() || b.is_nan() {
        f64::NAN
    } else if a == 0.0 && b == 0.0 {
        if a.is_sign_negative() { b } else { a }
    } else {
        a.max(b)
    }
}

/// `math.Min`
fn min_of(a: f64, b: f64) -> f64 {
    -max_of(-a, -b)
}

/// Rounds to so many places: up from `roundOn`, half where none is given.
fn round(_: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let round_on = match args.get(2) {
        Some(Val::Float(number)) => *number,
        _ => 0.5,
    };
    let power = power_of_ten(int(args, 1) as f64);
    let digit = power * to_float64(&args[0]);
    // math.Modf gives no fraction of an infinity but NaN.
    let fraction = digit - digit.trunc();
    let rounded = if fraction >= round_on {
        digit.ceil()
    } else {
        digit.floor()
    };
    Ok(Val::Float(rounded / power))
}

/// `math.Pow(10, places)` as Go computes it, bit for bit: by squaring of the
/// mantissa, with the exponent kept apart.
fn power_of_ten(places: f64) -> f64 {
    if places == 0.0 {
        return 1.0;
    }
    if places.abs() >= 9_223_372_036_854_775_808.0 {
        return if places < 0.0 { 0.0 } else { f64::INFINITY };
    }
    let (mut mantissa, mut exponent) = (1.0_f64, 0_i64);
    // 10 is 0.625 * 2^4.
    let (mut square, mut square_exponent) = (0.625_f64, 4_i64);
    let mut left = places.abs() as i64;
    while left != 0 {
        if !(-(1 << 12)..=1 << 12).contains(&square_exponent) {
            exponent += square_exponent;
            break;
        }
        if left & 1 == 1 {
            mantissa *= square;
            exponent += square_exponent;
        }
        square *= square;
        square_exponent <<= 1;
        if square < 0.5 {
            square += square;
            square_exponent -= 1;
        }
        left >>= 1;
    }
    if places < 0.0 {
        mantissa = 1.0 / mantissa;
        exponent = -exponent;
    }
    scaled(mantissa, exponent)
}

/// `math.Ldexp`
fn scaled(mut mantissa: f64, mut exponent: i64) -> f64 {
    while exponent != 0 && mantissa != 0.0 && mantissa.is_finite() {
        let step = exponent.clamp(-1000, 1000);
        mantissa *= 2_f64.powi(step as i32);
        exponent -= step;
    }
    mantissa
}

/// What an integer of a list costs.
const BYTES_PER_INTEGER: u64 = 16;

/// From `start` in steps towards `stop`, without it; empty where the step leads
/// away from it.
fn steps(
    ctx: &mut Context<'_>,
    start: i64,
    stop: i64,
    step: i64,
) -> Result<impl Iterator<Item = i64> + use<>, Error> {
    let distance = i128::from(stop) - i128::from(start);
    let leads_there = step != 0 && distance != 0 && (step > 0) == (distance > 0);
    let n_steps = if leads_there {
        (distance.unsigned_abs()).div_ceil(i128::from(step).unsigned_abs()) as u64
    } else {
        0
    };
    ctx.take_steps(n_steps)?;
    ctx.take_bytes(n_steps.saturating_mul(BYTES_PER_INTEGER))?;
    Ok((0..n_steps).map(move |n| start.wrapping_add(step.wrapping_mul(n as i64))))
}

fn until(ctx: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let stop = int(args, 0);
    let items = steps(ctx, 0, stop, if stop < 0 { -1 } else { 1 })?;
    Ok(List::of(Int, items.map(Val::Int).collect()).into())
}

fn until_step(ctx: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let items = steps(ctx, int(args, 0), int(args, 1), int(args, 2))?;
    Ok(List::of(Int, items.map(Val::Int).collect()).into())
}

/// Integers with spaces between, the last included, as the command `seq`.
fn seq(ctx: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let at = |n| int(args, n);
    let towards = |start: i64, end: i64| if end < start { -1 } else { 1 };
    let (start, end, step) = match args.len() {
        1 => (1, at(0), towards(1, at(0))),
        2 => (at(0), at(1), towards(at(0), at(1))),
        3 if at(2) < at(0) && at(1) > 0 => return Ok("".into()),
        3 => (at(0), at(2), at(1)),
        _ => return Ok("".into()),
    };
    let stop = end.wrapping_add(towards(start, end));
    let items = steps(ctx, start, stop, step)?;
    let mut out = String::new();
    for number in items {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(&number.to_string());
    }
    Ok(Val::Str(GoStr::from(out)))
}
