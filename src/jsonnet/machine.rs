//! The evaluation itself, and its limits.

use super::ast::Visibility;
use super::error::{At, Failure, JsonnetError, Place, Result};
use super::heap::Heap;
use super::parse::parse;
use super::resolve::resolve;
use super::stdlib;
use super::value::*;
use crate::gotmpl::StackGuard;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

/// What an evaluation may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Expressions that are evaluated, items that the library goes over.
    pub steps: u64,
    /// Calls and values that are being found out within one another; go-jsonnet's.
    pub frames: u32,
    /// Bytes of the thread's stack.
    pub stack: usize,
    /// Bytes of values and code together; nothing is freed before the end.
    pub memory: usize,
    /// Bytes of what is printed.
    pub output: usize,
}

impl Limits {
    pub const STEPS: u64 = 20_000_000;
    pub const FRAMES: u32 = 500;
    /// Three eighths of what the agent's threads have.
    pub const STACK: usize = 1536 * 1024;
    pub const MEMORY: usize = 64 * 1024 * 1024;
    pub const OUTPUT: usize = 32 * 1024 * 1024;
}

impl Limits {
    /// For somebody who waits for the one evaluation, and may end it.
    pub fn patient() -> Self {
        Limits {
            steps: 1_000_000_000,
            memory: 512 * 1024 * 1024,
            ..Limits::default()
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            steps: Self::STEPS,
            frames: Self::FRAMES,
            stack: Self::STACK,
            memory: Self::MEMORY,
            output: Self::OUTPUT,
        }
    }
}

/// Whoever runs the evaluation is asked after so many steps.
const STEPS_BY_LOOK: u64 = 20_000;

/// Files for `import`: where one stands, and what it holds.
pub trait Importer {
    /// Asked now and then during a long evaluation: a message ends it.
    fn step(&self) -> std::result::Result<(), String> {
        Ok(())
    }

    /// `from` is the file that imports. The error is a message.
    fn import(&self, from: &str, path: &str) -> std::result::Result<(String, Vec<u8>), String>;
}

pub struct Machine<'a> {
    pub(super) heap: &'a Heap,
    pub(super) limits: Limits,
    steps: Cell<u64>,
    frames: Cell<u32>,
    stack: StackGuard,
    files: RefCell<Vec<&'a str>>,
    /// Where what a file imports was found.
    resolved: RefCell<BTreeMap<(u32, String), String>>,
    imported: RefCell<BTreeMap<String, Imported<'a>>>,
    importer: &'a dyn Importer,
    pub(super) external: RefCell<BTreeMap<String, External<'a>>>,
    root: Cell<Option<&'a Frame<'a>>>,
    pub(super) null: Thunk<'a>,
}

/// An external variable; code is read when it is asked for.
#[derive(Clone)]
pub(super) enum External<'a> {
    Ready(Thunk<'a>),
    Code(String),
}

#[derive(Clone)]
struct Imported<'a> {
    bytes: std::rc::Rc<Vec<u8>>,
    code: Option<Thunk<'a>>,
}

impl<'a> Machine<'a> {
    pub(super) fn new(heap: &'a Heap, importer: &'a dyn Importer, limits: Limits) -> Result<Self> {
        let machine = Machine {
            heap,
            limits,
            steps: Cell::new(0),
            frames: Cell::new(0),
            stack: StackGuard::new(limits.stack),
            files: RefCell::new(Vec::new()),
            resolved: RefCell::new(BTreeMap::new()),
            imported: RefCell::new(BTreeMap::new()),
            importer,
            external: RefCell::new(BTreeMap::new()),
            root: Cell::new(None),
            null: heap.put(Cell::new(State::Done(Val::Null)))?,
        };
        let library = stdlib::library(&machine)?;
        let library = machine.ready(Val::Object(library))?;
        let root: &'a Frame<'a> = heap.put(Frame {
            up: None,
            slots: heap.fill(1, |_| Cell::new(library))?,
            this: None,
        })?;
        machine.root.set(Some(root));
        Ok(machine)
    }

    /// What a file of this text evaluates to.
    pub(super) fn file(&self, name: &str, text: &str) -> Result<Thunk<'a>> {
        let name = self.heap.text(name)?;
        let number = self.files.borrow().len() as u32;
        self.files.borrow_mut().push(name);
        let tree = parse(self.heap, text, number)?;
        let code = resolve(self.heap, name, tree)?;
        let root = self.root.get().expect("set when the machine was made");
        self.thunk(State::Code(code, root))
    }

    pub(super) fn imported(&self, at: At, path: &str) -> Result<(String, std::rc::Rc<Vec<u8>>)> {
        let asked = (at.file, path.to_owned());
        if let Some(found) = self.resolved.borrow().get(&asked)
            && let Some(known) = self.imported.borrow().get(found)
        {
            return Ok((found.clone(), known.bytes.clone()));
        }
        let from = self.files.borrow()[at.file as usize];
        let (found, bytes) = self
            .importer
            .import(from, path)
            .map_err(|message| Failure::at(message, at))?;
        self.resolved.borrow_mut().insert(asked, found.clone());
        let mut imported = self.imported.borrow_mut();
        if let Some(known) = imported.get(&found) {
            return Ok((found, known.bytes.clone()));
        }
        self.heap.has_room(bytes.len())?;
        let bytes = std::rc::Rc::new(bytes);
        let entry = Imported {
            bytes: bytes.clone(),
            code: None,
        };
        imported.insert(found.clone(), entry);
        Ok((found, bytes))
    }

    pub(super) fn import_code(&self, at: At, path: &str) -> Result<Val<'a>> {
        let (found, bytes) = self.imported(at, path)?;
        let known = self.imported.borrow().get(&found).and_then(|i| i.code);
        let thunk = match known {
            Some(thunk) => thunk,
            None => {
                let text = String::from_utf8_lossy(&bytes);
                let thunk = self.file(&found, &text)?;
                if let Some(entry) = self.imported.borrow_mut().get_mut(&found) {
                    entry.code = Some(thunk);
                }
                thunk
            }
        };
        self.force(thunk)
    }

    pub(super) fn external(&self, name: &str) -> Result<Val<'a>> {
        let known = self.external.borrow().get(name).cloned();
        let thunk = match known {
            Some(External::Ready(thunk)) => thunk,
            Some(External::Code(text)) => {
                let thunk = self.file(&format!("<extvar:{name}>"), &text)?;
                let mut external = self.external.borrow_mut();
                external.insert(name.to_owned(), External::Ready(thunk));
                thunk
            }
            None => {
                return Err(Failure::new(format!("Undefined external variable: {name}")));
            }
        };
        self.force(thunk)
    }

    pub(super) fn error(&self, failure: &Failure) -> JsonnetError {
        let place = |at: &At| Place {
            file: self
                .files
                .borrow()
                .get(at.file as usize)
                .map_or_else(String::new, |file| (*file).to_owned()),
            line: at.line,
            column: at.column,
        };
        JsonnetError {
            message: failure.message.clone(),
            place: failure.at.as_ref().map(place),
            callers: failure.callers.iter().map(place).collect(),
        }
    }

    /// Counts work that is done.
    pub(super) fn step(&self, n: usize) -> Result<()> {
        let steps = self.steps.get() + n as u64;
        self.steps.set(steps);
        if steps > self.limits.steps {
            return Err(Failure::new(format!(
                "the evaluation takes more than {} steps",
                self.limits.steps
            )));
        }
        if steps / STEPS_BY_LOOK != (steps - n as u64) / STEPS_BY_LOOK {
            self.importer.step().map_err(Failure::new)?;
        }
        Ok(())
    }

    /// Runs what is a level deeper in the program's own terms.
    pub(super) fn deeper<T>(&self, run: impl FnOnce() -> Result<T>) -> Result<T> {
        let frames = self.frames.get();
        if frames >= self.limits.frames {
            return Err(Failure::new("max stack frames exceeded."));
        }
        self.frames.set(frames + 1);
        self.has_stack()?;
        let done = run();
        self.frames.set(frames);
        done
    }

    pub(super) fn has_stack(&self) -> Result<()> {
        if self.stack.is_exhausted() {
            return Err(Failure::new("max stack frames exceeded."));
        }
        Ok(())
    }

    pub(super) fn thunk(&self, state: State<'a>) -> Result<Thunk<'a>> {
        self.heap.put(Cell::new(state))
    }

    pub(super) fn ready(&self, value: Val<'a>) -> Result<Thunk<'a>> {
        self.thunk(State::Done(value))
    }

    pub(super) fn text(&self, text: &str) -> Result<Val<'a>> {
        let text = self.heap.text(text)?;
        Ok(Val::Text(self.heap.put(Text::flat(text))?))
    }

    pub(super) fn read(&self, text: &Text<'a>) -> Result<&'a str> {
        text.read(self.heap)
    }

    /// The value of a thunk.
    pub(super) fn force(&self, thunk: Thunk<'a>) -> Result<Val<'a>> {
        let value = match thunk.get() {
            State::Done(value) => return Ok(value),
            State::Code(code, frame) => self
                .deeper(|| self.eval(code, frame))
                .map_err(|f| f.or_at(code.at))?,
            State::Call(function, arguments) => self.call(function, arguments)?,
            State::Field(object, name) => self.field(object, name)?,
        };
        thunk.set(State::Done(value));
        Ok(value)
    }

    /// Calls a function with positional arguments.
    pub(super) fn call(&self, function: Function<'a>, arguments: &[Thunk<'a>]) -> Result<Val<'a>> {
        match function {
            Function::Builtin(builtin) => {
                let bound = bind_builtin(builtin, arguments, &[])?;
                self.deeper(|| (builtin.run)(self, &bound))
            }
            Function::Code(code, up) => {
                let frame = self.bind(code, up, arguments, &[])?;
                self.deeper(|| self.eval(code.body, frame))
            }
        }
    }

    /// The frame of a call.
    pub(super) fn bind(
        &self,
        code: &FunctionCode<'a>,
        up: &'a Frame<'a>,
        arguments: &[Thunk<'a>],
        named: &[(&'a str, Thunk<'a>)],
    ) -> Result<&'a Frame<'a>> {
        let names: Vec<&str> = code.parameters.iter().map(|(name, _)| *name).collect();
        let places = place_arguments(&names, arguments.len(), named.iter().map(|(n, _)| *n))?;
        let frame: &'a Frame<'a> = self.heap.put(Frame {
            up: Some(up),
            slots: self.heap.fill(names.len(), |_| Cell::new(self.null))?,
            this: None,
        })?;
        for (slot, thunk) in frame.slots.iter().zip(arguments) {
            slot.set(thunk);
        }
        for (place, (_, thunk)) in places.iter().zip(named) {
            frame.slots[*place].set(thunk);
        }
        for (at, (name, default)) in code.parameters.iter().enumerate() {
            if at < arguments.len() || places.contains(&at) {
                continue;
            }
            match default {
                Some(default) => frame.slots[at].set(self.thunk(State::Code(default, frame))?),
                None => return Err(Failure::new(format!("Missing argument: {name}"))),
            }
        }
        Ok(frame)
    }

    pub(super) fn object(&self, parts: Parts<'a>) -> Result<&'a Object<'a>> {
        self.heap.put(Object {
            parts,
            live: Cell::new(None),
            is_checked: Cell::new(false),
        })
    }

    /// An object of values that are there, or found out without it.
    pub(super) fn plain_object(
        &self,
        fields: impl IntoIterator<Item = (&'a str, Visibility, Thunk<'a>)>,
    ) -> Result<&'a Object<'a>> {
        let mut fields: Vec<FieldValue<'a>> = fields
            .into_iter()
            .map(|(name, visibility, thunk)| FieldValue {
                name,
                visibility,
                plus: false,
                body: Body::Ready(thunk),
            })
            .collect();
        fields.sort_by_key(|field| field.name);
        let layer = self.heap.put(Layer {
            fields: self.heap.list(&fields)?,
            binds: &[],
            asserts: &[],
            up: None,
            removes: None,
        })?;
        self.object(Parts::One(layer))
    }
}

/// Arguments of a builtin by their place; those left out are `None`.
pub(super) fn bind_builtin<'a>(
    builtin: &'static Builtin,
    arguments: &[Thunk<'a>],
    named: &[(&'a str, Thunk<'a>)],
) -> Result<Vec<Option<Thunk<'a>>>> {
    let names: Vec<&str> = builtin
        .parameters
        .iter()
        .map(|name| name.trim_end_matches('?'))
        .collect();
    let places = place_arguments(&names, arguments.len(), named.iter().map(|(n, _)| *n))?;
    let mut bound: Vec<Option<Thunk<'a>>> = arguments.iter().map(|thunk| Some(*thunk)).collect();
    bound.resize(names.len(), None);
    for (place, (_, thunk)) in places.iter().zip(named) {
        bound[*place] = Some(thunk);
    }
    for (name, value) in builtin.parameters.iter().zip(&bound) {
        if value.is_none() && !name.ends_with('?') {
            return Err(Failure::new(format!("Missing argument: {name}")));
        }
    }
    Ok(bound)
}

/// Where the named arguments go.
fn place_arguments<'n>(
    names: &[&str],
    n_positional: usize,
    named: impl Iterator<Item = &'n str>,
) -> Result<Vec<usize>> {
    if n_positional > names.len() {
        return Err(Failure::new(format!(
            "function expected {} positional argument(s), but got {n_positional}",
            names.len()
        )));
    }
    let mut places = Vec::new();
    for name in named {
        let Some(place) = names.iter().position(|other| *other == name) else {
            return Err(Failure::new(format!("function has no parameter {name}")));
        };
        if place < n_positional || places.contains(&place) {
            return Err(Failure::new(format!("Argument {name} already provided")));
        }
        places.push(place);
    }
    Ok(places)
}
