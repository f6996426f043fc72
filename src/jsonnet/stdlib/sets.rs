//! Sorting, and sets: arrays that are sorted and without duplicates.

use super::arguments::Arguments;
use super::function;
use crate::jsonnet::error::{Failure, Result};
use crate::jsonnet::machine::Machine;
use crate::jsonnet::value::{Builtin, Thunk, Val};
use std::cmp::Ordering;

pub(super) const FUNCTIONS: &[Builtin] = &[
    function("sort", &["arr", "keyF?"], |m, a| {
        let items = m.items(m.value_at(a, 0)?, "Unexpected type, expected array")?;
        let sorted = sort(m, keyed(m, a, 1, &items)?)?;
        list(m, &sorted)
    }),
    function("uniq", &["arr", "keyF?"], |m, a| {
        let items = keyed(m, a, 1, m.array_at(a, 0)?)?;
        let unique = unique(m, items)?;
        list(m, &unique)
    }),
    function("set", &["arr", "keyF?"], |m, a| {
        let items = m.items(m.value_at(a, 0)?, "Unexpected type, expected array")?;
        let unique = unique(m, sort(m, keyed(m, a, 1, &items)?)?)?;
        list(m, &unique)
    }),
    function("setMember", &["x", "arr", "keyF?"], |m, a| {
        let wanted = keyed(m, a, 2, &[m.thunk_at(a, 0)])?;
        let items = keyed(m, a, 2, m.array_at(a, 1)?)?;
        let (mut low, mut high) = (0, items.len());
        while low < high {
            let middle = (low + high) / 2;
            match m.compare(items[middle].key, wanted[0].key)? {
                Ordering::Equal => return Ok(Val::Bool(true)),
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
            }
        }
        Ok(Val::Bool(false))
    }),
    function("setUnion", &["a", "b", "keyF?"], |m, a| {
        merge(m, a, [true, true, true])
    }),
    function("setInter", &["a", "b", "keyF?"], |m, a| {
        merge(m, a, [false, true, false])
    }),
    function("setDiff", &["a", "b", "keyF?"], |m, a| {
        merge(m, a, [true, false, false])
    }),
    function("minArray", &["arr", "keyF?", "onEmpty?"], |m, a| {
        extreme(m, a, Ordering::Less)
    }),
    function("maxArray", &["arr", "keyF?", "onEmpty?"], |m, a| {
        extreme(m, a, Ordering::Greater)
    }),
];

#[derive(Clone, Copy)]
struct Keyed<'a> {
    item: Thunk<'a>,
    key: Val<'a>,
}

fn keyed<'a>(
    machine: &Machine<'a>,
    arguments: Arguments<'_, 'a>,
    at: usize,
    items: &[Thunk<'a>],
) -> Result<Vec<Keyed<'a>>> {
    let function = match arguments.get(at).copied().flatten() {
        Some(thunk) => Some(machine.function(machine.force(thunk)?)?),
        None => None,
    };
    let mut keyed = Vec::with_capacity(items.len());
    for item in items {
        let key = match function {
            Some(function) => machine.apply(function, &[item])?,
            None => machine.force(item)?,
        };
        keyed.push(Keyed { item, key });
    }
    Ok(keyed)
}

fn list<'a>(machine: &Machine<'a>, items: &[Keyed<'a>]) -> Result<Val<'a>> {
    let items: Vec<Thunk<'a>> = items.iter().map(|keyed| keyed.item).collect();
    machine.list_of(&items)
}

/// A merge sort, since a comparison may fail.
fn sort<'a>(machine: &Machine<'a>, mut items: Vec<Keyed<'a>>) -> Result<Vec<Keyed<'a>>> {
    let mut width = 1;
    while width < items.len() {
        let mut merged = Vec::with_capacity(items.len());
        for pair in items.chunks(width * 2) {
            let (left, right) = pair.split_at(width.min(pair.len()));
            let (mut i, mut j) = (0, 0);
            while i < left.len() && j < right.len() {
                if machine.compare(right[j].key, left[i].key)?.is_ge() {
                    merged.push(left[i]);
                    i += 1;
                } else {
                    merged.push(right[j]);
                    j += 1;
                }
            }
            merged.extend_from_slice(&left[i..]);
            merged.extend_from_slice(&right[j..]);
        }
        items = merged;
        width *= 2;
    }
    Ok(items)
}

fn unique<'a>(machine: &Machine<'a>, items: Vec<Keyed<'a>>) -> Result<Vec<Keyed<'a>>> {
    let mut kept: Vec<Keyed<'a>> = Vec::with_capacity(items.len());
    for item in items {
        let is_known = match kept.last() {
            Some(last) => machine.equal(last.key, item.key)?,
            None => false,
        };
        if !is_known {
            kept.push(item);
        }
    }
    Ok(kept)
}

/// What is kept of two sets: what only the first has, what both have, what
/// only the second has.
fn merge<'a>(
    machine: &Machine<'a>,
    arguments: Arguments<'_, 'a>,
    [only_left, both, only_right]: [bool; 3],
) -> Result<Val<'a>> {
    let left = keyed(machine, arguments, 2, machine.array_at(arguments, 0)?)?;
    let right = keyed(machine, arguments, 2, machine.array_at(arguments, 1)?)?;
    let (mut i, mut j) = (0, 0);
    let mut kept = Vec::new();
    while i < left.len() && j < right.len() {
        match machine.compare(left[i].key, right[j].key)? {
            Ordering::Equal => {
                if both {
                    kept.push(left[i]);
                }
                i += 1;
                j += 1;
            }
            Ordering::Less => {
                if only_left {
                    kept.push(left[i]);
                }
                i += 1;
            }
            Ordering::Greater => {
                if only_right {
                    kept.push(right[j]);
                }
                j += 1;
            }
        }
    }
    if only_left {
        kept.extend_from_slice(&left[i..]);
    }
    if only_right {
        kept.extend_from_slice(&right[j..]);
    }
    list(machine, &kept)
}

fn extreme<'a>(
    machine: &Machine<'a>,
    arguments: Arguments<'_, 'a>,
    wanted: Ordering,
) -> Result<Val<'a>> {
    let items = keyed(machine, arguments, 1, machine.array_at(arguments, 0)?)?;
    let Some((first, rest)) = items.split_first() else {
        return match arguments.get(2).copied().flatten() {
            Some(thunk) => machine.force(thunk),
            None => Err(Failure::new(
                "Expected at least one element in array. Got none",
            )),
        };
    };
    let mut best = *first;
    for item in rest {
        if machine.compare(item.key, best.key)? == wanted {
            best = *item;
        }
    }
    machine.force(best.item)
}
