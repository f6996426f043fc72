use crate::gotmpl::Context;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// `*time.Location`
#[derive(Clone, PartialEq)]
pub enum Zone {
    Utc,
    /// The zone of the host.
    Local(TimeZone),
    /// One of the tz database.
    Named(TimeZone),
    /// An offset that a text gave, maybe with a name.
    Fixed {
        name: String,
        offset: i32,
    },
}

impl Zone {
    pub fn local(ctx: &Context<'_>) -> Zone {
        Zone::Local(ctx.host().now().time_zone().clone())
    }

    /// `time.LoadLocation`; a name that is none is UTC, as sprig falls back.
    pub fn load(ctx: &Context<'_>, name: &str) -> Zone {
        match name {
            "" | "UTC" => Zone::Utc,
            "Local" => Zone::local(ctx),
            _ => match TimeZone::get(name) {
                // Go's names are those of files.
                Ok(zone) if zone.iana_name() == Some(name) => Zone::Named(zone),
                _ => Zone::Utc,
            },
        }
    }

    /// Abbreviation and offset in seconds at an instant.
    pub fn at(&self, seconds: i64) -> (String, i32) {
        match self {
            Zone::Utc => ("UTC".to_owned(), 0),
            Zone::Fixed { name, offset } => (name.clone(), *offset),
            Zone::Local(zone) | Zone::Named(zone) => {
                let first = Timestamp::MIN.as_second();
                let last = Timestamp::MAX.as_second();
                let instant = Timestamp::from_second(seconds.clamp(first, last))
                    .expect("clamped to what a timestamp holds");
                let info = zone.to_offset_info(instant);
                (info.abbreviation().to_owned(), info.offset().seconds())
            }
        }
    }
}
