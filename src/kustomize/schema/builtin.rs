//! Reads `types.txt`, which `tests/oracle/kyaml` makes of kyaml's own data:
//! only what leads to a list that is merged.
//!
//! ```text
//! Tio.k8s.api.core.v1.Container       a type, numbered from 0
//! ports [@34 mcontainerPort,protocol  field, shape, keys of a merged list
//! Kapps/v1 Deployment@15+             kinds: number of the type, + or - for
//!                                     those in a namespace, or not
//!
//! shape  @N type N   [ a list of   { a map of   . anything
//! ```

use super::{Kind, Reference, Type};
use crate::object::Gvk;
use std::sync::OnceLock;

const TABLE: &str = include_str!("types.txt");

/// Most builds ask for kinds alone, so that the types are read apart.
pub(super) fn types() -> &'static [Type] {
    static TYPES: OnceLock<Vec<Type>> = OnceLock::new();
    TYPES.get_or_init(|| read_types(TABLE).expect("the table is checked by a test"))
}

pub(super) fn kind(gvk: &Gvk) -> Option<Kind> {
    static KINDS: OnceLock<Vec<(ApiVersion, &str, Kind)>> = OnceLock::new();
    let kinds = KINDS.get_or_init(|| {
        let mut kinds = read_kinds(TABLE).expect("the table is checked by a test");
        kinds.sort_unstable_by_key(|(version, name, _)| (*version, *name));
        kinds
    });
    let wanted = (
        (gvk.group.as_str(), gvk.version.as_str()),
        gvk.kind.as_str(),
    );
    let at = kinds.binary_search_by_key(&wanted, |(version, name, _)| (*version, *name));
    at.ok().map(|at| kinds[at].2)
}

/// Group and version.
type ApiVersion = (&'static str, &'static str);

fn read_types(text: &str) -> Option<Vec<Type>> {
    let mut types: Vec<Type> = Vec::new();
    for line in text.lines() {
        if line.starts_with('K') {
            break;
        }
        if line.starts_with('T') {
            types.push(Type::default());
            continue;
        }
        let mut words = line.split(' ');
        let name = words.next()?;
        let mut found = shape(words.next()?)?;
        if let Some(flag) = words.next() {
            let keys = flag.strip_prefix('m')?.split(',');
            found.merge = Some(keys.filter(|key| !key.is_empty()).map(Into::into).collect());
        }
        types.last_mut()?.fields.push((name.into(), found));
    }
    Some(types)
}

/// They stand at the end of the table.
fn read_kinds(text: &'static str) -> Option<Vec<(ApiVersion, &'static str, Kind)>> {
    let mut found = Vec::new();
    for line in text[text.find("\nK")? + 1..].lines() {
        let mut words = line.strip_prefix('K')?.split(' ');
        let api_version = words.next()?;
        let api_version = api_version.split_once('/').unwrap_or(("", api_version));
        for word in words {
            let (name, kind) = kind_of(word)?;
            found.push((api_version, name, kind));
        }
    }
    Some(found)
}

fn kind_of(word: &str) -> Option<(&str, Kind)> {
    let (word, is_namespaced) = match word.as_bytes().last()? {
        b'+' => (&word[..word.len() - 1], Some(true)),
        b'-' => (&word[..word.len() - 1], Some(false)),
        _ => (word, None),
    };
    let (name, definition) = match word.split_once('@') {
        Some((name, number)) => (name, Some(number.parse().ok()?)),
        None => (word, None),
    };
    let kind = Kind {
        definition,
        is_namespaced,
    };
    Some((name, kind))
}

fn shape(word: &str) -> Option<Type> {
    let mut found = Type::default();
    match word.split_at_checked(1)? {
        ("@", number) => found.reference = Some(Reference::Number(number.parse().ok()?)),
        ("[", items) => found.items = Some(Box::new(shape(items)?)),
        ("{", rest) => found.rest = Some(Box::new(shape(rest)?)),
        _ => {}
    }
    Some(found)
}
