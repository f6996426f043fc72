//! Finds atomic lists and maps of which a set owns parts.

use super::path::Path;
use super::set::FieldSet;
use super::typed::{Atom, atom, child_or_any};
use crate::sandbox::schema::{Node, Schema};

/// Puts into `found` every atomic value below which `set` has members.
pub fn find(schema: &Schema, node: &Node, set: &FieldSet, path: &mut Path, found: &mut FieldSet) {
    match atom(schema, node) {
        // Without a schema nothing is known to have changed.
        Atom::Scalar(_) | Atom::Any { .. } => {}
        Atom::List(list) => {
            if list.is_atomic() {
                found.insert(path);
                return;
            }
            for (element, _, below) in set.level() {
                if let Some(below) = below {
                    path.push(element.clone());
                    find(schema, list.element, below, path, found);
                    path.pop();
                }
            }
        }
        Atom::Map(map) => {
            if map.atomic {
                if !set.is_empty() {
                    found.insert(path);
                }
                return;
            }
            for (element, _, below) in set.level() {
                let super::path::PathElement::Field(name) = element else {
                    continue;
                };
                if let Some(below) = below {
                    path.push(element.clone());
                    find(schema, child_or_any(map.child(name)), below, path, found);
                    path.pop();
                }
            }
        }
    }
}
