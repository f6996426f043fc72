//! A program as it is written.

use super::error::At;

pub(super) struct Node<'a> {
    pub at: At,
    pub kind: NodeKind<'a>,
}

pub(super) type Tree<'a> = &'a Node<'a>;

#[derive(Clone, Copy)]
pub(super) enum NodeKind<'a> {
    Null,
    Bool(bool),
    Number(f64),
    Text(&'a str),
    Myself,
    Dollar,
    Variable(&'a str),
    Import(Import, &'a str),
    Array(&'a [Tree<'a>]),
    ArrayFor {
        body: Tree<'a>,
        clauses: &'a [Clause<'a>],
    },
    Object(&'a Members<'a>),
    ObjectFor {
        binds: &'a [Bind<'a>],
        key: Tree<'a>,
        value: Tree<'a>,
        plus: bool,
        clauses: &'a [Clause<'a>],
    },
    Index(Tree<'a>, Tree<'a>),
    Slice(Tree<'a>, [Option<Tree<'a>>; 3]),
    SuperIndex(Tree<'a>),
    InSuper(Tree<'a>),
    Call {
        target: Tree<'a>,
        arguments: &'a [Argument<'a>],
        tailstrict: bool,
    },
    Local(&'a [Bind<'a>], Tree<'a>),
    If(Tree<'a>, Tree<'a>, Option<Tree<'a>>),
    Function(&'a [Parameter<'a>], Tree<'a>),
    Assert(Assertion<'a>, Tree<'a>),
    Error(Tree<'a>),
    Unary(Unary, Tree<'a>),
    Binary(Binary, Tree<'a>, Tree<'a>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Import {
    Code,
    Text,
    Bytes,
}

#[derive(Clone, Copy)]
pub(super) enum Clause<'a> {
    For(&'a str, Tree<'a>),
    If(Tree<'a>),
}

#[derive(Clone, Copy)]
pub(super) struct Bind<'a> {
    pub name: &'a str,
    pub body: Tree<'a>,
}

#[derive(Clone, Copy)]
pub(super) struct Argument<'a> {
    pub name: Option<&'a str>,
    pub value: Tree<'a>,
}

#[derive(Clone, Copy)]
pub(super) struct Parameter<'a> {
    pub name: &'a str,
    pub default: Option<Tree<'a>>,
}

#[derive(Clone, Copy)]
pub(super) struct Assertion<'a> {
    pub at: At,
    pub condition: Tree<'a>,
    pub message: Option<Tree<'a>>,
}

pub(super) struct Members<'a> {
    pub binds: &'a [Bind<'a>],
    pub asserts: &'a [Assertion<'a>],
    pub fields: &'a [Field<'a>],
}

#[derive(Clone, Copy)]
pub(super) struct Field<'a> {
    pub name: Tree<'a>,
    pub visibility: Visibility,
    pub plus: bool,
    pub value: Tree<'a>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Visibility {
    /// `:`, as the field that it overrides has it.
    Inherited,
    /// `::`
    Hidden,
    /// `:::`
    Shown,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Unary {
    Not,
    Complement,
    Plus,
    Minus,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Binary {
    Multiply,
    Divide,
    Modulo,
    Add,
    Subtract,
    ShiftLeft,
    ShiftRight,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    Equal,
    Unequal,
    BitAnd,
    BitXor,
    BitOr,
    And,
    Or,
}
