//! Drops nested values without recursion: a template can nest a list a
//! million deep, and the stack must not follow.

use super::Val;

pub(super) fn drop_values(values: Vec<Val>) {
    if !values.iter().any(is_container) {
        return;
    }
    let mut pending = values;
    while let Some(value) = pending.pop() {
        match value {
            Val::List(list) => {
                if let Some(items) = list.into_sole_data() {
                    pending.extend(items.into_iter().filter(is_container));
                }
            }
            Val::Map(map) => {
                if let Some(entries) = map.into_sole_data() {
                    pending.extend(entries.into_iter().map(|(_, v)| v).filter(is_container));
                }
            }
            Val::Nil
            | Val::Bool(_)
            | Val::Int(_)
            | Val::Int64(_)
            | Val::Uint8(_)
            | Val::Uint64(_)
            | Val::Float(_)
            | Val::Str(_)
            | Val::Bytes(_)
            | Val::Object(_) => {}
        }
    }
}

fn is_container(value: &Val) -> bool {
    matches!(value, Val::List(_) | Val::Map(_))
}
