//! Dates: formatted, read, moved, and how long ago.

use super::args::{bytes, text};
use super::cast::atoi_clamped;
use super::times::{Duration, Time, Zone, parse_duration};
use crate::gotmpl::{Context, Error, FuncDef, Type, Val};

use Type::{Any, Str};

const TIME: Type = Type::Named("time.Time");

pub(super) static FUNCTIONS: &[FuncDef] = &[
    FuncDef::new("now", &[], TIME, |ctx, _| Ok(Time::now(ctx).into_val())),
    FuncDef::new("date", &[Str, Any], Str, |ctx, args| {
        in_zone(ctx, bytes(args, 0), &args[1], "Local")
    }),
    FuncDef::new("dateInZone", &[Str, Any, Str], Str, date_in_zone),
    FuncDef::new("date_in_zone", &[Str, Any, Str], Str, date_in_zone),
    FuncDef::new("htmlDate", &[Any], Str, |ctx, args| {
        in_zone(ctx, HTML, &args[0], "Local")
    }),
    FuncDef::new("htmlDateInZone", &[Any, Str], Str, |ctx, args| {
        in_zone(ctx, HTML, &args[0], &text(args, 1).to_text())
    }),
    FuncDef::new("dateModify", &[Str, TIME], TIME, date_modify),
    FuncDef::new("date_modify", &[Str, TIME], TIME, date_modify),
    FuncDef::new("mustDateModify", &[Str, TIME], TIME, must_date_modify),
    FuncDef::new("must_date_modify", &[Str, TIME], TIME, must_date_modify),
    FuncDef::new("toDate", &[Str, Str], TIME, |ctx, args| {
        let read = Time::parse(bytes(args, 0), bytes(args, 1), &Zone::local(ctx));
        Ok(read.unwrap_or_else(|_| Time::zero()).into_val())
    }),
    FuncDef::new("mustToDate", &[Str, Str], TIME, |ctx, args| {
        let read = Time::parse(bytes(args, 0), bytes(args, 1), &Zone::local(ctx));
        Ok(read.map_err(Error::new)?.into_val())
    }),
    FuncDef::new("unixEpoch", &[TIME], Str, |_, args| {
        Ok(time(&args[0]).seconds.to_string().into())
    }),
    FuncDef::new("ago", &[Any], Str, ago),
    FuncDef::new("duration", &[Any], Str, duration),
    FuncDef::new("durationRound", &[Any], Str, duration_round),
];

const HTML: &[u8] = b"2006-01-02";

fn time(value: &Val) -> &Time {
    value
        .downcast()
        .expect("the evaluator gives a time.Time for its type")
}

/// A time, or seconds since Unix' epoch; whatever else is now.
fn time_of(ctx: &Context<'_>, value: &Val) -> Time {
    match (value, value.downcast::<Time>()) {
        (_, Some(time)) => time.clone(),
        (Val::Int(seconds) | Val::Int64(seconds), _) => Time::unix(*seconds, Zone::local(ctx)),
        _ => Time::now(ctx),
    }
}

fn in_zone(ctx: &Context<'_>, layout: &[u8], date: &Val, zone: &str) -> Result<Val, Error> {
    let time = time_of(ctx, date).in_zone(Zone::load(ctx, zone));
    Ok(Val::Str(time.format(layout).into()))
}

fn date_in_zone(ctx: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    in_zone(ctx, bytes(args, 0), &args[1], &text(args, 2).to_text())
}

fn date_modify(_: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    Ok(match parse_duration(bytes(args, 0)) {
        Ok(by) => time(&args[1]).plus(by).into_val(),
        Err(_) => args[1].clone(),
    })
}

fn must_date_modify(_: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let by = parse_duration(bytes(args, 0)).map_err(Error::new)?;
    Ok(time(&args[1]).plus(by).into_val())
}

fn ago(ctx: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let since = Time::now(ctx).since(&time_of(ctx, &args[0]));
    Ok(since.rounded_to_seconds().to_string().into())
}

/// Seconds as `1h2m3s`; only a string or an int64 is taken.
fn duration(_: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let seconds = match &args[0] {
        Val::Str(text) => atoi_clamped(text),
        Val::Int64(seconds) => *seconds,
        _ => 0,
    };
    let nanos = seconds.wrapping_mul(1_000_000_000);
    Ok(Duration(nanos).to_string().into())
}

/// The largest unit alone, cut off: `3d`.
fn duration_round(ctx: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let duration = match (&args[0], args[0].downcast::<Time>()) {
        (Val::Str(text), _) => parse_duration(text.as_bytes()).unwrap_or(Duration(0)),
        (Val::Int64(nanos), _) => Duration(*nanos),
        (_, Some(time)) => Time::now(ctx).since(time),
        _ => Duration(0),
    };
    let seconds = 1_000_000_000;
    let units = [
        (365 * 86_400 * seconds, "y"),
        (30 * 86_400 * seconds, "mo"),
        (86_400 * seconds, "d"),
        (3_600 * seconds, "h"),
        (60 * seconds, "m"),
        (seconds, "s"),
    ];
    let nanos = duration.0.unsigned_abs();
    let unit = units.iter().find(|(unit, _)| nanos > *unit);
    Ok(match unit {
        Some((unit, name)) => format!("{}{name}", nanos / unit).into(),
        None => "0s".into(),
    })
}
