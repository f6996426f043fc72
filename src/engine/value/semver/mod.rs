//! Versions and constraints as github.com/Masterminds/semver v3.5 reads them:
//! what Helm, sprig and Argo CD mean by "semver".

mod constraint;

pub use constraint::{Constraint, ConstraintError, MAX_CONSTRAINT_BYTES, MAX_GROUPS};

use std::cmp::Ordering;
use std::fmt;

/// A longer text is no version.
pub const MAX_VERSION_BYTES: usize = 256;

/// A version; a `v` in front and missing numbers are allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    pub major: u64,
    pub minor: u64,
    pub patch: u64,
    /// `rc.1` of `1.2.3-rc.1+linux`, or "".
    pub prerelease: String,
    /// `linux` of `1.2.3-rc.1+linux`, or "". Does not count in comparisons.
    pub metadata: String,
    /// The text that was parsed.
    pub original: String,
}

/// Why a text is no version, in the words of the Go library.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VersionError {
    #[error("invalid semantic version")]
    Invalid,
    #[error("version string empty")]
    Empty,
    #[error("invalid characters in version")]
    Characters,
    #[error("version segment starts with 0")]
    LeadingZero,
    #[error("invalid prerelease string")]
    Prerelease,
    #[error("invalid metadata string")]
    Metadata,
    #[error("version string is too long (max {MAX_VERSION_BYTES} bytes)")]
    TooLong,
    #[error("error parsing version segment: strconv.ParseUint: parsing {0:?}: value out of range")]
    SegmentOutOfRange(String),
    /// The same, of a strict version.
    #[error("strconv.ParseUint: parsing {0:?}: value out of range")]
    OutOfRange(String),
}

impl Version {
    /// `semver.NewVersion`: `1`, `v1.2`, `1.02.3`, `1.2.3-rc.1+linux`.
    pub fn parse(text: &str) -> Result<Self, VersionError> {
        if text.len() > MAX_VERSION_BYTES {
            return Err(VersionError::TooLong);
        }
        let (found, rest) = scan(text, |b| b.is_ascii_digit()).ok_or(VersionError::Invalid)?;
        if !rest.is_empty() {
            return Err(VersionError::Invalid);
        }
        found.into_version(text)
    }

    /// `semver.StrictNewVersion`: three numbers, no `v`, no leading zeros.
    pub fn parse_strict(text: &str) -> Result<Self, VersionError> {
        if text.is_empty() {
            return Err(VersionError::Empty);
        }
        if text.len() > MAX_VERSION_BYTES {
            return Err(VersionError::TooLong);
        }
        let mut parts = text.splitn(3, '.');
        let (Some(major), Some(minor), Some(rest)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(VersionError::Invalid);
        };
        let (rest, metadata) = match rest.split_once('+') {
            Some((rest, metadata)) => {
                check_metadata(metadata)?;
                (rest, metadata)
            }
            None => (rest, ""),
        };
        let (patch, prerelease) = match rest.split_once('-') {
            Some((patch, prerelease)) => {
                check_prerelease(prerelease)?;
                (patch, prerelease)
            }
            None => (rest, ""),
        };
        for number in [major, minor, patch] {
            if !number.bytes().all(|b| b.is_ascii_digit()) {
                return Err(VersionError::Characters);
            }
            if number.len() > 1 && number.starts_with('0') {
                return Err(VersionError::LeadingZero);
            }
        }
        Ok(Version {
            major: segment(major)?,
            minor: segment(minor)?,
            patch: segment(patch)?,
            prerelease: prerelease.to_owned(),
            metadata: metadata.to_owned(),
            original: text.to_owned(),
        })
    }

    /// `Version.Compare`: build metadata does not count, a prerelease comes
    /// before its release.
    pub fn compare(&self, other: &Version) -> Ordering {
        let numbers = |v: &Version| (v.major, v.minor, v.patch);
        numbers(self)
            .cmp(&numbers(other))
            .then_with(|| compare_prerelease(&self.prerelease, &other.prerelease))
    }
}

impl fmt::Display for Version {
    /// All three numbers, no `v`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{}.{}", self.major, self.minor, self.patch)?;
        if !self.prerelease.is_empty() {
            write!(out, "-{}", self.prerelease)?;
        }
        if !self.metadata.is_empty() {
            write!(out, "+{}", self.metadata)?;
        }
        Ok(())
    }
}

/// The parts of a version at the start of a text.
struct Scanned<'t> {
    /// All of it.
    text: &'t str,
    numbers: [Option<&'t str>; 3],
    prerelease: &'t str,
    metadata: &'t str,
}

/// `v?N(.N)?(.N)?(-pre)?(+meta)?`, where `is_number` says what N is made of;
/// and what follows.
fn scan(text: &str, is_number: impl Fn(u8) -> bool) -> Option<(Scanned<'_>, &str)> {
    let run = |text: &str, is: &dyn Fn(u8) -> bool| text.bytes().take_while(|b| is(*b)).count();
    let bare = text.strip_prefix('v').unwrap_or(text);
    let (first, mut rest) = bare.split_at(run(bare, &is_number));
    if first.is_empty() {
        return None;
    }
    let mut numbers = [Some(first), None, None];
    for number in &mut numbers[1..] {
        let Some(behind) = rest.strip_prefix('.') else {
            break;
        };
        let (found, behind) = behind.split_at(run(behind, &is_number));
        if found.is_empty() {
            break;
        }
        (*number, rest) = (Some(found), behind);
    }
    let mut identifiers = |mark: char| {
        let Some(behind) = rest.strip_prefix(mark) else {
            return "";
        };
        let is_identifier = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
        let mut end = run(behind, &is_identifier);
        if end == 0 {
            return "";
        }
        while behind[end..].starts_with('.') {
            let more = run(&behind[end + 1..], &is_identifier);
            if more == 0 {
                break;
            }
            end += 1 + more;
        }
        rest = &behind[end..];
        &behind[..end]
    };
    let prerelease = identifiers('-');
    let metadata = identifiers('+');
    let scanned = Scanned {
        text: &text[..text.len() - rest.len()],
        numbers,
        prerelease,
        metadata,
    };
    Some((scanned, rest))
}

impl Scanned<'_> {
    fn into_version(self, original: &str) -> Result<Version, VersionError> {
        let number = |at: usize| {
            let digits = self.numbers[at].unwrap_or("0");
            segment(digits).map_err(|_| VersionError::SegmentOutOfRange(digits.to_owned()))
        };
        let (major, minor, patch) = (number(0)?, number(1)?, number(2)?);
        if !self.prerelease.is_empty() {
            check_prerelease(self.prerelease)?;
        }
        Ok(Version {
            major,
            minor,
            patch,
            prerelease: self.prerelease.to_owned(),
            metadata: self.metadata.to_owned(),
            original: original.to_owned(),
        })
    }
}

fn segment(digits: &str) -> Result<u64, VersionError> {
    digits
        .parse()
        .map_err(|_| VersionError::OutOfRange(digits.to_owned()))
}

fn check_prerelease(text: &str) -> Result<(), VersionError> {
    for part in text.split('.') {
        let is_number = part.bytes().all(|b| b.is_ascii_digit());
        if part.is_empty() || !part.bytes().all(is_allowed) {
            return Err(VersionError::Prerelease);
        }
        if is_number && part.len() > 1 && part.starts_with('0') {
            return Err(VersionError::LeadingZero);
        }
    }
    Ok(())
}

fn check_metadata(text: &str) -> Result<(), VersionError> {
    let is_valid = |part: &str| !part.is_empty() && part.bytes().all(is_allowed);
    if text.split('.').all(is_valid) {
        Ok(())
    } else {
        Err(VersionError::Metadata)
    }
}

fn is_allowed(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-'
}

fn compare_prerelease(one: &str, other: &str) -> Ordering {
    match (one.is_empty(), other.is_empty()) {
        (true, true) => return Ordering::Equal,
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    compare_identifiers(one, other)
}

/// Part by part: numbers come before names, fewer parts before more.
fn compare_identifiers(one: &str, other: &str) -> Ordering {
    let (mut ones, mut others) = (one.split('.'), other.split('.'));
    loop {
        let (one, other) = match (ones.next(), others.next()) {
            (None, None) => return Ordering::Equal,
            (one, other) => (one.unwrap_or_default(), other.unwrap_or_default()),
        };
        if one == other {
            continue;
        }
        if one.is_empty() || other.is_empty() {
            return one.len().cmp(&other.len());
        }
        return match (one.parse::<u64>(), other.parse::<u64>()) {
            (Ok(one), Ok(other)) if one > other => Ordering::Greater,
            (Ok(_), Ok(_)) | (Ok(_), Err(_)) => Ordering::Less,
            (Err(_), Ok(_)) => Ordering::Greater,
            (Err(_), Err(_)) => one.cmp(other),
        };
    }
}
