//! Constraints: `>=1.2, <2 || ~3.1`, `1.x`, `^0.2`, `1.2 - 1.4`.

use super::{Version, compare_identifiers, scan};
use std::cmp::Ordering;
use std::fmt;

/// A longer text is no constraint.
pub const MAX_CONSTRAINT_BYTES: usize = 512;
/// How many alternatives `||` may join.
pub const MAX_GROUPS: usize = 32;

/// Alternatives, each a list of comparisons that must all hold.
#[derive(Clone, Debug)]
pub struct Constraint {
    groups: Vec<Group>,
}

/// Why a text is no constraint, in the words of the Go library.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConstraintError {
    #[error("constraint string is too long (max {MAX_CONSTRAINT_BYTES} bytes)")]
    TooLong,
    #[error("too many constraint groups (max {MAX_GROUPS})")]
    TooManyGroups,
    #[error("improper constraint: {0:?}")]
    Improper(String),
    #[error("constraint parser error")]
    Parser,
}

#[derive(Clone, Debug)]
struct Group {
    comparisons: Vec<Comparison>,
    /// Prereleases are looked at where one of the comparisons names one.
    has_prerelease: bool,
}

#[derive(Clone, Debug)]
struct Comparison {
    operator: &'static str,
    version: Version,
    /// As it was written: `4.x`.
    written: String,
    /// A number is missing or a wildcard.
    dirty: bool,
    minor_dirty: bool,
    patch_dirty: bool,
}

const OPERATORS: &[&str] = &["!=", ">=", "=>", "<=", "=<", "~>", "=", ">", "<", "~", "^"];

impl Constraint {
    pub fn parse(text: &str) -> Result<Self, ConstraintError> {
        if text.len() > MAX_CONSTRAINT_BYTES {
            return Err(ConstraintError::TooLong);
        }
        let text = rewrite_ranges(text);
        let alternatives: Vec<&str> = text.split("||").collect();
        if alternatives.len() > MAX_GROUPS {
            return Err(ConstraintError::TooManyGroups);
        }
        let groups = alternatives.into_iter().map(parse_group);
        Ok(Constraint {
            groups: groups.collect::<Result<_, _>>()?,
        })
    }

    /// `Constraints.Check`
    pub fn matches(&self, version: &Version) -> bool {
        self.groups.iter().any(|group| {
            let mut comparisons = group.comparisons.iter();
            comparisons.all(|c| c.matches(version, group.has_prerelease))
        })
    }
}

impl fmt::Display for Constraint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, group) in self.groups.iter().enumerate() {
            if at > 0 {
                out.write_str(" || ")?;
            }
            for (at, comparison) in group.comparisons.iter().enumerate() {
                if at > 0 {
                    out.write_str(" ")?;
                }
                write!(out, "{}{}", comparison.operator, comparison.written)?;
            }
        }
        Ok(())
    }
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0c')
}

/// A digit, a wildcard; the bar is the Go library's.
fn is_number(byte: u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b'x' | b'X' | b'*' | b'|')
}

/// `1.2 - 1.4` is `>= 1.2, <= 1.4`.
fn rewrite_ranges(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        match range_at(rest) {
            Some((low, high, behind)) => {
                out.push_str(&format!(">= {low}, <= {high} "));
                rest = behind;
            }
            None => {
                out.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    out
}

/// The two ends of a range at the start of a text, and what follows it.
fn range_at(text: &str) -> Option<(&str, &str, &str)> {
    let (low, behind) = scan(text.trim_start_matches(is_space), is_number)?;
    let dash = behind.trim_start_matches(is_space);
    let after = dash.strip_prefix('-')?;
    let high = after.trim_start_matches(is_space);
    if dash.len() == behind.len() || high.len() == after.len() {
        return None;
    }
    let (high, behind) = scan(high, is_number)?;
    Some((low.text, high.text, behind.trim_start_matches(is_space)))
}

fn parse_group(text: &str) -> Result<Group, ConstraintError> {
    let improper = || ConstraintError::Improper(text.to_owned());
    let mut comparisons = Vec::new();
    let mut rest = text.trim_start_matches(is_space);
    loop {
        let (comparison, behind) = Comparison::scan(rest).ok_or_else(improper)?;
        comparisons.push(comparison);
        rest = behind.trim_start_matches(is_space);
        if rest.is_empty() {
            break;
        }
        // The next one stands behind blanks or a comma.
        match rest.strip_prefix(',') {
            Some(next) => rest = next.trim_start_matches(is_space),
            None if rest.len() == behind.len() => return Err(improper()),
            None => {}
        }
    }
    // The whole is checked for its form before any number is looked at.
    let comparisons: Vec<Comparison> = comparisons.into_iter().collect::<Result<_, _>>()?;
    Ok(Group {
        has_prerelease: comparisons.iter().any(|c| !c.version.prerelease.is_empty()),
        comparisons,
    })
}

impl Comparison {
    /// A comparison at the start of a text, and what follows it.
    #[allow(clippy::type_complexity)] // the error is told apart from no comparison at all
    fn scan(text: &str) -> Option<(Result<Self, ConstraintError>, &str)> {
        let operator = OPERATORS.iter().find(|o| text.starts_with(**o));
        let operator = operator.copied().unwrap_or_default();
        let behind = text[operator.len()..].trim_start_matches(is_space);
        let (scanned, rest) = scan(behind, is_number)?;
        let [major, minor, patch] = scanned.numbers;
        let is_wild = |part: Option<&str>| matches!(part, None | Some("x" | "X" | "*"));
        let prerelease = match scanned.prerelease {
            "" => String::new(),
            prerelease => format!("-{prerelease}"),
        };
        let (mut minor_dirty, mut patch_dirty) = (false, false);
        let numbers = match (major, minor, patch) {
            (major, _, _) if is_wild(major) => "0.0.0".to_owned(),
            (Some(major), minor, _) if is_wild(minor) => {
                minor_dirty = true;
                format!("{major}.0.0")
            }
            (Some(major), Some(minor), patch) if is_wild(patch) => {
                patch_dirty = true;
                format!("{major}.{minor}.0")
            }
            _ => String::new(),
        };
        let dirty = !numbers.is_empty();
        let version = if dirty {
            Version::parse(&format!("{numbers}{prerelease}"))
        } else {
            Version::parse(scanned.text)
        };
        let comparison = version
            .map(|version| Comparison {
                operator,
                version,
                written: scanned.text.to_owned(),
                dirty,
                minor_dirty,
                patch_dirty,
            })
            .map_err(|_| ConstraintError::Parser);
        Some((comparison, rest))
    }

    fn matches(&self, version: &Version, with_prereleases: bool) -> bool {
        if !version.prerelease.is_empty() && !with_prereleases {
            return false;
        }
        let order = version.compare(&self.version);
        match self.operator {
            "!=" => self.differs(version),
            ">" => self.is_above(version),
            "<" => order == Ordering::Less,
            ">=" | "=>" => order != Ordering::Less,
            "<=" | "=<" => self.is_at_most(version),
            "~" | "~>" => self.tilde(version),
            "^" => self.caret(version),
            _ if self.dirty => self.tilde(version),
            _ => order == Ordering::Equal,
        }
    }

    fn differs(&self, version: &Version) -> bool {
        let con = &self.version;
        if self.dirty {
            if con.major != version.major {
                return true;
            }
            if con.minor != version.minor && !self.minor_dirty {
                return true;
            }
            if self.minor_dirty {
                return false;
            }
            if con.patch != version.patch && !self.patch_dirty {
                return true;
            }
            if self.patch_dirty {
                let (one, other) = (&version.prerelease, &con.prerelease);
                return (!one.is_empty() || !other.is_empty())
                    && compare_identifiers(one, other) != Ordering::Equal;
            }
        }
        version.compare(con) != Ordering::Equal
    }

    /// `>`: of `>11` only 12 is greater, of `>11.1` only 11.2.
    fn is_above(&self, version: &Version) -> bool {
        let con = &self.version;
        if !self.dirty {
            return version.compare(con) == Ordering::Greater;
        }
        match version.major.cmp(&con.major) {
            Ordering::Greater => true,
            Ordering::Less => false,
            Ordering::Equal if self.minor_dirty => false,
            Ordering::Equal if self.patch_dirty => version.minor > con.minor,
            Ordering::Equal => version.compare(con) == Ordering::Greater,
        }
    }

    fn is_at_most(&self, version: &Version) -> bool {
        let con = &self.version;
        if !self.dirty {
            return version.compare(con) != Ordering::Greater;
        }
        let exceeds = version.major > con.major
            || (version.major == con.major && version.minor > con.minor && !self.minor_dirty);
        !exceeds
    }

    /// `~1.2.3`: up to the next minor version, `~1`: to the next major one.
    fn tilde(&self, version: &Version) -> bool {
        let con = &self.version;
        if version.compare(con) == Ordering::Less {
            return false;
        }
        let is_any = (con.major, con.minor, con.patch) == (0, 0, 0)
            && !self.minor_dirty
            && !self.patch_dirty;
        is_any || (version.major == con.major && (version.minor == con.minor || self.minor_dirty))
    }

    /// `^1.2.3`: up to the next version that may break something.
    fn caret(&self, version: &Version) -> bool {
        let con = &self.version;
        if version.compare(con) == Ordering::Less {
            return false;
        }
        if con.major > 0 || self.minor_dirty {
            return version.major == con.major;
        }
        if version.major > 0 {
            return false;
        }
        if con.minor > 0 || self.patch_dirty {
            return version.minor == con.minor;
        }
        version.minor == 0 && version.patch == con.patch
    }
}
