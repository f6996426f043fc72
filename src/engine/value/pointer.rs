//! JSON pointers (RFC 6901): `/spec/template/metadata~1name/0`.

use super::Value;
use std::fmt;

/// A place in a value: the keys and indices that lead there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pointer(Vec<String>);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PointerError {
    #[error("JSON pointer {0:?} must be empty or begin with '/'")]
    NoSlash(String),
}

impl Pointer {
    pub fn parse(text: &str) -> Result<Self, PointerError> {
        if text.is_empty() {
            return Ok(Pointer::default());
        }
        let Some(path) = text.strip_prefix('/') else {
            return Err(PointerError::NoSlash(text.to_owned()));
        };
        Ok(Pointer(path.split('/').map(unescaped).collect()))
    }

    pub fn parts(&self) -> &[String] {
        &self.0
    }

    /// The pointer to what holds this place, and the last step; `None` for
    /// the root.
    pub fn split_last(&self) -> Option<(&[String], &str)> {
        let (last, parents) = self.0.split_last()?;
        Some((parents, last))
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.0 {
            write!(f, "/{}", part.replace('~', "~0").replace('/', "~1"))?;
        }
        Ok(())
    }
}

impl Value {
    /// What stands at a place, where something does.
    pub fn pointer(&self, pointer: &Pointer) -> Option<&Value> {
        pointer.0.iter().try_fold(self, |value, part| match value {
            Value::Map(map) => map.get(part),
            Value::Seq(items) => items.get(index(part)?),
            _ => None,
        })
    }

    pub fn pointer_mut(&mut self, pointer: &Pointer) -> Option<&mut Value> {
        self.steps_mut(&pointer.0)
    }

    /// Takes away what stands at a place; `None` where nothing does.
    pub fn remove_at(&mut self, pointer: &Pointer) -> Option<Value> {
        let Some((parents, last)) = pointer.split_last() else {
            return Some(std::mem::take(self));
        };
        match self.steps_mut(parents)? {
            Value::Map(map) => map.remove(last),
            Value::Seq(items) => {
                let at = index(last).filter(|at| *at < items.len())?;
                Some(items.remove(at))
            }
            _ => None,
        }
    }

    fn steps_mut(&mut self, parts: &[String]) -> Option<&mut Value> {
        parts.iter().try_fold(self, |value, part| match value {
            Value::Map(map) => map.get_mut(part),
            Value::Seq(items) => items.get_mut(index(part)?),
            _ => None,
        })
    }
}

/// `~1` is `/` and `~0` is `~`, from left to right; any other `~` stands for
/// itself, as in github.com/evanphx/json-patch.
fn unescaped(part: &str) -> String {
    let mut out = String::with_capacity(part.len());
    let mut rest = part;
    while let Some((before, behind)) = rest.split_once('~') {
        out.push_str(before);
        let (c, n_bytes) = match behind.as_bytes().first() {
            Some(b'1') => ('/', 1),
            Some(b'0') => ('~', 1),
            _ => ('~', 0),
        };
        out.push(c);
        rest = &behind[n_bytes..];
    }
    out.push_str(rest);
    out
}

/// An index without sign or leading zeros.
fn index(part: &str) -> Option<usize> {
    let canonical = part == "0" || !part.starts_with('0');
    let digits = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    (canonical && digits).then(|| part.parse().ok()).flatten()
}
