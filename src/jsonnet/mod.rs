//! Jsonnet, as go-jsonnet evaluates it.
//!
//! ```text
//! text -> tokens -> tree (ast) -> code (resolve) -> value (machine) -> text (print)
//! ```
//!
//! Invariant: an evaluation sees the files that its importer gives it, and
//! nothing else; it ends within the limits of `Limits`, whatever the program.

mod error;

mod lex;

mod ast;

mod parse;

mod heap;

mod value;

mod resolve;

mod machine;

mod eval;

mod object;

mod operate;

mod print;

mod stdlib;

mod run;

pub use error::{JsonnetError, Place};
pub use machine::{Importer, Limits};
pub use run::{Output, Program, Variable, evaluate};

/// The release whose behaviour this is.
pub const VERSION: &str = "0.22.0";
