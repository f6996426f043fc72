//! Reads `types.z`: the built-in kinds.
//!
//! ```text
//! TDeploymentSpec [a]             a struct; "a": atomic. Numbered from 0.
//! replicas *i o                   field, shape, flags
//! K apps/v1 Deployment 17         the struct of a kind
//!
//! shape  s i l f b q I t u d B    string, int32, int64, float, bool, quantity,
//!                                 int-or-string, time, micro time, duration, bytes
//!        x r                      anything: granular, atomic
//!        *shape                   a pointer in Go
//!        [a [s [mKEY,KEY;  shape  atomic list, set, map list
//!        {a {g             shape  atomic, granular map
//!        @N a@N g@N               struct N; as the field has it: atomic, granular
//! flags  o z M R kKEY =JSON       omitempty, omitzero, patch merge, retainKeys,
//!                                 merge key, default
//! ```

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use super::release::inflate;
use super::types::{Field, ListKind, Node, Schema, Shape, Struct, Types};
use crate::object::Gvk;
use crate::value::Value;

struct Table {
    types: Arc<Types>,
    kinds: HashMap<(String, String), u32>,
}

impl Schema {
    /// The schema of a built-in kind, of any release.
    pub fn builtin(gvk: &Gvk) -> Option<Schema> {
        let table = table();
        let group_version = format!("{}/{}", gvk.group, gvk.version);
        let id = *table.kinds.get(&(group_version, gvk.kind.clone()))?;
        Some(Schema {
            types: table.types.clone(),
            root: Node::new(Shape::Struct { id, atomic: None }),
        })
    }
}

/// The structs of the built-in kinds, and the number of `ObjectMeta` among them.
pub(super) fn object_meta() -> (&'static Arc<Types>, u32) {
    let types = &table().types;
    let at = types
        .structs
        .iter()
        .position(|s| &*s.name == "ObjectMeta")
        .expect("every kind has it");
    (types, at as u32)
}

fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| {
        parse(&inflate(include_bytes!("types.z"))).expect("the table is checked by a test")
    })
}

fn parse(text: &str) -> Option<Table> {
    let mut structs: Vec<Struct> = Vec::new();
    let mut kinds = HashMap::new();
    for line in text.lines() {
        // Fields begin in lower case, but for `$ref` and the like.
        if let Some(head) = line.strip_prefix('T') {
            let (name, atomic) = match head.strip_suffix(" a") {
                Some(name) => (name, true),
                None => (head, false),
            };
            structs.push(Struct {
                name: name.into(),
                atomic,
                ..Struct::default()
            });
        } else if let Some(kind) = line.strip_prefix('K') {
            let mut words = kind.split(' ');
            let group_version = words.next()?.to_owned();
            let kind = words.next()?.to_owned();
            kinds.insert((group_version, kind), words.next()?.parse().ok()?);
        } else {
            structs.last_mut()?.fields.push(field(line)?);
        }
    }
    Some(Table {
        types: Arc::new(Types {
            structs,
            builtin: true,
        }),
        kinds,
    })
}

fn field(line: &str) -> Option<Field> {
    let (line, default) = match line.split_once(" =") {
        Some((rest, json)) => (rest, Some(Value::from_json(json.as_bytes()).ok()?)),
        None => (line, None),
    };
    let mut words = line.split(' ');
    let name = words.next()?;
    let mut expression = words.next()?;
    let node = node(&mut expression)?;
    let flags = words.next().unwrap_or_default();
    let merge_key = words.next().and_then(|word| word.strip_prefix('k'));
    Some(Field {
        name: name.into(),
        node,
        omit_empty: flags.contains('o'),
        omit_zero: flags.contains('z'),
        patch_merge: flags.contains('M'),
        patch_retain_keys: flags.contains('R'),
        patch_merge_key: merge_key.map(Into::into),
        default,
    })
}

fn node(text: &mut &str) -> Option<Node> {
    let pointer = text.starts_with('*');
    if pointer {
        *text = &text[1..];
    }
    let atomic = match text.get(..2) {
        Some("a@") => Some(true),
        Some("g@") => Some(false),
        _ => None,
    };
    if atomic.is_some() {
        *text = &text[1..];
    }
    let letter = text.chars().next()?;
    *text = &text[letter.len_utf8()..];
    let shape = match letter {
        's' => Shape::Str,
        'i' => Shape::Int32,
        'l' => Shape::Int64,
        'f' => Shape::Float,
        'b' => Shape::Bool,
        'q' => Shape::Quantity,
        'I' => Shape::IntOrString,
        't' => Shape::Time,
        'u' => Shape::MicroTime,
        'd' => Shape::Duration,
        'B' => Shape::Bytes,
        'x' => Shape::Any,
        'r' => Shape::AnyAtomic,
        '@' => Shape::Struct {
            id: text.parse().ok()?,
            atomic,
        },
        '[' => {
            let kind = text.chars().next()?;
            *text = &text[kind.len_utf8()..];
            let kind = match kind {
                'a' => ListKind::Atomic,
                's' => ListKind::Set,
                'm' => {
                    let (keys, rest) = text.split_once(';')?;
                    *text = rest;
                    ListKind::Map(keys.split(',').map(Into::into).collect())
                }
                _ => return None,
            };
            Shape::List(kind, Box::new(self::node(text)?))
        }
        '{' => {
            let atomic = text.starts_with('a');
            *text = text.get(1..)?;
            Shape::Map {
                atomic,
                element: Box::new(self::node(text)?),
            }
        }
        _ => return None,
    };
    Some(Node { shape, pointer })
}
