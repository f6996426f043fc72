//! Random strings and numbers, from the bytes that the host gives.

use super::args::int;
use crate::gotmpl::{Context, Error, FuncDef, Type, Val};

use Type::{Int, Str};

pub(super) static FUNCTIONS: &[FuncDef] = &[
    FuncDef::new("randAlphaNum", &[Int], Str, |ctx, args| {
        characters(ctx, int(args, 0), |b| b.is_ascii_alphanumeric())
    })
    .drawn(),
    FuncDef::new("randAlpha", &[Int], Str, |ctx, args| {
        characters(ctx, int(args, 0), |b| b.is_ascii_alphabetic())
    })
    .drawn(),
    FuncDef::new("randNumeric", &[Int], Str, |ctx, args| {
        characters(ctx, int(args, 0), |b| b.is_ascii_digit())
    })
    .drawn(),
    FuncDef::new("randAscii", &[Int], Str, |ctx, args| {
        characters(ctx, int(args, 0), |b| (b' '..=b'~').contains(b))
    })
    .drawn(),
    FuncDef::new("randBytes", &[Int], Str, rand_bytes).drawn(),
    FuncDef::new("randInt", &[Int, Int], Type::Int, rand_int).drawn(),
    FuncDef::new("uuidv4", &[], Str, uuid).drawn(),
];

/// A random number below `bound`, each as likely as the others.
pub(super) fn below(ctx: &mut Context<'_>, bound: u64) -> u64 {
    // Beyond the last whole multiple of the bound, small numbers would win.
    let unfair = u64::MAX - u64::MAX % bound;
    loop {
        let mut bytes = [0; 8];
        ctx.host().random(&mut bytes);
        let number = u64::from_le_bytes(bytes);
        if number < unfair {
            return number % bound;
        }
    }
}

/// Below zero, goutils' error is an empty string here.
fn characters(
    ctx: &mut Context<'_>,
    count: i64,
    wanted: impl Fn(&u8) -> bool,
) -> Result<Val, Error> {
    let Ok(count) = u64::try_from(count) else {
        return Ok("".into());
    };
    ctx.take_bytes(count)?;
    ctx.take_steps(count)?;
    let alphabet: Vec<u8> = (0..=u8::MAX).filter(wanted).collect();
    let mut out = Vec::with_capacity(count as usize);
    for _ in 0..count {
        out.push(alphabet[below(ctx, alphabet.len() as u64) as usize]);
    }
    Ok(Val::Str(out.into()))
}

fn rand_bytes(ctx: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    use base64::Engine as _;
    let Ok(count) = u64::try_from(int(args, 0)) else {
        return Err(Error::new("runtime error: makeslice: len out of range"));
    };
    ctx.take_bytes(count.saturating_mul(3))?;
    let mut buffer = vec![0; count as usize];
    ctx.host().random(&mut buffer);
    let text = base64::engine::general_purpose::STANDARD.encode(buffer);
    Ok(text.into())
}

fn rand_int(ctx: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let (min, max) = (int(args, 0), int(args, 1));
    let span = max.wrapping_sub(min);
    if span <= 0 {
        return Err(Error::new("invalid argument to Intn"));
    }
    Ok(Val::Int(min + below(ctx, span as u64) as i64))
}

fn uuid(ctx: &mut Context<'_>, _: &[Val]) -> Result<Val, Error> {
    let mut bytes = [0; 16];
    ctx.host().random(&mut bytes);
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = super::hashes::hex(&bytes);
    let parts = [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ];
    Ok(parts.join("-").into())
}
