//! Jsonnet against go-jsonnet 0.22.0, and its limits.

mod cases;

mod limits;

mod imports;
