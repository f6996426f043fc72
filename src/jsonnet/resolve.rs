//! From a program as it is written to code: names become scopes and slots,
//! and what stands for nothing is an error before anything runs.

use super::ast::*;
use super::error::{At, Failure, Result};
use super::heap::Heap;
use super::value::*;

/// The scopes around a place, the innermost last.
struct Scope<'a> {
    names: Vec<&'a str>,
    is_object: bool,
}

struct Resolver<'a> {
    heap: &'a Heap,
    file: &'a str,
    scopes: Vec<Scope<'a>>,
}

/// The code of a file; its frame has one slot, the standard library.
pub(super) fn resolve<'a>(heap: &'a Heap, file: &'a str, tree: Tree<'a>) -> Result<&'a Code<'a>> {
    let mut resolver = Resolver {
        heap,
        file,
        scopes: vec![Scope {
            names: vec!["std"],
            is_object: false,
        }],
    };
    resolver.code(tree)
}

impl<'a> Resolver<'a> {
    fn put(&self, at: At, op: Op<'a>) -> Result<&'a Code<'a>> {
        self.heap.put(Code { at, op })
    }

    fn codes(&mut self, trees: &[Tree<'a>]) -> Result<&'a [&'a Code<'a>]> {
        let codes: Vec<&'a Code<'a>> = trees
            .iter()
            .map(|tree| self.code(tree))
            .collect::<Result<_>>()?;
        self.heap.list(&codes)
    }

    fn maybe(&mut self, tree: Option<Tree<'a>>) -> Result<Option<&'a Code<'a>>> {
        tree.map(|tree| self.code(tree)).transpose()
    }

    fn open(&mut self, names: Vec<&'a str>) {
        self.scopes.push(Scope {
            names,
            is_object: false,
        });
    }

    fn open_object(&mut self, binds: &[Bind<'a>]) {
        self.scopes.push(Scope {
            names: binds.iter().map(|bind| bind.name).collect(),
            is_object: true,
        });
    }

    fn close(&mut self) {
        self.scopes.pop();
    }

    /// How many scopes up the innermost object is.
    fn myself(&self) -> Option<u32> {
        let up = self.scopes.iter().rev().position(|scope| scope.is_object);
        up.map(|up| up as u32)
    }

    fn in_super(&self, at: At) -> Result<u32> {
        let fault = || Failure::at("Can't use super outside of an object.", at);
        self.myself().ok_or_else(fault)
    }

    fn code(&mut self, tree: Tree<'a>) -> Result<&'a Code<'a>> {
        let at = tree.at;
        let op = match tree.kind {
            NodeKind::Null => Op::Constant(Val::Null),
            NodeKind::Bool(flag) => Op::Constant(Val::Bool(flag)),
            NodeKind::Number(number) => Op::Constant(Val::Number(number)),
            NodeKind::Text(text) => self.text(text)?,
            NodeKind::Myself => match self.myself() {
                Some(up) => Op::Myself { up },
                None => return Err(Failure::at("Can't use self outside of an object.", at)),
            },
            NodeKind::Dollar => {
                let outermost = self.scopes.iter().position(|scope| scope.is_object);
                let Some(outermost) = outermost else {
                    return Err(Failure::at("No top-level object found.", at));
                };
                Op::Myself {
                    up: (self.scopes.len() - 1 - outermost) as u32,
                }
            }
            NodeKind::Variable(name) => self.variable(name, at)?,
            NodeKind::Import(import, path) => Op::Import(import, path),
            NodeKind::Array(items) => Op::Array(self.codes(items)?),
            NodeKind::ArrayFor { body, clauses } => {
                let n_scopes = self.scopes.len();
                let clauses = self.clauses(clauses)?;
                let body = self.code(body)?;
                self.scopes.truncate(n_scopes);
                Op::ArrayFor { body, clauses }
            }
            NodeKind::Object(members) => Op::Object(self.object(members)?),
            NodeKind::ObjectFor {
                binds,
                key,
                value,
                plus,
                clauses,
            } => {
                let n_scopes = self.scopes.len();
                let clauses = self.clauses(clauses)?;
                let name = self.code(key)?;
                self.open_object(binds);
                let binds = self.binds(binds)?;
                let body = self.code(value)?;
                self.scopes.truncate(n_scopes);
                let field = FieldCode {
                    name,
                    visibility: Visibility::Inherited,
                    plus,
                    body,
                };
                let object = self.heap.put(ObjectCode {
                    binds,
                    asserts: &[],
                    fields: self.heap.list(&[field])?,
                })?;
                Op::ObjectFor { object, clauses }
            }
            NodeKind::Index(target, index) => {
                if let (NodeKind::Variable("std"), NodeKind::Text("thisFile")) =
                    (target.kind, index.kind)
                    && self
                        .scopes
                        .iter()
                        .skip(1)
                        .all(|s| !s.names.contains(&"std"))
                {
                    let file = self.file;
                    self.text(file)?
                } else {
                    Op::Index(self.code(target)?, self.code(index)?)
                }
            }
            NodeKind::Slice(target, [from, to, step]) => Op::Slice(self.heap.put([
                Some(self.code(target)?),
                self.maybe(from)?,
                self.maybe(to)?,
                self.maybe(step)?,
            ])?),
            NodeKind::SuperIndex(index) => Op::SuperIndex {
                up: self.in_super(at)?,
                index: self.code(index)?,
            },
            NodeKind::InSuper(index) => Op::InSuper {
                up: self.in_super(at)?,
                index: self.code(index)?,
            },
            NodeKind::Call {
                target,
                arguments,
                tailstrict,
            } => {
                let target = self.code(target)?;
                let mut positional = Vec::new();
                let mut named = Vec::new();
                for argument in arguments {
                    let value = self.code(argument.value)?;
                    match argument.name {
                        Some(name) => named.push((name, value)),
                        None => positional.push(value),
                    }
                }
                Op::Call(self.heap.put(CallCode {
                    target,
                    arguments: self.heap.list(&positional)?,
                    named: self.heap.list(&named)?,
                    tailstrict,
                })?)
            }
            NodeKind::Local(binds, body) => {
                self.open(binds.iter().map(|bind| bind.name).collect());
                let binds = self.binds(binds)?;
                let body = self.code(body)?;
                self.close();
                Op::Local { binds, body }
            }
            NodeKind::If(condition, yes, no) => {
                Op::If(self.code(condition)?, self.code(yes)?, self.maybe(no)?)
            }
            NodeKind::Function(parameters, body) => {
                self.open(parameters.iter().map(|p| p.name).collect());
                let mut own = Vec::with_capacity(parameters.len());
                for parameter in parameters {
                    own.push((parameter.name, self.maybe(parameter.default)?));
                }
                let body = self.code(body)?;
                self.close();
                Op::Function(self.heap.put(FunctionCode {
                    parameters: self.heap.list(&own)?,
                    body,
                })?)
            }
            NodeKind::Assert(assertion, rest) => {
                let condition = self.code(assertion.condition)?;
                let message = self.maybe(assertion.message)?;
                Op::Assert(condition, message, self.code(rest)?)
            }
            NodeKind::Error(message) => Op::Error(self.code(message)?),
            NodeKind::Unary(operator, operand) => Op::Unary(operator, self.code(operand)?),
            NodeKind::Binary(operator, left, right) => {
                Op::Binary(operator, self.code(left)?, self.code(right)?)
            }
        };
        self.put(at, op)
    }

    fn text(&self, text: &'a str) -> Result<Op<'a>> {
        Ok(Op::Constant(Val::Text(self.heap.put(Text::flat(text))?)))
    }

    fn variable(&self, name: &str, at: At) -> Result<Op<'a>> {
        for (up, scope) in self.scopes.iter().rev().enumerate() {
            if let Some(slot) = scope.names.iter().position(|other| *other == name) {
                return Ok(Op::Slot {
                    up: up as u32,
                    slot: slot as u32,
                });
            }
        }
        Err(Failure::at(format!("Unknown variable: {name}"), at))
    }

    fn binds(&mut self, binds: &[Bind<'a>]) -> Result<&'a [&'a Code<'a>]> {
        let bodies: Vec<Tree<'a>> = binds.iter().map(|bind| bind.body).collect();
        self.codes(&bodies)
    }

    /// Leaves the scopes of its loops open.
    fn clauses(&mut self, clauses: &[Clause<'a>]) -> Result<&'a [ClauseCode<'a>]> {
        let mut codes = Vec::with_capacity(clauses.len());
        for clause in clauses {
            match clause {
                Clause::For(name, items) => {
                    codes.push(ClauseCode::For(self.code(items)?));
                    self.open(vec![*name]);
                }
                Clause::If(condition) => codes.push(ClauseCode::If(self.code(condition)?)),
            }
        }
        self.heap.list(&codes)
    }

    fn object(&mut self, members: &Members<'a>) -> Result<&'a ObjectCode<'a>> {
        // Names of fields do not see the object.
        let mut names = Vec::with_capacity(members.fields.len());
        for field in members.fields {
            names.push(self.code(field.name)?);
        }
        self.open_object(members.binds);
        let binds = self.binds(members.binds)?;
        let mut asserts = Vec::with_capacity(members.asserts.len());
        for assertion in members.asserts {
            let condition = self.code(assertion.condition)?;
            let message = match self.maybe(assertion.message)? {
                Some(message) => message,
                None => self.put(assertion.at, self.text("Object assertion failed.")?)?,
            };
            let rest = self.put(assertion.at, Op::Constant(Val::Null))?;
            asserts.push(self.put(assertion.at, Op::Assert(condition, Some(message), rest))?);
        }
        let mut fields = Vec::with_capacity(members.fields.len());
        for (field, name) in members.fields.iter().zip(names) {
            fields.push(FieldCode {
                name,
                visibility: field.visibility,
                plus: field.plus,
                body: self.code(field.value)?,
            });
        }
        self.close();
        self.heap.put(ObjectCode {
            binds,
            asserts: self.heap.list(&asserts)?,
            fields: self.heap.list(&fields)?,
        })
    }
}
