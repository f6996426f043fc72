//! Arithmetic with decimals, as shopspring/decimal 1.4 does it for `addf` and
//! its kin: exact, but for a quotient of 16 places.

use super::cast::to_float64;
use crate::gotmpl::gofmt::sprint;
use crate::gotmpl::{Error, FuncDef, Type, Val};
use rsa::BigUint;

use Type::{Any, Float64};

pub(super) static FUNCTIONS: &[FuncDef] = &[
    FuncDef::new("add1f", &[Any], Float64, |_, args| {
        folded(Some(&args[0]), &[Val::Int(1)], Decimal::plus)
    }),
    FuncDef::variadic("addf", &[Any], Float64, |_, args| {
        folded(None, args, Decimal::plus)
    }),
    FuncDef::variadic("subf", &[Any, Any], Float64, |_, args| {
        folded(Some(&args[0]), &args[1..], |a, b| a.plus(&b.negated()))
    }),
    FuncDef::variadic("mulf", &[Any, Any], Float64, |_, args| {
        folded(Some(&args[0]), &args[1..], Decimal::times)
    }),
    FuncDef::variadic("divf", &[Any, Any], Float64, |_, args| {
        folded(Some(&args[0]), &args[1..], Decimal::over)
    }),
];

/// Decimal places of a quotient.
const DIVISION_PLACES: i64 = 16;

/// `coefficient * 10^exponent`
struct Decimal {
    negative: bool,
    coefficient: BigUint,
    exponent: i64,
}

fn folded(
    first: Option<&Val>,
    rest: &[Val],
    step: impl Fn(&Decimal, &Decimal) -> Result<Decimal, Error>,
) -> Result<Val, Error> {
    let mut result = Decimal::of(first.map_or(0.0, to_float64))?;
    for value in rest {
        result = step(&result, &Decimal::of(to_float64(value))?)?;
    }
    Ok(Val::Float(result.to_float()))
}

fn power_of_ten(exponent: i64) -> BigUint {
    let mut power = BigUint::from(1_u8);
    let mut square = BigUint::from(10_u8);
    let mut left = exponent.max(0);
    while left > 0 {
        if left & 1 == 1 {
            power = &power * &square;
        }
        square = &square * &square;
        left >>= 1;
    }
    power
}

impl Decimal {
    /// The shortest decimal that reads back as this float.
    fn of(number: f64) -> Result<Decimal, Error> {
        if !number.is_finite() {
            let number = sprint(&[Val::Float(number)])?;
            return Err(Error::new(format!("Cannot create a Decimal from {number}")));
        }
        let text = format!("{:e}", number.abs());
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let exponent: i64 = exponent.parse().unwrap_or(0);
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let digits: u64 = format!("{whole}{fraction}")
            .parse()
            .expect("the shortest digits of a double are at most 17");
        Ok(Decimal {
            negative: number < 0.0,
            coefficient: BigUint::from(digits),
            exponent: exponent - fraction.len() as i64,
        })
    }

    fn to_float(&self) -> f64 {
        if self.is_zero() {
            return 0.0;
        }
        let sign = if self.negative { "-" } else { "" };
        let digits = self.coefficient.to_str_radix(10);
        format!("{sign}{digits}e{}", self.exponent)
            .parse()
            .expect("digits with an exponent are a float")
    }

    fn is_zero(&self) -> bool {
        self.coefficient == BigUint::from(0_u8)
    }

    fn negated(&self) -> Decimal {
        Decimal {
            negative: !self.negative,
            coefficient: self.coefficient.clone(),
            exponent: self.exponent,
        }
    }

    /// The coefficient at an exponent that is not above the own.
    fn at_exponent(&self, exponent: i64) -> BigUint {
        &self.coefficient * power_of_ten(self.exponent - exponent)
    }

    fn plus(&self, other: &Decimal) -> Result<Decimal, Error> {
        let exponent = self.exponent.min(other.exponent);
        let (a, b) = (self.at_exponent(exponent), other.at_exponent(exponent));
        let (negative, coefficient) = if self.negative == other.negative {
            (self.negative, a + b)
        } else if a >= b {
            (self.negative, a - b)
        } else {
            (other.negative, b - a)
        };
        Ok(Decimal {
            negative,
            coefficient,
            exponent,
        })
    }

    fn times(&self, other: &Decimal) -> Result<Decimal, Error> {
        Ok(Decimal {
            negative: self.negative != other.negative,
            coefficient: &self.coefficient * &other.coefficient,
            exponent: self.exponent + other.exponent,
        })
    }

    /// The quotient, rounded half away from zero.
    fn over(&self, other: &Decimal) -> Result<Decimal, Error> {
        if other.is_zero() {
            return Err(Error::new("decimal division by 0"));
        }
        let shift = self.exponent - other.exponent + DIVISION_PLACES;
        let dividend = &self.coefficient * power_of_ten(shift);
        let divisor = &other.coefficient * power_of_ten(-shift);
        let mut quotient = &dividend / &divisor;
        let remainder = dividend - &quotient * &divisor;
        if &remainder + &remainder >= divisor {
            quotient += BigUint::from(1_u8);
        }
        Ok(Decimal {
            negative: self.negative != other.negative,
            coefficient: quotient,
            exponent: -DIVISION_PLACES,
        })
    }
}
