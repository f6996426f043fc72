use std::fmt;

/// A place in a program; lines and columns begin at 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub file: String,
    pub line: u32,
    pub column: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// Why a program gives no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonnetError {
    /// In go-jsonnet's words where it has the same error.
    pub message: String,
    /// Where it was raised.
    pub place: Option<Place>,
    /// From where that was called, the innermost first.
    pub callers: Vec<Place>,
}

impl std::error::Error for JsonnetError {}

impl fmt::Display for JsonnetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        f.write_str(&self.message)?;
        for (at, caller) in self.callers.iter().enumerate() {
            let before = if at == 0 { " (called from " } else { ", " };
            write!(f, "{before}{caller}")?;
        }
        if !self.callers.is_empty() {
            f.write_str(")")?;
        }
        Ok(())
    }
}

/// Where a piece of code stands, by the number of its file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct At {
    pub file: u32,
    pub line: u32,
    pub column: u32,
}

/// Callers that an error names.
const MAX_CALLERS: usize = 8;

/// An error on its way out.
#[derive(Debug)]
pub(super) struct Failure {
    pub message: String,
    pub at: Option<At>,
    pub callers: Vec<At>,
}

pub(super) type Result<T> = std::result::Result<T, Box<Failure>>;

impl Failure {
    pub fn new(message: impl Into<String>) -> Box<Self> {
        Box::new(Failure {
            message: message.into(),
            at: None,
            callers: Vec::new(),
        })
    }

    pub fn at(message: impl Into<String>, at: At) -> Box<Self> {
        let mut failure = Self::new(message);
        failure.at = Some(at);
        failure
    }

    /// The place of a failure that has none yet.
    pub fn or_at(mut self: Box<Self>, at: At) -> Box<Self> {
        self.at.get_or_insert(at);
        self
    }

    pub fn called_from(mut self: Box<Self>, at: At) -> Box<Self> {
        if self.at.is_none() {
            self.at = Some(at);
        } else if self.callers.len() < MAX_CALLERS && self.callers.last() != Some(&at) {
            self.callers.push(at);
        }
        self
    }
}
