//! Values: files, `--set` and its kin, and how the values of a chart, of its
//! parents and of the user become one.

mod file;
mod merge;
mod options;
mod path;
mod set;

pub use file::{ValuesFileError, load_values};
pub use options::{ValueOptions, ValuesError};
pub use set::{MAX_INDEX, MAX_NESTED_NAMES, SetError};

pub(super) use merge::{Coalesce, Defaults, TypeMismatch, deep_copy, merge_tables};
pub(super) use path::{Lookup, path_value, table};

/// The key under which values are seen by all charts.
pub const GLOBAL: &str = "global";
