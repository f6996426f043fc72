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

use super::{Kind, Reference, Schema, Type};

pub(super) fn read() -> Schema {
    parse(include_str!("types.txt")).expect("the table is checked by a test")
}

fn parse(text: &str) -> Option<Schema> {
    let mut schema = Schema::default();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix('T') {
            let number = schema.types.len() as u32;
            schema.names.insert(name.into(), number);
            schema.types.push(Type::default());
        } else if let Some(kinds) = line.strip_prefix('K') {
            let mut words = kinds.split(' ');
            let api_version = words.next()?;
            for word in words {
                let (name, kind) = kind(word)?;
                schema.kinds.insert((api_version.into(), name.into()), kind);
            }
        } else {
            let mut words = line.split(' ');
            let name = words.next()?;
            let mut found = shape(words.next()?)?;
            if let Some(flag) = words.next() {
                let keys = flag.strip_prefix('m')?.split(',');
                found.merge = Some(keys.filter(|key| !key.is_empty()).map(Into::into).collect());
            }
            schema.types.last_mut()?.fields.push((name.into(), found));
        }
    }
    Some(schema)
}

fn kind(word: &str) -> Option<(&str, Kind)> {
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
