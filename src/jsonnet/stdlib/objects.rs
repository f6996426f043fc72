use super::arguments::Arguments;
use super::function;
use crate::jsonnet::ast::Visibility;
use crate::jsonnet::error::{Failure, Result};
use crate::jsonnet::machine::Machine;
use crate::jsonnet::value::{Builtin, Function, Layer, Object, Parts, State, Thunk, Val};

pub(super) const FUNCTIONS: &[Builtin] = &[
    function("objectFields", &["o"], |m, a| {
        fields(m, m.object_at(a, 0)?, false)
    }),
    function("objectFieldsAll", &["o"], |m, a| {
        fields(m, m.object_at(a, 0)?, true)
    }),
    function("objectFieldsEx", &["obj", "hidden"], |m, a| {
        fields(m, m.object_at(a, 0)?, m.flag_at(a, 1, false)?)
    }),
    function("objectHas", &["o", "f"], |m, a| has(m, a, false)),
    function("objectHasAll", &["o", "f"], |m, a| has(m, a, true)),
    function("objectHasEx", &["obj", "fname", "hidden"], |m, a| {
        has(m, a, m.flag_at(a, 2, false)?)
    }),
    function("objectValues", &["o"], |m, a| {
        values(m, m.object_at(a, 0)?, false)
    }),
    function("objectValuesAll", &["o"], |m, a| {
        values(m, m.object_at(a, 0)?, true)
    }),
    function("objectKeysValues", &["o"], |m, a| {
        pairs(m, m.object_at(a, 0)?, false)
    }),
    function("objectKeysValuesAll", &["o"], |m, a| {
        pairs(m, m.object_at(a, 0)?, true)
    }),
    function("objectRemoveKey", &["obj", "key"], |m, a| {
        let object = m.object_at(a, 0)?;
        let key = m.text_at(a, 1)?;
        let n_layers = m.live(object)?.layers.len();
        let layer = m.heap.put(Layer {
            fields: &[],
            binds: &[],
            asserts: &[],
            up: None,
            removes: Some((key, n_layers)),
        })?;
        let without = m.object(Parts::One(layer))?;
        Ok(Val::Object(m.object(Parts::Two(object, without))?))
    }),
    function("get", &["o", "f", "default?", "inc_hidden?"], |m, a| {
        let object = m.object_at(a, 0)?;
        let name = m.text_at(a, 1)?;
        let hidden = m.flag_at(a, 3, true)?;
        let is_there = m
            .names(object)?
            .binary_search_by(|(other, _)| (*other).cmp(name));
        match is_there {
            Ok(at) if hidden || m.names(object)?[at].1 => m.field(object, name),
            _ => m.value_at(a, 2),
        }
    }),
    function("mapWithKey", &["func", "obj"], |m, a| {
        let function = m.function_at(a, 0)?;
        let object = m.object_at(a, 1)?;
        let mut mapped = Vec::new();
        for name in m.shown(object)? {
            let key = m.ready(m.borrowed(name)?)?;
            let value = m.later(function, &[key, field(m, object, name)?])?;
            mapped.push((name, Visibility::Inherited, value));
        }
        Ok(Val::Object(m.plain_object(mapped)?))
    }),
    MERGE_PATCH,
    function("prune", &["a"], |m, a| prune(m, m.value_at(a, 0)?)),
];

const MERGE_PATCH: Builtin = function("mergePatch", &["target", "patch"], |m, a| {
    let Val::Object(patch) = m.value_at(a, 1)? else {
        return m.value_at(a, 1);
    };
    let target = match m.value_at(a, 0)? {
        Val::Object(target) => Some(target),
        _ => None,
    };
    let mut merged = Vec::new();
    if let Some(target) = target {
        for name in m.shown(target)? {
            if !shows(m, patch, name)? {
                merged.push((name, Visibility::Inherited, field(m, target, name)?));
            }
        }
    }
    for name in m.shown(patch)? {
        if matches!(m.field(patch, name)?, Val::Null) {
            continue;
        }
        let old = match target {
            Some(target) if shows(m, target, name)? => field(m, target, name)?,
            _ => m.null,
        };
        let new = m.later(Function::Builtin(&MERGE), &[old, field(m, patch, name)?])?;
        merged.push((name, Visibility::Inherited, new));
    }
    Ok(Val::Object(m.plain_object(merged)?))
});

static MERGE: Builtin = MERGE_PATCH;

fn field<'a>(machine: &Machine<'a>, object: &'a Object<'a>, name: &'a str) -> Result<Thunk<'a>> {
    machine.thunk(State::Field(object, name))
}

fn shows<'a>(machine: &Machine<'a>, object: &Object<'a>, name: &str) -> Result<bool> {
    let names = machine.names(object)?;
    let found = names.binary_search_by(|(other, _)| (*other).cmp(name));
    Ok(found.is_ok_and(|at| names[at].1))
}

/// The names of the fields, hidden ones where they are wanted.
fn names<'a>(
    machine: &Machine<'a>,
    object: &Object<'a>,
    hidden: bool,
) -> Result<impl Iterator<Item = &'a str>> {
    let names = machine.names(object)?;
    machine.step(names.len())?;
    Ok(names
        .iter()
        .filter(move |(_, is_shown)| hidden || *is_shown)
        .map(|(name, _)| *name))
}

fn fields<'a>(machine: &Machine<'a>, object: &Object<'a>, hidden: bool) -> Result<Val<'a>> {
    machine.texts(names(machine, object, hidden)?)
}

fn has<'a>(machine: &Machine<'a>, arguments: Arguments<'_, 'a>, hidden: bool) -> Result<Val<'a>> {
    let object = machine.object_at(arguments, 0)?;
    let name = machine.text_at(arguments, 1)?;
    let has = if hidden {
        machine.has(object, name)?
    } else {
        shows(machine, object, name)?
    };
    Ok(Val::Bool(has))
}

fn values<'a>(machine: &Machine<'a>, object: &'a Object<'a>, hidden: bool) -> Result<Val<'a>> {
    let values: Vec<Thunk<'a>> = names(machine, object, hidden)?
        .map(|name| field(machine, object, name))
        .collect::<Result<_>>()?;
    machine.list_of(&values)
}

fn pairs<'a>(machine: &Machine<'a>, object: &'a Object<'a>, hidden: bool) -> Result<Val<'a>> {
    let mut pairs = Vec::new();
    for name in names(machine, object, hidden)? {
        let key = machine.ready(machine.borrowed(name)?)?;
        let pair = machine.plain_object([
            ("key", Visibility::Inherited, key),
            (
                "value",
                Visibility::Inherited,
                field(machine, object, name)?,
            ),
        ])?;
        pairs.push(machine.ready(Val::Object(pair))?);
    }
    machine.list_of(&pairs)
}

/// Null, and what is empty once it is pruned.
fn is_nothing<'a>(machine: &Machine<'a>, value: Val<'a>) -> Result<bool> {
    Ok(match value {
        Val::Null => true,
        Val::Array(items) => items.is_empty(),
        Val::Object(object) => machine.shown(object)?.next().is_none(),
        _ => false,
    })
}

fn prune<'a>(machine: &Machine<'a>, value: Val<'a>) -> Result<Val<'a>> {
    machine.step(1)?;
    match value {
        Val::Array(items) => {
            let mut kept = Vec::new();
            for item in items {
                let item = machine.force(item)?;
                let pruned = machine.deeper(|| prune(machine, item))?;
                if !is_nothing(machine, pruned)? {
                    kept.push(machine.ready(pruned)?);
                }
            }
            machine.list_of(&kept)
        }
        Val::Object(object) => {
            let mut kept = Vec::new();
            for name in machine.shown(object)? {
                let value = machine.field(object, name)?;
                let pruned = machine.deeper(|| prune(machine, value))?;
                if !is_nothing(machine, pruned)? {
                    kept.push((name, Visibility::Inherited, machine.ready(pruned)?));
                }
            }
            Ok(Val::Object(machine.plain_object(kept)?))
        }
        Val::Function(_) | Val::Null | Val::Bool(_) | Val::Number(_) | Val::Text(_) => Ok(value),
    }
}

/// An object of what is there.
pub(super) fn object_of<'a>(
    machine: &Machine<'a>,
    fields: Vec<(&'a str, Val<'a>)>,
) -> Result<Val<'a>> {
    let mut thunks = Vec::with_capacity(fields.len());
    for (name, value) in fields {
        thunks.push((name, Visibility::Inherited, machine.ready(value)?));
    }
    thunks.sort_by_key(|(name, ..)| *name);
    match thunks.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        Some(pair) => Err(Failure::new(format!(
            "Duplicate field name: \"{}\"",
            pair[0].0
        ))),
        None => Ok(Val::Object(machine.plain_object(thunks)?)),
    }
}
