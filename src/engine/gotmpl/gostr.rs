use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::rc::Rc;

/// A Go string: any bytes, mostly UTF-8. Cloning shares the bytes; whether
/// they are UTF-8 is known from the moment it is made, so that `as_str` is free.
#[derive(Clone)]
pub struct GoStr(Repr);

#[derive(Clone)]
enum Repr {
    Text(Rc<str>),
    Bytes(Rc<[u8]>),
}

impl GoStr {
    pub fn new(text: &str) -> Self {
        GoStr(Repr::Text(text.into()))
    }

    /// The string of any bytes: `trunc` may cut a character in two, and
    /// `.Files.Get` may read a binary.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => GoStr::new(text),
            Err(_) => GoStr(Repr::Bytes(bytes.into())),
        }
    }

    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Repr::Text(text) => text.as_bytes(),
            Repr::Bytes(bytes) => bytes,
        }
    }

    /// The text, where the bytes are UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        match &self.0 {
            Repr::Text(text) => Some(text),
            Repr::Bytes(_) => None,
        }
    }

    /// The text, with U+FFFD for what is not UTF-8.
    pub fn to_text(&self) -> Cow<'_, str> {
        match &self.0 {
            Repr::Text(text) => Cow::Borrowed(text),
            Repr::Bytes(bytes) => String::from_utf8_lossy(bytes),
        }
    }

    /// Length in bytes, as Go's `len`.
    pub fn len(&self) -> usize {
        self.as_bytes().len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl From<&str> for GoStr {
    fn from(text: &str) -> Self {
        GoStr::new(text)
    }
}

impl From<String> for GoStr {
    fn from(text: String) -> Self {
        GoStr(Repr::Text(text.into()))
    }
}

impl From<Vec<u8>> for GoStr {
    fn from(bytes: Vec<u8>) -> Self {
        match String::from_utf8(bytes) {
            Ok(text) => text.into(),
            Err(error) => GoStr(Repr::Bytes(error.into_bytes().into())),
        }
    }
}

impl From<Cow<'_, str>> for GoStr {
    fn from(text: Cow<'_, str>) -> Self {
        GoStr(Repr::Text(text.into()))
    }
}

impl PartialEq for GoStr {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for GoStr {}

impl PartialEq<str> for GoStr {
    fn eq(&self, other: &str) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl PartialEq<&str> for GoStr {
    fn eq(&self, other: &&str) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl PartialOrd for GoStr {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for GoStr {
    /// By bytes, as Go compares strings.
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl Hash for GoStr {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

impl fmt::Debug for GoStr {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.to_text(), out)
    }
}

impl fmt::Display for GoStr {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&*self.to_text(), out)
    }
}
