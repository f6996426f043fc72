//! What renders: values, trees, Go's templates, Helm's charts. Pure rooms, as
//! `docs/architecture.md` has them; drupelet's library brings them under its
//! own name.

pub mod value;

pub mod object;

pub mod tree;

pub mod gotmpl;

pub mod helm;

pub mod memory;
