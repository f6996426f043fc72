//! YAML as Kubernetes' tools read it: sigs.k8s.io/yaml v1.6, which is go-yaml
//! v2 (YAML 1.1) and a round through JSON. `0644` is 420, `yes` is true, a key
//! `on:` is "true", `1.0` is 1, dates are strings, of duplicate keys the last
//! wins.
//!
//! Most documents are of a plain style and read line by line (`plain`), the others by
//! a parser of all of YAML (`compose`), which has the last word on what is wrong.
//!
//! [`emit`] prints as its Marshal does.
//!
//! Invariant: whatever the text, memory and stack stay bounded by the limits
//! below; an error names line and column.

mod stream;

mod rules;

mod compose;

mod plain;

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
use compose::Composer;
use rules::Rules;

/// How deep sequences and mappings may nest, aliases followed. As deep as
/// serde_json reads, so that what is read here can be sent and read back.
pub const MAX_DEPTH: usize = 127;

/// How much aliases may add to a document, in bytes of memory (go-yaml shares
/// what an alias names, values here are copies).
pub const MAX_ALIAS_BYTES: usize = 16 << 20;

/// The first document of a text; an empty text is null.
pub fn parse_one(text: &str) -> Result<Value, YamlError> {
    parse_by(text, Rules::V2)
}

/// The same, but of a mapping only the keys that `keeps` names are in the
/// value. What else there is must be as right as ever.
pub fn parse_head(text: &str, keeps: impl Fn(&str) -> bool) -> Result<Value, YamlError> {
    let rules = Rules::V2;
    or_composed(plain::read_head(text, rules, &keeps), || {
        Composer::new(text, rules)?.first_document_of(&keeps)
    })
}

/// As [`parse_one`], but a key that stands twice in a mapping is an error.
pub fn parse_one_strict(text: &str) -> Result<Value, YamlError> {
    parse_by(text, Rules::V2_STRICT)
}

/// The first document as kyaml reads a resource: by go-yaml v3's rules.
pub fn parse_resource(text: &str) -> Result<Value, YamlError> {
    parse_by(text, Rules::KYAML)
}

/// The first document as kyaml reads what is no resource.
pub fn parse_kyaml(text: &str) -> Result<Value, YamlError> {
    parse_by(text, Rules::KYAML_ELSEWHERE)
}

fn parse_by(text: &str, rules: Rules) -> Result<Value, YamlError> {
    or_composed(plain::read(text, rules), || {
        Composer::new(text, rules)?.first_document()
    })
}

/// What was read the short way, else the long one; in debug builds both are the same.
fn or_composed(
    plain: Option<Value>,
    composed: impl Fn() -> Result<Value, YamlError>,
) -> Result<Value, YamlError> {
    match plain {
        Some(value) => {
            debug_assert_eq!(composed().as_ref(), Ok(&value));
            Ok(value)
        }
        None => composed(),
    }
}

/// What a plain scalar of this text is by go-yaml v3's rules.
pub fn resolve_plain(text: &str) -> Value {
    compose::kyaml_scalar(text.into(), false)
}
