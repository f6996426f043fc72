//! Values and what makes them: code with the frame that it runs in.

use super::ast::{Binary, Import, Unary, Visibility};
use super::error::{At, Result};
use super::heap::Heap;
use super::machine::Machine;
use std::cell::Cell;

#[derive(Clone, Copy)]
pub(super) enum Val<'a> {
    Null,
    Bool(bool),
    Number(f64),
    Text(&'a Text<'a>),
    Array(&'a [Thunk<'a>]),
    Object(&'a Object<'a>),
    Function(Function<'a>),
}

impl Val<'_> {
    pub fn type_name(self) -> &'static str {
        match self {
            Val::Null => "null",
            Val::Bool(_) => "boolean",
            Val::Number(_) => "number",
            Val::Text(_) => "string",
            Val::Array(_) => "array",
            Val::Object(_) => "object",
            Val::Function(_) => "function",
        }
    }
}

/// A string; one that was put together is copied together when it is read.
pub(super) struct Text<'a> {
    flat: Cell<Option<&'a str>>,
    parts: Option<(&'a Text<'a>, &'a Text<'a>)>,
    pub n_bytes: usize,
}

/// Strings up to this are put together at once.
const MIN_ROPE: usize = 64;

impl<'a> Text<'a> {
    pub fn flat(text: &'a str) -> Self {
        Text {
            flat: Cell::new(Some(text)),
            parts: None,
            n_bytes: text.len(),
        }
    }

    pub fn joined(heap: &'a Heap, left: &'a Self, right: &'a Self) -> Result<&'a Self> {
        if right.n_bytes == 0 {
            return Ok(left);
        }
        if left.n_bytes == 0 {
            return Ok(right);
        }
        let n_bytes = left.n_bytes.saturating_add(right.n_bytes);
        let joined: &'a Self = heap.put(Text {
            flat: Cell::new(None),
            parts: Some((left, right)),
            n_bytes,
        })?;
        if n_bytes <= MIN_ROPE {
            joined.read(heap)?;
        }
        Ok(joined)
    }

    pub fn read(&self, heap: &'a Heap) -> Result<&'a str> {
        if let Some(flat) = self.flat.get() {
            return Ok(flat);
        }
        heap.has_room(self.n_bytes)?;
        let mut text = String::with_capacity(self.n_bytes);
        let mut todo: Vec<&Text<'a>> = self.parts.iter().flat_map(|(l, r)| [*r, *l]).collect();
        while let Some(next) = todo.pop() {
            match (next.flat.get(), next.parts) {
                (Some(flat), _) => text.push_str(flat),
                (None, Some((left, right))) => todo.extend([right, left]),
                (None, None) => {}
            }
        }
        let flat = heap.text(&text)?;
        self.flat.set(Some(flat));
        Ok(flat)
    }
}

/// A value that is found out when it is asked for, once.
pub(super) type Thunk<'a> = &'a Cell<State<'a>>;

#[derive(Clone, Copy)]
pub(super) enum State<'a> {
    Done(Val<'a>),
    Code(&'a Code<'a>, &'a Frame<'a>),
    Call(Function<'a>, &'a [Thunk<'a>]),
    /// A field of an object.
    Field(&'a Object<'a>, &'a str),
}

/// What names stand for: the innermost scope, and those around it.
pub(super) struct Frame<'a> {
    pub up: Option<&'a Frame<'a>>,
    pub slots: &'a [Cell<Thunk<'a>>],
    /// In an object's scope: the object, and which of its layers.
    pub this: Option<(&'a Object<'a>, usize)>,
}

#[derive(Clone, Copy)]
pub(super) enum Function<'a> {
    Code(&'a FunctionCode<'a>, &'a Frame<'a>),
    Builtin(&'static Builtin),
}

pub(super) struct FunctionCode<'a> {
    pub parameters: &'a [(&'a str, Option<&'a Code<'a>>)],
    pub body: &'a Code<'a>,
}

pub(super) type Run = for<'a> fn(&Machine<'a>, &[Option<Thunk<'a>>]) -> Result<Val<'a>>;

/// A function of the standard library. Parameters that end in `?` may be
/// left out.
pub(super) struct Builtin {
    pub name: &'static str,
    pub parameters: &'static [&'static str],
    pub run: Run,
}

/// An object: layers of which later ones override earlier ones.
pub(super) struct Object<'a> {
    pub parts: Parts<'a>,
    pub live: Cell<Option<&'a Live<'a>>>,
    /// Whether its assertions hold, or are being looked at.
    pub is_checked: Cell<bool>,
}

#[derive(Clone, Copy)]
pub(super) enum Parts<'a> {
    One(&'a Layer<'a>),
    Two(&'a Object<'a>, &'a Object<'a>),
}

/// What an object has from its first use on.
pub(super) struct Live<'a> {
    pub layers: &'a [&'a Layer<'a>],
    pub frames: &'a [Cell<Option<&'a Frame<'a>>>],
    /// Values of fields, by layer and place in the layer.
    pub values: &'a [Cell<Option<Values<'a>>>],
    pub names: Cell<Option<&'a [(&'a str, bool)]>>,
}

/// Of one layer's fields, those that are known.
pub(super) type Values<'a> = &'a [Cell<Option<Val<'a>>>];

pub(super) struct Layer<'a> {
    /// Sorted by name.
    pub fields: &'a [FieldValue<'a>],
    pub binds: &'a [&'a Code<'a>],
    pub asserts: &'a [&'a Code<'a>],
    pub up: Option<&'a Frame<'a>>,
    /// A name that is taken out of so many layers below this one.
    pub removes: Option<(&'a str, usize)>,
}

#[derive(Clone, Copy)]
pub(super) struct FieldValue<'a> {
    pub name: &'a str,
    pub visibility: Visibility,
    pub plus: bool,
    pub body: Body<'a>,
}

#[derive(Clone, Copy)]
pub(super) enum Body<'a> {
    /// To be run in the object's scope.
    Code(&'a Code<'a>),
    /// The same in a scope around it of its own: of a comprehension.
    Within(&'a Code<'a>, &'a Frame<'a>),
    Ready(Thunk<'a>),
}

/// A program whose names are resolved to scopes and slots.
pub(super) struct Code<'a> {
    pub at: At,
    pub op: Op<'a>,
}

#[derive(Clone, Copy)]
pub(super) enum Op<'a> {
    Constant(Val<'a>),
    Slot {
        up: u32,
        slot: u32,
    },
    Myself {
        up: u32,
    },
    Import(Import, &'a str),
    Array(&'a [&'a Code<'a>]),
    ArrayFor {
        body: &'a Code<'a>,
        clauses: &'a [ClauseCode<'a>],
    },
    Object(&'a ObjectCode<'a>),
    ObjectFor {
        object: &'a ObjectCode<'a>,
        clauses: &'a [ClauseCode<'a>],
    },
    Index(&'a Code<'a>, &'a Code<'a>),
    Slice(&'a [Option<&'a Code<'a>>; 4]),
    SuperIndex {
        up: u32,
        index: &'a Code<'a>,
    },
    InSuper {
        up: u32,
        index: &'a Code<'a>,
    },
    Call(&'a CallCode<'a>),
    Local {
        binds: &'a [&'a Code<'a>],
        body: &'a Code<'a>,
    },
    If(&'a Code<'a>, &'a Code<'a>, Option<&'a Code<'a>>),
    Function(&'a FunctionCode<'a>),
    /// Condition, message, what follows.
    Assert(&'a Code<'a>, Option<&'a Code<'a>>, &'a Code<'a>),
    Error(&'a Code<'a>),
    Unary(Unary, &'a Code<'a>),
    Binary(Binary, &'a Code<'a>, &'a Code<'a>),
}

#[derive(Clone, Copy)]
pub(super) enum ClauseCode<'a> {
    /// Opens a scope of one slot.
    For(&'a Code<'a>),
    If(&'a Code<'a>),
}

pub(super) struct CallCode<'a> {
    pub target: &'a Code<'a>,
    pub arguments: &'a [&'a Code<'a>],
    pub named: &'a [(&'a str, &'a Code<'a>)],
    pub tailstrict: bool,
}

pub(super) struct ObjectCode<'a> {
    pub binds: &'a [&'a Code<'a>],
    /// Each is an assertion with null behind it.
    pub asserts: &'a [&'a Code<'a>],
    pub fields: &'a [FieldCode<'a>],
}

#[derive(Clone, Copy)]
pub(super) struct FieldCode<'a> {
    /// Outside of the object's scope.
    pub name: &'a Code<'a>,
    pub visibility: Visibility,
    pub plus: bool,
    pub body: &'a Code<'a>,
}
