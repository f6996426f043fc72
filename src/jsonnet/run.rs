//! A program with its variables, up to its output.

use super::error::{Failure, JsonnetError, Result};
use super::heap::Heap;
use super::machine::{External, Importer, Limits, Machine};
use super::print::Layout;
use super::value::{Function, Val};

/// An external variable or a top-level argument.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Variable {
    pub name: String,
    pub value: String,
    /// Whether the value is a program; else it is a string.
    pub is_code: bool,
}

/// A program, and what it is given.
pub struct Program<'p> {
    /// What errors and imports call it.
    pub name: &'p str,
    pub text: &'p str,
    pub external: &'p [Variable],
    pub arguments: &'p [Variable],
    pub limits: Limits,
}

/// What is made of a program's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// JSON.
    Json,
    /// The string that it is.
    Text,
    /// The documents of an array, each as JSON.
    Stream,
    /// Files: the fields of an object, each as JSON.
    Files,
    /// The same, as the strings that they are.
    TextFiles,
}

/// Name and text of each part; the name is empty but for files.
pub fn evaluate(
    program: &Program<'_>,
    importer: &dyn Importer,
    output: Output,
) -> std::result::Result<Vec<(String, String)>, JsonnetError> {
    let heap = Heap::new(program.limits.memory);
    let machine = match Machine::new(&heap, importer, program.limits) {
        Ok(machine) => machine,
        Err(failure) => {
            return Err(JsonnetError {
                message: failure.message,
                place: None,
                callers: Vec::new(),
            });
        }
    };
    run(&machine, program, output).map_err(|failure| machine.error(&failure))
}

fn run(
    machine: &Machine<'_>,
    program: &Program<'_>,
    output: Output,
) -> Result<Vec<(String, String)>> {
    for variable in program.external {
        let value = if variable.is_code {
            External::Code(variable.value.clone())
        } else {
            External::Ready(machine.ready(machine.text(&variable.value)?)?)
        };
        let mut external = machine.external.borrow_mut();
        external.insert(variable.name.clone(), value);
    }
    let main = machine.file(program.name, program.text)?;
    let mut value = machine.force(main)?;
    if let Val::Function(function) = value {
        value = apply(machine, function, program)?;
    }
    match output {
        Output::Json => Ok(vec![(String::new(), lines(machine, value)?)]),
        Output::Text => match value {
            Val::Text(text) => Ok(vec![(String::new(), machine.read(text)?.to_owned())]),
            other => Err(Failure::new(format!(
                "expected string result, got: {}",
                other.type_name()
            ))),
        },
        Output::Stream => match value {
            Val::Array(items) => items
                .iter()
                .map(|item| Ok((String::new(), lines(machine, machine.force(item)?)?)))
                .collect(),
            other => Err(Failure::new(format!(
                "stream mode: top-level object was a {}, should be an array whose elements hold the JSON for each document in the stream.",
                other.type_name()
            ))),
        },
        Output::Files | Output::TextFiles => files(machine, value, output),
    }
}

/// Calls the function that a program is with the top-level arguments.
fn apply<'a>(
    machine: &Machine<'a>,
    function: Function<'a>,
    program: &Program<'_>,
) -> Result<Val<'a>> {
    let mut named = Vec::with_capacity(program.arguments.len());
    for variable in program.arguments {
        let thunk = if variable.is_code {
            machine.file(
                &format!("<top-level-arg:{}>", variable.name),
                &variable.value,
            )?
        } else {
            machine.ready(machine.text(&variable.value)?)?
        };
        named.push((machine.heap.text(&variable.name)?, thunk));
    }
    match function {
        Function::Code(code, up) => {
            let frame = machine.bind(code, up, &[], &named)?;
            machine.deeper(|| machine.eval(code.body, frame))
        }
        Function::Builtin(_) => Err(Failure::new(
            "a function of the standard library is not a program",
        )),
    }
}

fn lines<'a>(machine: &Machine<'a>, value: Val<'a>) -> Result<String> {
    let mut out = String::new();
    machine.json(value, &Layout::LINES, &mut String::new(), &mut out)?;
    Ok(out)
}

fn files<'a>(
    machine: &Machine<'a>,
    value: Val<'a>,
    output: Output,
) -> Result<Vec<(String, String)>> {
    let Val::Object(object) = value else {
        return Err(Failure::new(format!(
            "multi mode: top-level object was a {}, should be an object whose keys are filenames and values hold the JSON for that file.",
            value.type_name()
        )));
    };
    machine.check(object)?;
    let mut files = Vec::new();
    for name in machine.shown(object)? {
        let text = match (output, machine.field(object, name)?) {
            (Output::TextFiles, Val::Text(text)) => machine.read(text)?.to_owned(),
            (Output::TextFiles, other) => {
                return Err(Failure::new(format!(
                    "multi mode: top-level object's key {name} has a value of type {}, should be a string",
                    other.type_name()
                )));
            }
            (_, value) => lines(machine, value)?,
        };
        files.push((name.to_owned(), text));
    }
    Ok(files)
}
