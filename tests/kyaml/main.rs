//! Patches and replacements against kyaml itself.
//!
//! Each file holds cases with what kyaml 0.21.2 (kustomize 5.8.2) makes of
//! them; record again with `go run . strategic ../../kyaml/strategic.txt` in
//! tests/oracle/kyaml.

mod cases;

mod malformed;

mod schema;
