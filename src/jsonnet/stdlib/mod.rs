//! The standard library: one table of functions for each of its subjects.

mod arguments;

mod numbers;

mod strings;

mod format;

mod arrays;

mod sets;

mod objects;

mod documents;

mod manifest;

mod toml;

mod encoding;

mod types;

use super::ast::Visibility;
use super::error::Result;
use super::machine::Machine;
use super::value::{Builtin, Function, Object, Run, Val};

const fn function(name: &'static str, parameters: &'static [&'static str], run: Run) -> Builtin {
    Builtin {
        name,
        parameters,
        run,
    }
}

/// The object that `std` stands for.
pub(super) fn library<'a>(machine: &Machine<'a>) -> Result<&'a Object<'a>> {
    let tables = [
        numbers::FUNCTIONS,
        strings::FUNCTIONS,
        arrays::FUNCTIONS,
        sets::FUNCTIONS,
        objects::FUNCTIONS,
        documents::FUNCTIONS,
        manifest::FUNCTIONS,
        encoding::FUNCTIONS,
        types::FUNCTIONS,
    ];
    let mut fields = Vec::with_capacity(160);
    for builtin in tables.into_iter().flatten() {
        let thunk = machine.ready(Val::Function(Function::Builtin(builtin)))?;
        fields.push((builtin.name, Visibility::Hidden, thunk));
    }
    let pi = machine.ready(Val::Number(std::f64::consts::PI))?;
    fields.push(("pi", Visibility::Hidden, pi));
    machine.plain_object(fields)
}
