//! Go's template language and the functions of sprig and Helm: templates and
//! values in, text out, as Helm 4.2 (Go 1.26's text/template) prints it.
//!
//! Invariant: pure. Clock, randomness and cluster come in through `Host`; what
//! a template can cost in time, memory and stack is held by `Limits`.

mod val;

mod gostr;

mod list;

mod map;

mod teardown;

mod types;

mod func;

mod chance;

mod context;

mod error;

mod template_set;

mod lex;

mod ast;

mod constant;

mod parse;

mod exec;

mod eval;

mod builtins;

pub mod engine;

mod stack;

pub mod gofmt;

pub mod strconv;

pub mod number;

pub mod unicode;

pub mod funcs;

pub use chance::{Chance, Draw, Drawn};
pub use context::{Context, Host, Limits};
pub use error::Error;
pub use func::{Call, FuncDef, FuncTable};
pub use gostr::GoStr;
pub use list::List;
pub use map::Map;
pub use stack::StackGuard;
pub use template_set::TemplateSet;
pub use types::{Kind, Named, Type};
pub use val::{MAX_NESTING, Numbers, Object, Val};

/// The maps of a render.
type HashMap<K, V> = std::collections::HashMap<K, V, foldhash::fast::RandomState>;
