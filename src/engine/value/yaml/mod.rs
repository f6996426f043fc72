//! YAML as Kubernetes' tools read it: sigs.k8s.io/yaml v1.6, which is go-yaml
//! v2 (YAML 1.1) and a round through JSON. `0644` is 420, `yes` is true, a key
//! `on:` is "true", `1.0` is 1, dates are strings, of duplicate keys the last
//! wins.
//!
//! [`emit`] prints as its Marshal does.
//!
//! Invariant: whatever the text, memory and stack stay bounded by the limits
//! below; an error names line and column.

mod stream;

mod compose;

mod skim;

mod resolve;

mod timestamp;

mod emit;

mod locate;

mod error;

pub use emit::{emit, emit_indented};
pub use error::YamlError;
pub use locate::{Located, Position, Step, dotted, locate};
pub use stream::{Document, RawDocument, decode, documents, parse_stream};

use super::Value;
use compose::{Composer, Dialect, Duplicates};

/// How deep sequences and mappings may nest, aliases followed. As deep as
/// serde_json reads, so that what is read here can be sent and read back.
pub const MAX_DEPTH: usize = 127;

/// How much aliases may add to a document, in bytes of memory (go-yaml shares
/// what an alias names, values here are copies).
pub const MAX_ALIAS_BYTES: usize = 16 << 20;

/// The first document of a text; an empty text is null.
pub fn parse_one(text: &str) -> Result<Value, YamlError> {
    Composer::new(text, Duplicates::LastWins)?.first_document()
}

/// The same, but of a mapping only the keys that `keeps` names are in the
/// value. What else there is must be as right as ever.
pub fn parse_head(text: &str, keeps: impl Fn(&str) -> bool) -> Result<Value, YamlError> {
    Composer::new(text, Duplicates::LastWins)?.first_document_of(&keeps)
}

/// As [`parse_one`], but a key that stands twice in a mapping is an error.
pub fn parse_one_strict(text: &str) -> Result<Value, YamlError> {
    Composer::new(text, Duplicates::Forbidden)?.first_document()
}

/// The first document as kyaml reads a resource: by go-yaml v3's rules.
pub fn parse_resource(text: &str) -> Result<Value, YamlError> {
    Composer::new(text, Duplicates::Forbidden)?
        .in_dialect(Dialect::Kyaml)
        .first_document()
}

/// The first document as kyaml reads what is no resource.
pub fn parse_kyaml(text: &str) -> Result<Value, YamlError> {
    Composer::new(text, Duplicates::Forbidden)?
        .in_dialect(Dialect::Kyaml)
        .without_places()
        .first_document()
}

/// What a plain scalar of this text is by go-yaml v3's rules.
pub fn resolve_plain(text: &str) -> Value {
    compose::kyaml_scalar(text.into(), false)
}
