//! From code in a frame to a value.

use super::ast::{Binary, Import, Unary};
use super::error::{Failure, Result};
use super::machine::{Machine, bind_builtin};
use super::value::*;
use std::cell::Cell;

/// The scope so many levels up.
fn scope<'a>(frame: &'a Frame<'a>, up: u32) -> &'a Frame<'a> {
    (0..up).fold(frame, |frame, _| {
        frame
            .up
            .expect("names were resolved to scopes that are there")
    })
}

impl<'a> Machine<'a> {
    pub(super) fn eval(&self, code: &'a Code<'a>, frame: &'a Frame<'a>) -> Result<Val<'a>> {
        self.has_stack().map_err(|failure| failure.or_at(code.at))?;
        let (mut code, mut frame) = (code, frame);
        // What stands last in an expression is gone on with, not into.
        loop {
            self.step(1).map_err(|failure| failure.or_at(code.at))?;
            match code.op {
                Op::Local { binds, body } => {
                    let inner: &'a Frame<'a> = self.heap.put(Frame {
                        up: Some(frame),
                        slots: self.heap.fill(binds.len(), |_| Cell::new(self.null))?,
                        this: None,
                    })?;
                    for (slot, code) in inner.slots.iter().zip(binds) {
                        slot.set(self.delayed(code, inner)?);
                    }
                    (code, frame) = (body, inner);
                }
                Op::If(condition, yes, no) => {
                    let condition = self.eval(condition, frame)?;
                    code = match (self.flag(condition).map_err(|f| f.or_at(code.at))?, no) {
                        (true, _) => yes,
                        (false, Some(no)) => no,
                        (false, None) => return Ok(Val::Null),
                    };
                }
                Op::Assert(condition, message, rest) => {
                    let condition = self.eval(condition, frame)?;
                    if !self.flag(condition).map_err(|f| f.or_at(code.at))? {
                        let message = match message {
                            Some(message) => {
                                let message = self.eval(message, frame)?;
                                self.to_text(message)?.to_owned()
                            }
                            None => "Assertion failed".to_owned(),
                        };
                        return Err(Failure::at(message, code.at));
                    }
                    code = rest;
                }
                Op::Call(call) if call.tailstrict => {
                    let at = code.at;
                    let (function, arguments, named) =
                        self.prepare(call, frame).map_err(|f| f.or_at(at))?;
                    for thunk in arguments.iter().chain(named.iter().map(|(_, thunk)| thunk)) {
                        self.force(thunk)?;
                    }
                    match function {
                        Function::Code(function, up) => {
                            frame = self
                                .bind(function, up, &arguments, &named)
                                .map_err(|f| f.or_at(at))?;
                            for slot in frame.slots {
                                self.force(slot.get())?;
                            }
                            code = function.body;
                        }
                        Function::Builtin(builtin) => {
                            return bind_builtin(builtin, &arguments, &named)
                                .and_then(|bound| self.deeper(|| (builtin.run)(self, &bound)))
                                .map_err(|f| f.called_from(at));
                        }
                    }
                }
                Op::Call(call) => {
                    return self
                        .eval_call(call, frame)
                        .map_err(|f| f.called_from(code.at));
                }
                _ => {
                    return self
                        .eval_simple(code, frame)
                        .map_err(|failure| failure.or_at(code.at));
                }
            }
        }
    }

    /// A thunk, or the value at once where that costs nothing.
    fn delayed(&self, code: &'a Code<'a>, frame: &'a Frame<'a>) -> Result<Thunk<'a>> {
        match code.op {
            Op::Constant(value) => self.ready(value),
            _ => self.thunk(State::Code(code, frame)),
        }
    }

    /// An argument or item: names that stand for something already are that.
    fn argument(&self, code: &'a Code<'a>, frame: &'a Frame<'a>) -> Result<Thunk<'a>> {
        match code.op {
            Op::Slot { up, slot } => Ok(scope(frame, up).slots[slot as usize].get()),
            _ => self.delayed(code, frame),
        }
    }

    #[allow(clippy::type_complexity)] // a call's three parts
    fn prepare(
        &self,
        call: &CallCode<'a>,
        frame: &'a Frame<'a>,
    ) -> Result<(Function<'a>, Vec<Thunk<'a>>, Vec<(&'a str, Thunk<'a>)>)> {
        let target = self.eval(call.target, frame)?;
        let function = self.function(target)?;
        let mut arguments = Vec::with_capacity(call.arguments.len());
        for code in call.arguments {
            arguments.push(self.argument(code, frame)?);
        }
        let mut named = Vec::with_capacity(call.named.len());
        for (name, code) in call.named {
            named.push((*name, self.argument(code, frame)?));
        }
        Ok((function, arguments, named))
    }

    #[inline(never)]
    fn eval_call(&self, call: &CallCode<'a>, frame: &'a Frame<'a>) -> Result<Val<'a>> {
        let (function, arguments, named) = self.prepare(call, frame)?;
        match function {
            Function::Code(function, up) => {
                let frame = self.bind(function, up, &arguments, &named)?;
                drop((arguments, named));
                self.deeper(|| self.eval(function.body, frame))
            }
            Function::Builtin(builtin) => {
                let bound = bind_builtin(builtin, &arguments, &named)?;
                self.deeper(|| (builtin.run)(self, &bound))
            }
        }
    }

    #[inline(never)]
    fn eval_simple(&self, code: &'a Code<'a>, frame: &'a Frame<'a>) -> Result<Val<'a>> {
        match code.op {
            Op::Constant(value) => Ok(value),
            Op::Slot { up, slot } => self.force(scope(frame, up).slots[slot as usize].get()),
            Op::Myself { up } => {
                let (object, _) = self.this(frame, up);
                Ok(Val::Object(object))
            }
            Op::Import(Import::Code, path) => self.deeper(|| self.import_code(code.at, path)),
            Op::Import(Import::Text, path) => {
                let (_, bytes) = self.imported(code.at, path)?;
                self.text(&String::from_utf8_lossy(&bytes))
            }
            Op::Import(Import::Bytes, path) => {
                let (_, bytes) = self.imported(code.at, path)?;
                self.bytes(&bytes)
            }
            Op::Array(items) => {
                let mut thunks = Vec::with_capacity(items.len());
                for item in items {
                    thunks.push(self.argument(item, frame)?);
                }
                Ok(Val::Array(self.heap.list(&thunks)?))
            }
            Op::ArrayFor { body, clauses } => {
                let mut thunks = Vec::new();
                self.comprehend(clauses, frame, &mut |frame| {
                    self.heap.has_room(thunks.len() * size_of::<usize>())?;
                    thunks.push(self.delayed(body, frame)?);
                    Ok(())
                })?;
                Ok(Val::Array(self.heap.list(&thunks)?))
            }
            Op::Object(object) => self.make_object(object, frame),
            Op::ObjectFor { object, clauses } => self.make_object_for(object, clauses, frame),
            Op::Index(target, index) => {
                let target = self.eval(target, frame)?;
                let index = self.eval(index, frame)?;
                self.index(target, index)
            }
            Op::Slice(parts) => {
                let mut values = [Val::Null; 4];
                for (value, part) in values.iter_mut().zip(parts) {
                    if let Some(part) = part {
                        *value = self.eval(part, frame)?;
                    }
                }
                self.slice(values)
            }
            Op::SuperIndex { up, index } => {
                let index = self.eval(index, frame)?;
                let (object, layer) = self.this(frame, up);
                let name = self.string(index)?;
                self.field_below(object, name, layer)
            }
            Op::InSuper { up, index } => {
                let index = self.eval(index, frame)?;
                let (object, layer) = self.this(frame, up);
                let name = self.string(index)?;
                Ok(Val::Bool(self.has_below(object, name, layer)?))
            }
            Op::Function(function) => Ok(Val::Function(Function::Code(function, frame))),
            Op::Error(message) => {
                let message = self.eval(message, frame)?;
                Err(Failure::new(self.to_text(message)?))
            }
            Op::Unary(operator, operand) => {
                let operand = self.eval(operand, frame)?;
                self.unary(operator, operand)
            }
            Op::Binary(Binary::And, left, right) => {
                let left = self.eval(left, frame)?;
                if !self.flag(left)? {
                    return Ok(Val::Bool(false));
                }
                let right = self.eval(right, frame)?;
                self.flag(right).map(Val::Bool)
            }
            Op::Binary(Binary::Or, left, right) => {
                let left = self.eval(left, frame)?;
                if self.flag(left)? {
                    return Ok(Val::Bool(true));
                }
                let right = self.eval(right, frame)?;
                self.flag(right).map(Val::Bool)
            }
            Op::Binary(operator, left, right) => {
                let left = self.eval(left, frame)?;
                let right = self.eval(right, frame)?;
                self.binary(operator, left, right)
            }
            Op::Local { .. } | Op::If(..) | Op::Assert(..) | Op::Call(_) => self.eval(code, frame),
        }
    }

    fn this(&self, frame: &'a Frame<'a>, up: u32) -> (&'a Object<'a>, usize) {
        scope(frame, up)
            .this
            .expect("self was resolved to the scope of an object")
    }

    /// Runs the body once for each round of the loops.
    fn comprehend(
        &self,
        clauses: &[ClauseCode<'a>],
        frame: &'a Frame<'a>,
        body: &mut dyn FnMut(&'a Frame<'a>) -> Result<()>,
    ) -> Result<()> {
        match clauses {
            [] => body(frame),
            [ClauseCode::If(condition), rest @ ..] => {
                let condition_value = self.eval(condition, frame)?;
                if self.flag(condition_value)? {
                    self.comprehend(rest, frame, body)?;
                }
                Ok(())
            }
            [ClauseCode::For(items), rest @ ..] => {
                let items = self.eval(items, frame)?;
                for thunk in self.array(items)? {
                    self.step(1)?;
                    let inner = self.heap.put(Frame {
                        up: Some(frame),
                        slots: self.heap.fill(1, |_| Cell::new(*thunk))?,
                        this: None,
                    })?;
                    self.comprehend(rest, inner, body)?;
                }
                Ok(())
            }
        }
    }

    fn make_object(&self, code: &ObjectCode<'a>, frame: &'a Frame<'a>) -> Result<Val<'a>> {
        let mut fields = Vec::with_capacity(code.fields.len());
        for field in code.fields {
            let body = match field.body.op {
                Op::Constant(value) => Body::Ready(self.ready(value)?),
                _ => Body::Code(field.body),
            };
            if let Some(name) = self.field_name(field, frame)? {
                fields.push(FieldValue {
                    name,
                    visibility: field.visibility,
                    plus: field.plus,
                    body,
                });
            }
        }
        sort_fields(&mut fields)?;
        let layer = self.heap.put(Layer {
            fields: self.heap.list(&fields)?,
            binds: code.binds,
            asserts: code.asserts,
            up: Some(frame),
            removes: None,
        })?;
        Ok(Val::Object(self.object(Parts::One(layer))?))
    }

    /// `None` for null: a field that is not there.
    fn field_name(&self, field: &FieldCode<'a>, frame: &'a Frame<'a>) -> Result<Option<&'a str>> {
        match self.eval(field.name, frame)? {
            Val::Text(name) => self.read(name).map(Some),
            Val::Null => Ok(None),
            other => Err(Failure::new(format!(
                "Field name must be string, got {}",
                other.type_name()
            ))),
        }
    }

    fn make_object_for(
        &self,
        code: &ObjectCode<'a>,
        clauses: &[ClauseCode<'a>],
        frame: &'a Frame<'a>,
    ) -> Result<Val<'a>> {
        let [field] = code.fields else {
            return Err(Failure::new("an object comprehension has one field"));
        };
        let mut fields = Vec::new();
        self.comprehend(clauses, frame, &mut |frame| {
            self.heap
                .has_room(fields.len() * size_of::<FieldValue<'_>>())?;
            if let Some(name) = self.field_name(field, frame)? {
                fields.push(FieldValue {
                    name,
                    visibility: field.visibility,
                    plus: field.plus,
                    body: Body::Within(field.body, frame),
                });
            }
            Ok(())
        })?;
        sort_fields(&mut fields)?;
        let layer = self.heap.put(Layer {
            fields: self.heap.list(&fields)?,
            binds: code.binds,
            asserts: &[],
            up: None,
            removes: None,
        })?;
        Ok(Val::Object(self.object(Parts::One(layer))?))
    }

    fn unary(&self, operator: Unary, operand: Val<'a>) -> Result<Val<'a>> {
        Ok(match operator {
            Unary::Not => Val::Bool(!self.flag(operand)?),
            Unary::Plus => Val::Number(self.number(operand)?),
            Unary::Minus => Val::Number(-self.number(operand)?),
            Unary::Complement => Val::Number(!self.safe_integer(operand)? as f64),
        })
    }
}

fn sort_fields(fields: &mut [FieldValue<'_>]) -> Result<()> {
    fields.sort_by_key(|field| field.name);
    match fields.windows(2).find(|pair| pair[0].name == pair[1].name) {
        Some(pair) => Err(Failure::new(format!(
            "Duplicate field name: \"{}\"",
            pair[0].name
        ))),
        None => Ok(()),
    }
}
