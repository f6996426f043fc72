//! The functions of sprig 3.3 and of Helm 4.2, but for those that need the
//! engine (`include`, `tpl`, `required`, `lookup`), with Go's results for odd
//! arguments too.
//!
//! Invariant: what Go answers with a panic is an error here with its text;
//! clock and randomness come from the context's host alone.

mod flow;

mod dicts;

mod merge;

mod lists;

mod strings;

mod strval;

mod casing;

mod letters;

mod wrapping;

mod numbers;

mod decimal;

mod cast;

mod equal;

mod versions;

mod dates;

mod times;

mod regexes;

mod regexp;

mod crypto;

mod documents;

mod json_encode;

mod json_decode;

mod toml_encode;

mod toml_decode;

mod encoding;

mod hashes;

mod random;

mod paths;

mod urls;

mod url;

mod ip;

mod args;

use super::{FuncDef, FuncTable};

pub(super) use crypto::{certificate_of, certificate_val};
pub(super) use regexp::Regexp;
pub(super) use strval::sprint_v;

/// All of them, by noun.
static TABLES: &[&[FuncDef]] = &[
    crypto::PASSWORDS,
    crypto::CIPHER,
    crypto::CERTS,
    flow::FUNCTIONS,
    dicts::FUNCTIONS,
    merge::FUNCTIONS,
    lists::FUNCTIONS,
    strings::FUNCTIONS,
    strval::FUNCTIONS,
    casing::FUNCTIONS,
    wrapping::FUNCTIONS,
    numbers::FUNCTIONS,
    decimal::FUNCTIONS,
    cast::FUNCTIONS,
    equal::FUNCTIONS,
    versions::FUNCTIONS,
    dates::FUNCTIONS,
    regexes::FUNCTIONS,
    documents::FUNCTIONS,
    encoding::FUNCTIONS,
    hashes::FUNCTIONS,
    random::FUNCTIONS,
    paths::FUNCTIONS,
    urls::FUNCTIONS,
];

/// The functions that templates of Helm charts may call.
pub fn table() -> FuncTable {
    FuncTable::new(TABLES)
}
