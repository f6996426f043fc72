//! The parsed template. Texts and literals are spans of the source, which is
//! kept for error locations anyhow.

use std::rc::Rc;

use super::strconv::quote;
use super::{FuncDef, GoStr, Val};

/// A file, or the text of a `tpl`, that templates were parsed from.
pub(super) struct Source {
    /// The name that error locations show.
    pub name: GoStr,
    pub text: Rc<[u8]>,
}

/// One template: a file, or a `define` in it.
pub(super) struct Tree {
    pub name: GoStr,
    pub source: Rc<Source>,
    pub root: Vec<Node>,
}

/// A byte offset into the source.
pub(super) type Pos = u32;

pub(super) enum Node {
    Text { start: Pos, end: Pos },
    Action(Pipe),
    Break,
    Continue,
    If(Box<Branch>),
    Range(Box<Branch>),
    With(Box<Branch>),
    Template(Box<Invocation>),
}

/// `if`, `range` or `with`.
pub(super) struct Branch {
    pub pipe: Pipe,
    pub list: Vec<Node>,
    pub else_list: Option<Vec<Node>>,
}

/// `{{template "name" pipe}}`
pub(super) struct Invocation {
    pub pos: Pos,
    pub name: GoStr,
    pub pipe: Option<Pipe>,
}

pub(super) struct Pipe {
    pub pos: Pos,
    /// `=` and not `:=`.
    pub assign: bool,
    pub decl: Vec<Variable>,
    pub commands: Vec<Command>,
}

/// A variable by its number within the source; `$` is 0.
pub(super) type VarId = u32;

pub(super) struct Variable {
    pub id: VarId,
    pub name: GoStr,
}

pub(super) struct Command {
    pub pos: Pos,
    /// The first is what is evaluated, or the function that gets the others.
    pub args: Vec<Operand>,
}

pub(super) enum Operand {
    Dot(Pos),
    Nil(Pos),
    Bool(Pos, bool),
    Number(Pos, Box<Number>),
    Str { pos: Pos, end: Pos, value: GoStr },
    Field(Pos, Box<[GoStr]>),
    Variable(Pos, Box<(Variable, Box<[GoStr]>)>),
    Function(Pos, Function),
    Chain(Pos, Box<(Operand, Vec<GoStr>)>),
    Pipe(Box<Pipe>),
}

/// What an identifier names.
#[derive(Clone, Copy)]
pub(super) enum Function {
    Def(&'static FuncDef),
    Builtin(&'static super::builtins::Builtin),
}

impl Function {
    pub fn name(self) -> &'static str {
        match self {
            Function::Def(def) => def.name,
            Function::Builtin(builtin) => builtin.name,
        }
    }
}

/// A numeric literal, and all that it can be.
pub(super) struct Number {
    pub text: GoStr,
    pub int: Option<i64>,
    pub uint: Option<u64>,
    pub float: Option<f64>,
    /// What it is where no type is asked for; none where it overflows an int.
    pub ideal: Option<Val>,
}

impl Tree {
    /// Whether it has nothing but space: such a definition replaces no other.
    pub fn is_empty(&self) -> bool {
        is_empty(&self.root, &self.source.text)
    }
}

fn is_empty(nodes: &[Node], source: &[u8]) -> bool {
    nodes.iter().all(|node| match node {
        Node::Text { start, end } => {
            let text = source.get(*start as usize..*end as usize);
            String::from_utf8_lossy(text.unwrap_or_default())
                .chars()
                .all(char::is_whitespace)
        }
        _ => false,
    })
}

impl Operand {
    pub fn pos(&self) -> Pos {
        match self {
            Operand::Dot(pos)
            | Operand::Nil(pos)
            | Operand::Bool(pos, _)
            | Operand::Number(pos, _)
            | Operand::Str { pos, .. }
            | Operand::Field(pos, _)
            | Operand::Variable(pos, _)
            | Operand::Function(pos, _)
            | Operand::Chain(pos, _) => *pos,
            Operand::Pipe(pipe) => pipe.pos,
        }
    }

    /// As Go's nodes print themselves, which error texts show.
    pub fn write(&self, source: &[u8], out: &mut String) {
        match self {
            Operand::Dot(_) => out.push('.'),
            Operand::Nil(_) => out.push_str("nil"),
            Operand::Bool(_, flag) => out.push_str(if *flag { "true" } else { "false" }),
            Operand::Number(_, number) => out.push_str(&number.text.to_text()),
            Operand::Str { pos, end, .. } => {
                let text = source.get(*pos as usize..*end as usize);
                out.push_str(&String::from_utf8_lossy(text.unwrap_or_default()));
            }
            Operand::Field(_, names) => write_fields(names, out),
            Operand::Variable(_, variable) => {
                out.push_str(&variable.0.name.to_text());
                write_fields(&variable.1, out);
            }
            Operand::Function(_, function) => out.push_str(function.name()),
            Operand::Chain(_, chain) => {
                chain.0.write_in_parens(source, out);
                write_fields(&chain.1, out);
            }
            Operand::Pipe(pipe) => pipe.write(source, out),
        }
    }

    fn write_in_parens(&self, source: &[u8], out: &mut String) {
        let parens = matches!(self, Operand::Pipe(_));
        if parens {
            out.push('(');
        }
        self.write(source, out);
        if parens {
            out.push(')');
        }
    }
}

fn write_fields(names: &[GoStr], out: &mut String) {
    for name in names {
        out.push('.');
        out.push_str(&name.to_text());
    }
}

impl Command {
    pub fn write(&self, source: &[u8], out: &mut String) {
        for (at, arg) in self.args.iter().enumerate() {
            if at > 0 {
                out.push(' ');
            }
            arg.write_in_parens(source, out);
        }
    }
}

impl Pipe {
    pub fn write(&self, source: &[u8], out: &mut String) {
        for (at, variable) in self.decl.iter().enumerate() {
            if at > 0 {
                out.push_str(", ");
            }
            out.push_str(&variable.name.to_text());
        }
        if !self.decl.is_empty() {
            out.push_str(if self.assign { " = " } else { " := " });
        }
        for (at, command) in self.commands.iter().enumerate() {
            if at > 0 {
                out.push_str(" | ");
            }
            command.write(source, out);
        }
    }
}

impl Invocation {
    pub fn write(&self, source: &[u8], out: &mut String) {
        out.push_str("{{template ");
        out.push_str(&quote(self.name.as_bytes()));
        if let Some(pipe) = &self.pipe {
            out.push(' ');
            pipe.write(source, out);
        }
        out.push_str("}}");
    }
}
