//! Go's template language against the real engine: every file of `cases` holds
//! templates with what helm's engine made of them. `tests/oracle/gotmpl/record`
//! records them anew.

mod cases;
mod funcs;
mod fuzz;
mod limits;
mod random;
mod support;
