//! Calls whose result is chance: what tells one from another, so that a host
//! can give the same result in the next render.

use super::funcs::{certificate_of, certificate_val, sprint_v};
use super::{Context, Error, FuncDef, GoStr, Val};
use sha2::{Digest, Sha256};

/// Whether a function's result is chance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chance {
    No,
    Drawn,
    /// A certificate; the argument of this number is its life in days.
    Certificate {
        days: usize,
    },
}

/// One call of such a function.
#[derive(Debug)]
pub struct Draw<'a> {
    /// What is rendered: namespace and name of the release.
    pub release: &'a str,
    /// The file whose rendering led here.
    pub file: &'a str,
    pub function: &'static str,
    /// SHA-256 of the arguments.
    pub arguments: [u8; 32],
    /// How many calls with all of this the same went before in this render.
    pub ordinal: u64,
    /// Of a certificate: its life in days.
    pub days: Option<i64>,
}

/// A result that can be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Drawn {
    Text(String),
    Number(i64),
    Certificate { cert: String, key: String },
}

impl Drawn {
    /// `None` for text that is not UTF-8.
    pub fn of(value: &Val) -> Option<Drawn> {
        match value {
            Val::Str(text) => {
                let text = std::str::from_utf8(text.as_bytes()).ok()?;
                Some(Drawn::Text(text.to_owned()))
            }
            Val::Int(number) => Some(Drawn::Number(*number)),
            other => {
                let (cert, key) = certificate_of(other)?;
                Some(Drawn::Certificate { cert, key })
            }
        }
    }

    pub fn into_val(self) -> Val {
        match self {
            Drawn::Text(text) => text.into(),
            Drawn::Number(number) => Val::Int(number),
            Drawn::Certificate { cert, key } => certificate_val(cert, key),
        }
    }
}

/// Calls a function through the host.
pub(super) fn call(
    context: &mut Context<'_>,
    function: &FuncDef,
    args: &[Val],
) -> Result<Val, Error> {
    let arguments = digest(args);
    let file = context.file().clone();
    let release = context.release().clone();
    let ordinal = context.count_draw(&file, function.name, arguments);
    let days = match function.chance {
        Chance::Certificate { days } => match args.get(days) {
            Some(Val::Int(days)) => Some(*days),
            _ => None,
        },
        Chance::No | Chance::Drawn => None,
    };
    let draw = Draw {
        release: &release.to_text(),
        file: &file.to_text(),
        function: function.name,
        arguments,
        ordinal,
        days,
    };
    let host = context.host();
    host.draw(&draw, &mut || (function.call)(context, args))
}

/// Lengths keep `"a" "bc"` and `"ab" "c"` apart.
fn digest(args: &[Val]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for arg in args {
        // Arguments were checked: what cannot be shown is no argument of these.
        let shown = sprint_v(arg).unwrap_or_else(|_| GoStr::new(""));
        hasher.update((shown.len() as u64).to_le_bytes());
        hasher.update(shown.as_bytes());
    }
    hasher.finalize().into()
}
