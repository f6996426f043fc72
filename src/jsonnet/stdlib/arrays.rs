use super::arguments::Arguments;
use super::function;
use crate::jsonnet::error::{Failure, Result};
use crate::jsonnet::machine::Machine;
use crate::jsonnet::value::{Builtin, Text, Thunk, Val};

pub(super) const FUNCTIONS: &[Builtin] = &[
    function("length", &["x"], |m, a| {
        let length = match m.value_at(a, 0)? {
            Val::Text(text) => m.read(text)?.chars().count(),
            Val::Array(items) => items.len(),
            Val::Object(object) => m.shown(object)?.count(),
            Val::Function(function) => match function {
                crate::jsonnet::value::Function::Code(code, _) => code
                    .parameters
                    .iter()
                    .filter(|(_, default)| default.is_none())
                    .count(),
                crate::jsonnet::value::Function::Builtin(builtin) => builtin
                    .parameters
                    .iter()
                    .filter(|name| !name.ends_with('?'))
                    .count(),
            },
            other => {
                return Err(Failure::new(format!(
                    "Unexpected type {}",
                    other.type_name()
                )));
            }
        };
        Ok(Val::Number(length as f64))
    }),
    function("makeArray", &["sz", "func"], |m, a| {
        let length = m.count_at(a, 0)?;
        let function = m.function_at(a, 1)?;
        m.step(length)?;
        m.heap.has_room(length.saturating_mul(64))?;
        let mut items = Vec::with_capacity(length);
        for at in 0..length {
            let at = m.ready(Val::Number(at as f64))?;
            items.push(m.later(function, &[at])?);
        }
        m.list_of(&items)
    }),
    function("range", &["from", "to"], |m, a| {
        let from = m.integer(m.value_at(a, 0)?)?;
        let to = m.integer(m.value_at(a, 1)?)?;
        let length = usize::try_from(i64::from(to) - i64::from(from) + 1).unwrap_or(0);
        m.step(length)?;
        m.heap.has_room(length.saturating_mul(40))?;
        let mut items = Vec::with_capacity(length);
        for at in 0..length {
            items.push(m.ready(Val::Number(f64::from(from) + at as f64))?);
        }
        m.list_of(&items)
    }),
    function("map", &["func", "arr"], |m, a| {
        let function = match m.value_at(a, 0)? {
            Val::Function(function) => function,
            other => {
                return Err(Failure::new(format!(
                    "std.map first param must be function, got {}",
                    other.type_name()
                )));
            }
        };
        let items = m.items(
            m.value_at(a, 1)?,
            "std.map second param must be array / string",
        )?;
        let mapped: Vec<Thunk<'_>> = items
            .iter()
            .map(|item| m.later(function, &[item]))
            .collect::<Result<_>>()?;
        m.list_of(&mapped)
    }),
    function("mapWithIndex", &["func", "arr"], |m, a| {
        let function = m.function_at(a, 0)?;
        let what = "std.mapWithIndex second param must be array";
        let items = m.items(m.value_at(a, 1)?, what)?;
        let mut mapped = Vec::with_capacity(items.len());
        for (at, item) in items.iter().enumerate() {
            let at = m.ready(Val::Number(at as f64))?;
            mapped.push(m.later(function, &[at, item])?);
        }
        m.list_of(&mapped)
    }),
    function("flatMap", &["func", "arr"], |m, a| {
        let function = m.function_at(a, 0)?;
        let value = m.value_at(a, 1)?;
        let items = m.items(value, "std.flatMap second param must be array / string")?;
        let mut flat = Vec::new();
        let mut text = String::new();
        for item in &items {
            let found = m.apply(function, &[item])?;
            m.heap.has_room(text.len() + flat.len() * 8)?;
            if matches!(value, Val::Text(_)) {
                text.push_str(m.string(found)?);
            } else {
                flat.extend_from_slice(m.array(found)?);
            }
        }
        if matches!(value, Val::Text(_)) {
            m.text(&text)
        } else {
            m.list_of(&flat)
        }
    }),
    function("filter", &["func", "arr"], |m, a| {
        let kept = filter(m, a, 0, 1)?;
        m.list_of(&kept)
    }),
    function("filterMap", &["filter_func", "map_func", "arr"], |m, a| {
        let function = m.function_at(a, 1)?;
        let kept = filter(m, a, 0, 2)?;
        let mapped: Vec<Thunk<'_>> = kept
            .iter()
            .map(|item| m.later(function, &[item]))
            .collect::<Result<_>>()?;
        m.list_of(&mapped)
    }),
    function("foldl", &["func", "arr", "init"], |m, a| {
        fold(m, a, "foldl", false)
    }),
    function("foldr", &["func", "arr", "init"], |m, a| {
        fold(m, a, "foldr", true)
    }),
    function("join", &["sep", "arr"], |m, a| {
        join(m, m.value_at(a, 0)?, m.array_at(a, 1)?)
    }),
    function("lines", &["arr"], |m, a| {
        let mut items = m.array_at(a, 0)?.to_vec();
        items.push(m.ready(m.borrowed("")?)?);
        join(m, m.borrowed("\n")?, &items)
    }),
    function("deepJoin", &["arr"], |m, a| {
        let mut out = String::new();
        deep_join(m, m.value_at(a, 0)?, &mut out)?;
        m.text(&out)
    }),
    function("reverse", &["arr"], |m, a| {
        let mut items = m.array_at(a, 0)?.to_vec();
        items.reverse();
        m.list_of(&items)
    }),
    function("flattenArrays", &["arrs"], |m, a| {
        let mut flat = Vec::new();
        for items in m.array_at(a, 0)? {
            let items = m.array(m.force(items)?)?;
            m.step(items.len())?;
            m.heap.has_room((flat.len() + items.len()) * 8)?;
            flat.extend_from_slice(items);
        }
        m.list_of(&flat)
    }),
    function("flattenDeepArray", &["value"], |m, a| {
        let mut flat = Vec::new();
        flatten(m, m.thunk_at(a, 0), &mut flat)?;
        m.list_of(&flat)
    }),
    function("repeat", &["what", "count"], |m, a| {
        let count = m.count_at(a, 1)?;
        match m.value_at(a, 0)? {
            Val::Text(text) => {
                let text = m.read(text)?;
                m.heap.has_room(text.len().saturating_mul(count))?;
                m.text(&text.repeat(count))
            }
            Val::Array(items) => {
                m.heap
                    .has_room(items.len().saturating_mul(count).saturating_mul(16))?;
                m.step(items.len().saturating_mul(count))?;
                m.list_of(&items.repeat(count))
            }
            _ => Err(Failure::new(
                "std.repeat first argument must be an array or a string",
            )),
        }
    }),
    function("slice", &["indexable", "index", "end", "step"], |m, a| {
        m.slice([
            m.value_at(a, 0)?,
            m.value_at(a, 1)?,
            m.value_at(a, 2)?,
            m.value_at(a, 3)?,
        ])
    }),
    function("count", &["arr", "x"], |m, a| {
        let wanted = m.value_at(a, 1)?;
        let mut n_found = 0;
        for item in m.array_at(a, 0)? {
            n_found += i32::from(m.equal(m.force(item)?, wanted)?);
        }
        Ok(Val::Number(f64::from(n_found)))
    }),
    function("member", &["arr", "x"], |m, a| match m.value_at(a, 0)? {
        Val::Text(text) => Ok(Val::Bool(m.read(text)?.contains(m.text_at(a, 1)?))),
        Val::Array(items) => contains(m, items, m.value_at(a, 1)?),
        _ => Err(Failure::new(
            "std.member first argument must be an array or a string",
        )),
    }),
    function("contains", &["arr", "elem"], |m, a| {
        contains(m, m.array_at(a, 0)?, m.value_at(a, 1)?)
    }),
    function("find", &["value", "arr"], |m, a| {
        let wanted = m.value_at(a, 0)?;
        let mut found = Vec::new();
        for (at, item) in m.array_at(a, 1)?.iter().enumerate() {
            if m.equal(m.force(item)?, wanted)? {
                found.push(m.ready(Val::Number(at as f64))?);
            }
        }
        m.list_of(&found)
    }),
    function("remove", &["arr", "elem"], |m, a| {
        let items = m.array_at(a, 0)?;
        let wanted = m.value_at(a, 1)?;
        for (at, item) in items.iter().enumerate() {
            if m.equal(m.force(item)?, wanted)? {
                return without(m, items, at);
            }
        }
        Ok(Val::Array(items))
    }),
    function("removeAt", &["arr", "at"], |m, a| {
        let items = m.array_at(a, 0)?;
        let at = m.integer(m.value_at(a, 1)?)?;
        match usize::try_from(at) {
            Ok(at) if at < items.len() => without(m, items, at),
            _ => Ok(Val::Array(items)),
        }
    }),
    function("all", &["arr"], |m, a| {
        for item in m.array_at(a, 0)? {
            if !m.flag(m.force(item)?)? {
                return Ok(Val::Bool(false));
            }
        }
        Ok(Val::Bool(true))
    }),
    function("any", &["arr"], |m, a| {
        for item in m.array_at(a, 0)? {
            if m.flag(m.force(item)?)? {
                return Ok(Val::Bool(true));
            }
        }
        Ok(Val::Bool(false))
    }),
    function("sum", &["arr"], |m, a| {
        sum(m, m.array_at(a, 0)?).map(Val::Number)
    }),
    function("avg", &["arr"], |m, a| {
        let items = m.array_at(a, 0)?;
        if items.is_empty() {
            return Err(Failure::new("Cannot calculate average of an empty array."));
        }
        m.finite(sum(m, items)? / items.len() as f64)
    }),
];

fn sum<'a>(machine: &Machine<'a>, items: &[Thunk<'a>]) -> Result<f64> {
    let mut sum = 0.0;
    for item in items {
        sum += machine.number(machine.force(item)?)?;
    }
    Ok(sum)
}

fn contains<'a>(machine: &Machine<'a>, items: &[Thunk<'a>], wanted: Val<'a>) -> Result<Val<'a>> {
    for item in items {
        if machine.equal(machine.force(item)?, wanted)? {
            return Ok(Val::Bool(true));
        }
    }
    Ok(Val::Bool(false))
}

fn without<'a>(machine: &Machine<'a>, items: &[Thunk<'a>], at: usize) -> Result<Val<'a>> {
    let mut rest = items.to_vec();
    rest.remove(at);
    machine.list_of(&rest)
}

fn filter<'a>(
    machine: &Machine<'a>,
    arguments: Arguments<'_, 'a>,
    function: usize,
    items: usize,
) -> Result<Vec<Thunk<'a>>> {
    let items = machine.array_at(arguments, items)?;
    let function = machine.function_at(arguments, function)?;
    let mut kept = Vec::new();
    for item in items {
        let keep = machine.apply(function, &[item])?;
        if machine.flag(keep)? {
            kept.push(*item);
        }
    }
    Ok(kept)
}

fn fold<'a>(
    machine: &Machine<'a>,
    arguments: Arguments<'_, 'a>,
    who: &str,
    from_right: bool,
) -> Result<Val<'a>> {
    let function = machine.function_at(arguments, 0)?;
    let what = format!("{who} second parameter should be string or array");
    let mut items = machine.items(machine.value_at(arguments, 1)?, &what)?;
    let mut running = machine.thunk_at(arguments, 2);
    if from_right {
        items.reverse();
    }
    for item in items {
        let pair = if from_right {
            [item, running]
        } else {
            [running, item]
        };
        running = machine.ready(machine.apply(function, &pair)?)?;
    }
    machine.force(running)
}

pub(super) fn join<'a>(
    machine: &Machine<'a>,
    separator: Val<'a>,
    items: &[Thunk<'a>],
) -> Result<Val<'a>> {
    let mut is_first = true;
    match separator {
        Val::Text(separator) => {
            let separator = machine.read(separator)?;
            let mut out = String::new();
            for item in items {
                let text: &'a Text<'a> = match machine.force(item)? {
                    Val::Null => continue,
                    Val::Text(text) => text,
                    other => {
                        return Err(Failure::new(format!(
                            "Unexpected type {}, expected string",
                            other.type_name()
                        )));
                    }
                };
                machine
                    .heap
                    .has_room(out.len() + separator.len() + text.n_bytes)?;
                if !is_first {
                    out.push_str(separator);
                }
                is_first = false;
                out.push_str(machine.read(text)?);
            }
            machine.text(&out)
        }
        Val::Array(separator) => {
            let mut out = Vec::new();
            for item in items {
                let part = match machine.force(item)? {
                    Val::Null => continue,
                    part => machine.array(part)?,
                };
                machine.step(part.len() + separator.len())?;
                machine
                    .heap
                    .has_room((out.len() + separator.len() + part.len()) * 8)?;
                if !is_first {
                    out.extend_from_slice(separator);
                }
                is_first = false;
                out.extend_from_slice(part);
            }
            machine.list_of(&out)
        }
        other => Err(Failure::new(format!(
            "join first parameter should be string or array, got {}",
            other.type_name()
        ))),
    }
}

fn deep_join<'a>(machine: &Machine<'a>, value: Val<'a>, out: &mut String) -> Result<()> {
    match value {
        Val::Text(text) => {
            machine.heap.has_room(out.len() + text.n_bytes)?;
            out.push_str(machine.read(text)?);
            Ok(())
        }
        Val::Array(items) => {
            for item in items {
                let item = machine.force(item)?;
                machine.step(1)?;
                machine.deeper(|| deep_join(machine, item, out))?;
            }
            Ok(())
        }
        other => Err(Failure::new(format!(
            "Expected string or array, got {}",
            other.type_name()
        ))),
    }
}

fn flatten<'a>(machine: &Machine<'a>, item: Thunk<'a>, flat: &mut Vec<Thunk<'a>>) -> Result<()> {
    machine.step(1)?;
    match machine.force(item)? {
        Val::Array(items) => {
            for item in items {
                machine.deeper(|| flatten(machine, item, flat))?;
            }
        }
        _ => {
            machine.heap.has_room(flat.len() * 8)?;
            flat.push(item);
        }
    }
    Ok(())
}
