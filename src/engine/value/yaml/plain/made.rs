//! What is made of a document that is read.

use super::Reader;
use crate::value::yaml::compose::{into_json, resolved};
use crate::value::yaml::rules::{Place, Rules};
use crate::value::{Map, Value};

/// What a node becomes: a value, or nothing, where it is read to be passed over.
pub trait Made: Sized {
    /// Whether anything is kept.
    const KEPT: bool;
    type Entries: Default;

    fn null() -> Self;
    fn text(text: String) -> Self;
    fn scalar(text: &str, rules: Rules, place: Place) -> Option<Self>;
    fn list(items: Vec<Self>) -> Self;
    fn insert(reader: &Reader<'_>, into: &mut Self::Entries, key: &str, value: Self) -> Option<()>;
    fn map(entries: Self::Entries) -> Self;
}

impl Made for Value {
    const KEPT: bool = true;
    type Entries = Map;

    fn null() -> Self {
        Value::Null
    }

    fn text(text: String) -> Self {
        Value::Str(text)
    }

    fn scalar(text: &str, rules: Rules, place: Place) -> Option<Self> {
        into_json(resolved(text.into(), rules.dialect, place)).ok()
    }

    fn list(mut items: Vec<Self>) -> Self {
        items.shrink_to_fit();
        Value::Seq(items)
    }

    fn insert(reader: &Reader<'_>, into: &mut Map, key: &str, value: Self) -> Option<()> {
        reader.insert(into, key, value)
    }

    fn map(entries: Map) -> Self {
        Value::Map(entries)
    }
}

impl Made for () {
    const KEPT: bool = false;
    type Entries = ();

    fn null() -> Self {}

    fn text(_: String) -> Self {}

    fn scalar(text: &str, rules: Rules, place: Place) -> Option<Self> {
        // Only numbers may be what JSON cannot hold.
        if text.starts_with(|first: char| first.is_ascii_alphabetic()) {
            return Some(());
        }
        Value::scalar(text, rules, place).map(drop)
    }

    fn list(_: Vec<Self>) -> Self {}

    fn insert(_: &Reader<'_>, (): &mut (), _: &str, (): Self) -> Option<()> {
        Some(())
    }

    fn map((): ()) -> Self {}
}
