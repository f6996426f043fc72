//! `time.Time`, `time.Duration`, `time.Month`, `time.Weekday` as templates
//! see them.

use super::layout::{MONTHS, WEEK_DAYS};
use super::{Civil, Duration, Time, Zone};
use crate::gotmpl::{Error, FuncDef, Kind, Object, Type, Val};
use crate::value::Value;
use std::any::Any;
use std::rc::Rc;

use Type::{Bool, Float64, Int, Int64, Str};

const TIME: Type = Type::Named("time.Time");
const DURATION: Type = Type::Named("time.Duration");

/// The time of a receiver or of a parameter of that type.
fn time(value: &Val) -> &Time {
    value
        .downcast()
        .expect("the evaluator gives a time.Time for its type")
}

fn int(value: i64) -> Result<Val, Error> {
    Ok(Val::Int(value))
}

static TIME_METHODS: &[FuncDef] = &[
    FuncDef::new("Year", &[], Int, |_, a| int(time(&a[0]).civil().year)),
    FuncDef::new("Month", &[], Type::Named("time.Month"), |_, a| {
        let month = time(&a[0]).civil().month;
        Ok(Named::val("time.Month", month, MONTHS[month as usize - 1]))
    }),
    FuncDef::new("Day", &[], Int, |_, a| int(time(&a[0]).civil().day)),
    FuncDef::new("Hour", &[], Int, |_, a| int(time(&a[0]).civil().hour)),
    FuncDef::new("Minute", &[], Int, |_, a| int(time(&a[0]).civil().minute)),
    FuncDef::new("Second", &[], Int, |_, a| int(time(&a[0]).civil().second)),
    FuncDef::new("Nanosecond", &[], Int, |_, a| {
        int(i64::from(time(&a[0]).nanos))
    }),
    FuncDef::new("YearDay", &[], Int, |_, a| {
        int(time(&a[0]).civil().day_of_year())
    }),
    FuncDef::new("Weekday", &[], Type::Named("time.Weekday"), |_, a| {
        let day = time(&a[0]).civil().weekday();
        Ok(Named::val("time.Weekday", day, WEEK_DAYS[day as usize]))
    }),
    FuncDef::new("Unix", &[], Int64, |_, a| {
        Ok(Val::Int64(time(&a[0]).seconds))
    }),
    FuncDef::new("UnixMilli", &[], Int64, |_, a| {
        Ok(Val::Int64(unix_in(&a[0], 1_000)))
    }),
    FuncDef::new("UnixMicro", &[], Int64, |_, a| {
        Ok(Val::Int64(unix_in(&a[0], 1_000_000)))
    }),
    FuncDef::new("UnixNano", &[], Int64, |_, a| {
        Ok(Val::Int64(unix_in(&a[0], 1_000_000_000)))
    }),
    FuncDef::new("String", &[], Str, |_, a| Ok(time(&a[0]).text().into())),
    FuncDef::new("Format", &[Str], Str, |_, a| {
        let layout = super::super::args::bytes(a, 1);
        Ok(Val::Str(time(&a[0]).format(layout).into()))
    }),
    FuncDef::new("UTC", &[], TIME, |_, a| {
        Ok(time(&a[0]).in_zone(Zone::Utc).into_val())
    }),
    FuncDef::new("Local", &[], TIME, |ctx, a| {
        Ok(time(&a[0]).in_zone(Zone::local(ctx)).into_val())
    }),
    FuncDef::new("IsZero", &[], Bool, |_, a| Ok(time(&a[0]).is_zero().into())),
    FuncDef::new("Before", &[TIME], Bool, |_, a| {
        Ok((time(&a[0]).total_nanos() < time(&a[1]).total_nanos()).into())
    }),
    FuncDef::new("After", &[TIME], Bool, |_, a| {
        Ok((time(&a[0]).total_nanos() > time(&a[1]).total_nanos()).into())
    }),
    FuncDef::new("Equal", &[TIME], Bool, |_, a| {
        Ok((time(&a[0]).total_nanos() == time(&a[1]).total_nanos()).into())
    }),
    FuncDef::new("Compare", &[TIME], Int, |_, a| {
        int(time(&a[0]).total_nanos().cmp(&time(&a[1]).total_nanos()) as i64)
    }),
    FuncDef::new("Sub", &[TIME], DURATION, |_, a| {
        Ok(DurationObject::val(time(&a[0]).since(time(&a[1]))))
    }),
    FuncDef::new("Add", &[DURATION], TIME, |_, a| {
        let by = a[1].downcast::<DurationObject>().map_or(0, |d| d.0.0);
        Ok(time(&a[0]).plus(Duration(by)).into_val())
    }),
    FuncDef::new("AddDate", &[Int, Int, Int], TIME, |_, a| {
        let time = time(&a[0]);
        let by = |at| super::super::args::int(a, at);
        let civil = time.civil();
        let moved = Civil {
            year: civil.year.saturating_add(by(1)),
            month: civil.month.saturating_add(by(2)),
            day: civil.day.saturating_add(by(3)),
            ..civil
        };
        Ok(Time::of_civil(&moved, time.nanos, time.zone.clone()).into_val())
    }),
];

/// Whole units since Unix' epoch, so many a second.
fn unix_in(value: &Val, per_second: i64) -> i64 {
    let time = time(value);
    let part = i64::from(time.nanos) / (1_000_000_000 / per_second);
    time.seconds.wrapping_mul(per_second).wrapping_add(part)
}

impl Time {
    /// `Time.String()`, without a monotonic clock's reading.
    fn text(&self) -> String {
        let text = self.format(b"2006-01-02 15:04:05.999999999 -0700 MST");
        String::from_utf8_lossy(&text).into_owned()
    }
}

impl Object for Time {
    fn type_name(&self) -> &'static str {
        "time.Time"
    }

    fn kind(&self) -> Kind {
        Kind::Struct
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn unexported_fields(&self) -> &'static [&'static str] {
        &["wall", "ext", "loc"]
    }

    fn unusable_methods(&self) -> &'static [(&'static str, &'static str)] {
        &[
            (
                "Date",
                "function Date has 3 return values; should be 1 or 2",
            ),
            (
                "Clock",
                "function Clock has 3 return values; should be 1 or 2",
            ),
            (
                "ISOWeek",
                "invalid function signature for ISOWeek: second return value should be error; is int",
            ),
            (
                "Zone",
                "invalid function signature for Zone: second return value should be error; is int",
            ),
            (
                "ZoneBounds",
                "invalid function signature for ZoneBounds: second return value should be error; is time.Time",
            ),
        ]
    }

    fn methods(&self) -> &'static [FuncDef] {
        TIME_METHODS
    }

    fn stringer(&self) -> Option<String> {
        Some(self.text())
    }

    fn equals(&self, other: &dyn Object) -> bool {
        other.as_any().downcast_ref::<Time>() == Some(self)
    }

    fn to_value(&self) -> Result<Value, Error> {
        if !(0..10_000).contains(&self.civil().year) {
            let text = "json: error calling MarshalJSON for type time.Time: \
                        Time.MarshalJSON: year outside of range [0,9999]";
            return Err(Error::new(text));
        }
        let text = self.format(b"2006-01-02T15:04:05.999999999Z07:00");
        Ok(Value::Str(String::from_utf8_lossy(&text).into_owned()))
    }
}

/// `time.Duration`
pub struct DurationObject(pub Duration);

impl DurationObject {
    pub fn val(duration: Duration) -> Val {
        Val::Object(Rc::new(DurationObject(duration)))
    }
}

fn duration(value: &Val) -> i64 {
    value.downcast::<DurationObject>().map_or(0, |d| d.0.0)
}

static DURATION_METHODS: &[FuncDef] = &[
    FuncDef::new("Hours", &[], Float64, |_, a| {
        Ok(Val::Float(split(&a[0], 3_600_000_000_000)))
    }),
    FuncDef::new("Minutes", &[], Float64, |_, a| {
        Ok(Val::Float(split(&a[0], 60_000_000_000)))
    }),
    FuncDef::new("Seconds", &[], Float64, |_, a| {
        Ok(Val::Float(split(&a[0], 1_000_000_000)))
    }),
    FuncDef::new("Milliseconds", &[], Int64, |_, a| {
        Ok(Val::Int64(duration(&a[0]) / 1_000_000))
    }),
    FuncDef::new("Microseconds", &[], Int64, |_, a| {
        Ok(Val::Int64(duration(&a[0]) / 1_000))
    }),
    FuncDef::new("Nanoseconds", &[], Int64, |_, a| {
        Ok(Val::Int64(duration(&a[0])))
    }),
    FuncDef::new("String", &[], Str, |_, a| {
        Ok(Duration(duration(&a[0])).to_string().into())
    }),
    FuncDef::new("Abs", &[], DURATION, |_, a| {
        Ok(DurationObject::val(Duration(
            duration(&a[0]).saturating_abs(),
        )))
    }),
];

/// A duration in units, the whole ones apart, as Go adds them.
fn split(value: &Val, unit: i64) -> f64 {
    let nanos = duration(value);
    (nanos / unit) as f64 + (nanos % unit) as f64 / unit as f64
}

impl Object for DurationObject {
    fn type_name(&self) -> &'static str {
        "time.Duration"
    }

    fn kind(&self) -> Kind {
        Kind::Int64
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn methods(&self) -> &'static [FuncDef] {
        DURATION_METHODS
    }

    fn stringer(&self) -> Option<String> {
        Some(self.0.to_string())
    }

    fn equals(&self, other: &dyn Object) -> bool {
        let other = other.as_any().downcast_ref::<DurationObject>();
        other.is_some_and(|other| other.0 == self.0)
    }

    fn to_value(&self) -> Result<Value, Error> {
        Ok(Value::Int(self.0.0))
    }
}

/// An integer whose values have names.
pub struct Named {
    type_name: &'static str,
    pub number: i64,
    name: &'static str,
}

impl Named {
    fn val(type_name: &'static str, number: i64, name: &'static str) -> Val {
        Val::Object(Rc::new(Named {
            type_name,
            number,
            name,
        }))
    }
}

static NAMED_METHODS: &[FuncDef] = &[FuncDef::new("String", &[], Str, |_, a| {
    Ok(a[0].downcast::<Named>().map_or("", |n| n.name).into())
})];

impl Object for Named {
    fn type_name(&self) -> &'static str {
        self.type_name
    }

    fn kind(&self) -> Kind {
        Kind::Int
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn methods(&self) -> &'static [FuncDef] {
        NAMED_METHODS
    }

    fn stringer(&self) -> Option<String> {
        Some(self.name.to_owned())
    }

    fn equals(&self, other: &dyn Object) -> bool {
        let other = other.as_any().downcast_ref::<Named>();
        other.is_some_and(|o| o.number == self.number && o.type_name == self.type_name)
    }

    fn to_value(&self) -> Result<Value, Error> {
        Ok(Value::Int(self.number))
    }
}
