//! The evaluator, after Go's text/template: actions and control structures here,
//! expressions in `eval`. Which node an error names, what is a nil interface and
//! what is nothing at all: all as there.

use super::ast::{Branch, Command, Invocation, Node, Operand, Pipe, Pos, Tree, VarId};
use super::builtins;
use super::strconv::quote;
use super::{Context, Error, Type, Val, gofmt};

/// What Go calls its depth of templates within templates; our stack ends before.
const GO_MAX_EXEC_DEPTH: usize = 100_000;

/// A `reflect.Value` as the evaluator meets it: the value, and whether it was
/// found where its static type is `interface {}` (an entry of a map, an element
/// of a list). The latter tells a nil interface, whose fields are an error, from
/// no value at all, whose fields are nothing; error texts show it too.
#[derive(Clone, Default)]
pub(super) struct Rv {
    pub val: Val,
    pub iface: bool,
}

impl Rv {
    pub fn bare(val: Val) -> Self {
        Rv { val, iface: false }
    }

    pub fn of(val: Val, static_type: Type) -> Self {
        Rv {
            val,
            iface: static_type == Type::Any,
        }
    }

    /// Go's zero `reflect.Value`.
    pub fn is_invalid(&self) -> bool {
        self.val.is_nil() && !self.iface
    }

    pub fn type_name(&self) -> std::borrow::Cow<'static, str> {
        if self.iface {
            Type::Any.name().into()
        } else {
            self.val.type_name()
        }
    }
}

/// How a node ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    Next,
    Break,
    Continue,
}

/// The node that errors name.
#[derive(Clone, Copy)]
pub(super) enum At<'t> {
    Nothing,
    Action(&'t Pipe),
    Invocation(&'t Invocation),
    Pipe(&'t Pipe),
    Command(&'t Command),
    Operand(&'t Operand),
}

/// One template in execution.
pub(super) struct Exec<'c, 'h, 't> {
    pub context: &'c mut Context<'h>,
    pub tree: &'t Tree,
    pub at: At<'t>,
    pub vars: Vec<(VarId, Rv)>,
    out: &'c mut Vec<u8>,
}

/// Executes a template with a value for its dot and `$`.
pub(super) fn execute(
    context: &mut Context<'_>,
    tree: &Tree,
    data: Val,
    out: &mut Vec<u8>,
) -> Result<(), Error> {
    let data = Rv::bare(data);
    let mut exec = Exec {
        context,
        tree,
        at: At::Nothing,
        vars: vec![(0, data.clone())],
        out,
    };
    exec.walk(&data, &tree.root)?;
    Ok(())
}

impl<'t> Exec<'_, '_, 't> {
    /// `template: file:12:5: executing "name" at <node>: `
    fn prefix(&self) -> String {
        let source = &self.tree.source;
        let mut node = String::new();
        let pos = match self.at {
            At::Nothing => return format!("template: {}: ", self.tree.name),
            At::Action(pipe) => {
                node.push_str("{{");
                pipe.write(&source.text, &mut node);
                node.push_str("}}");
                pipe.pos
            }
            At::Invocation(invocation) => {
                invocation.write(&source.text, &mut node);
                invocation.pos
            }
            At::Pipe(pipe) => {
                pipe.write(&source.text, &mut node);
                pipe.pos
            }
            At::Command(command) => {
                command.write(&source.text, &mut node);
                command.pos
            }
            At::Operand(operand) => {
                operand.write(&source.text, &mut node);
                operand.pos()
            }
        };
        let (line, column) = place(&source.text, pos);
        format!(
            "template: {}:{line}:{column}: executing {} at <{node}>: ",
            source.name,
            quote(self.tree.name.as_bytes()),
        )
    }

    #[cold]
    pub(super) fn error(&self, message: impl AsRef<str>) -> Error {
        Error::new(self.prefix() + message.as_ref()).into_exec()
    }

    #[cold]
    pub(super) fn wrap(&self, message: &str, cause: Error) -> Error {
        cause.wrap(self.prefix() + message).into_exec()
    }

    /// Every node and call takes a step.
    pub(super) fn step(&mut self) -> Result<(), Error> {
        match self.context.take_steps(1) {
            Ok(()) => Ok(()),
            Err(error) => Err(self.error(error.to_string())),
        }
    }

    pub(super) fn check_stack(&self) -> Result<(), Error> {
        if self.context.stack().is_exhausted() {
            return Err(self.too_deep());
        }
        Ok(())
    }

    fn too_deep(&self) -> Error {
        self.error(format!(
            "exceeded maximum template depth ({GO_MAX_EXEC_DEPTH})"
        ))
    }

    fn count_bytes(&mut self, before: usize) -> Result<(), Error> {
        let n_bytes = self.out.len() - before;
        match self.context.take_bytes(n_bytes as u64) {
            Ok(()) => Ok(()),
            Err(error) => Err(self.error(error.to_string())),
        }
    }

    fn walk(&mut self, dot: &Rv, nodes: &'t [Node]) -> Result<Flow, Error> {
        for node in nodes {
            self.step()?;
            let flow = match node {
                Node::Text { start, end } => {
                    let text = &self.tree.source.text[*start as usize..*end as usize];
                    let before = self.out.len();
                    self.out.extend_from_slice(text);
                    self.count_bytes(before)?;
                    Flow::Next
                }
                Node::Action(pipe) => {
                    let value = self.eval_pipeline(dot, pipe)?;
                    if pipe.decl.is_empty() {
                        self.at = At::Action(pipe);
                        self.print(&value)?;
                    }
                    Flow::Next
                }
                Node::Break => Flow::Break,
                Node::Continue => Flow::Continue,
                Node::If(branch) => self.walk_if(dot, branch)?,
                Node::With(branch) => self.walk_with(dot, branch)?,
                Node::Range(branch) => self.walk_range(dot, branch)?,
                Node::Template(invocation) => {
                    self.walk_template(dot, invocation)?;
                    Flow::Next
                }
            };
            if flow != Flow::Next {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    fn print(&mut self, value: &Rv) -> Result<(), Error> {
        let before = self.out.len();
        match &value.val {
            Val::Nil => self.out.extend_from_slice(builtins::NO_VALUE),
            Val::Str(text) => self.out.extend_from_slice(text.as_bytes()),
            other => {
                if let Err(error) = gofmt::print_value_to(self.out, other) {
                    return Err(self.error(error.to_string()));
                }
            }
        }
        self.count_bytes(before)
    }

    fn walk_if(&mut self, dot: &Rv, branch: &'t Branch) -> Result<Flow, Error> {
        let mark = self.vars.len();
        let value = self.eval_pipeline(dot, &branch.pipe)?;
        let flow = if value.val.is_true() {
            self.walk(dot, &branch.list)?
        } else if let Some(list) = &branch.else_list {
            self.walk(dot, list)?
        } else {
            Flow::Next
        };
        self.vars.truncate(mark);
        Ok(flow)
    }

    fn walk_with(&mut self, dot: &Rv, branch: &'t Branch) -> Result<Flow, Error> {
        let mark = self.vars.len();
        let value = self.eval_pipeline(dot, &branch.pipe)?;
        let flow = if value.val.is_true() {
            self.walk(&value, &branch.list)?
        } else if let Some(list) = &branch.else_list {
            self.walk(dot, list)?
        } else {
            Flow::Next
        };
        self.vars.truncate(mark);
        Ok(flow)
    }

    fn walk_range(&mut self, dot: &Rv, branch: &'t Branch) -> Result<Flow, Error> {
        let mark = self.vars.len();
        let value = self.eval_pipeline(dot, &branch.pipe)?;
        let (ran, flow) = self.range_over(&value, branch)?;
        let mut flow = flow;
        if let (false, Some(list)) = (ran, &branch.else_list) {
            flow = self.walk(dot, list)?;
        }
        self.vars.truncate(mark);
        // A break in the else list too leaves this range only.
        Ok(match flow {
            Flow::Next | Flow::Break => Flow::Next,
            Flow::Continue => Flow::Continue,
        })
    }

    /// Walks the list for every element; whether there was any.
    fn range_over(&mut self, value: &Rv, branch: &'t Branch) -> Result<(bool, Flow), Error> {
        let mut ran = false;
        match &value.val {
            Val::Nil => {}
            Val::Int(n) => ran = self.count(value, branch, (0..*n).map(Val::Int))?,
            Val::Int64(n) => ran = self.count(value, branch, (0..*n).map(Val::Int64))?,
            Val::Uint8(n) => ran = self.count(value, branch, (0..*n).map(Val::Uint8))?,
            Val::Uint64(n) => ran = self.count(value, branch, (0..*n).map(Val::Uint64))?,
            Val::List(list) => {
                for at in 0..list.len() {
                    // Looked up each time: the body may sort the list.
                    let Some(element) = list.get(at) else { break };
                    ran = true;
                    let element = Rv::of(element, list.elem());
                    let index = Rv::bare(Val::Int(at as i64));
                    if self.iterate(branch, index, element)? == Flow::Break {
                        break;
                    }
                }
            }
            Val::Bytes(bytes) => {
                for (at, byte) in bytes.iter().enumerate() {
                    ran = true;
                    let index = Rv::bare(Val::Int(at as i64));
                    let element = Rv::bare(Val::Uint8(*byte));
                    if self.iterate(branch, index, element)? == Flow::Break {
                        break;
                    }
                }
            }
            Val::Map(map) => {
                // A copy: the body may change the map.
                let entries = map.entries().clone();
                for (key, element) in entries {
                    ran = true;
                    let element = Rv::of(element, map.elem());
                    let key = Rv::bare(Val::Str(key));
                    if self.iterate(branch, key, element)? == Flow::Break {
                        break;
                    }
                }
            }
            Val::Bool(_) | Val::Float(_) | Val::Str(_) | Val::Object(_) => {
                return Err(self.cannot_range(value));
            }
        }
        Ok((ran, Flow::Next))
    }

    fn cannot_range(&self, value: &Rv) -> Error {
        match gofmt::sprintf(
            b"range can't iterate over %v",
            std::slice::from_ref(&value.val),
        ) {
            Ok(text) => self.error(text.to_text()),
            Err(error) => self.error(error.to_string()),
        }
    }

    /// A range over a number: over all below it. Whether there was any.
    fn count(
        &mut self,
        number: &Rv,
        branch: &'t Branch,
        below: impl Iterator<Item = Val>,
    ) -> Result<bool, Error> {
        if branch.pipe.decl.len() > 1 {
            let number = number.val.as_int().unwrap_or_default();
            return Err(self.error(format!(
                "can't use {number} to iterate over more than one variable"
            )));
        }
        let mut ran = false;
        for element in below {
            ran = true;
            if self.iterate(branch, Rv::default(), Rv::bare(element))? == Flow::Break {
                break;
            }
        }
        Ok(ran)
    }

    /// One round of a range. Ends with `Next` or `Break`.
    fn iterate(&mut self, branch: &'t Branch, index: Rv, element: Rv) -> Result<Flow, Error> {
        let mark = self.vars.len();
        match &branch.pipe.decl[..] {
            [] => {}
            [only] if branch.pipe.assign => self.set_var(only, element.clone())?,
            [first, second, ..] if branch.pipe.assign => {
                self.set_var(first, index)?;
                self.set_var(second, element.clone())?;
            }
            [_] => self.vars[mark - 1].1 = element.clone(),
            [_, _, ..] => {
                self.vars[mark - 1].1 = element.clone();
                self.vars[mark - 2].1 = index;
            }
        }
        self.step()?;
        let flow = self.walk(&element, &branch.list)?;
        self.vars.truncate(mark);
        Ok(match flow {
            Flow::Next | Flow::Continue => Flow::Next,
            Flow::Break => Flow::Break,
        })
    }

    fn walk_template(&mut self, dot: &Rv, invocation: &'t Invocation) -> Result<(), Error> {
        self.at = At::Invocation(invocation);
        let Some(tree) = self.context.template(&invocation.name) else {
            let name = quote(invocation.name.as_bytes());
            return Err(self.error(format!("template {name} not defined")));
        };
        // Here and not in the pipeline, whatever the compiler made of the frames:
        // the place is in the error.
        if self.context.stack().is_short() {
            return Err(self.too_deep());
        }
        let data = match &invocation.pipe {
            Some(pipe) => self.eval_pipeline(dot, pipe)?,
            None => Rv::default(),
        };
        let mut exec = Exec {
            context: &mut *self.context,
            tree: &tree,
            at: At::Nothing,
            vars: vec![(0, data.clone())],
            out: &mut *self.out,
        };
        exec.walk(&data, &tree.root)?;
        Ok(())
    }
}

/// Line from 1, column in bytes from 0, as Go counts.
fn place(text: &[u8], pos: Pos) -> (usize, usize) {
    let before = &text[..(pos as usize).min(text.len())];
    let line = 1 + before.iter().filter(|c| **c == b'\n').count();
    let line_start = before
        .iter()
        .rposition(|c| *c == b'\n')
        .map_or(0, |at| at + 1);
    (line, before.len() - line_start)
}
