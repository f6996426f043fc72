//! Terms to streams of values, each with the place that it has in the input.

use super::functions::{self, compare, kind, text};
use crate::value::{Map, Value};
use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Pattern, Term};
use jaq_core::ops::{Cmp, Math};
use jaq_core::path::{Opt, Part};
use std::borrow::Cow;
use std::cmp::Ordering;
use std::rc::Rc;

/// What an evaluation may do: some ten milliseconds of a Pi, and a few
/// megabytes.
pub(super) const MAX_STEPS: usize = 400_000;
/// Terms inside of each other, `recurse` counted too.
const MAX_DEPTH: usize = 200;

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    Index(usize),
    Key(String),
}

/// Where a value stands in the input.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// It was made, or stands in something that was.
    Nowhere,
    Root,
    Below(Rc<(Place, Step)>),
    /// A part of a list, which begins at this index.
    Slice(Rc<Place>, usize, usize),
}

impl Place {
    fn step(&self, step: impl FnOnce() -> Step) -> Place {
        match self {
            Place::Nowhere => Place::Nowhere,
            Place::Slice(list, from, _) => match step() {
                Step::Index(index) => {
                    Place::Below(Rc::new((Place::clone(list), Step::Index(from + index))))
                }
                Step::Key(_) => Place::Nowhere,
            },
            Place::Root | Place::Below(_) => Place::Below(Rc::new((self.clone(), step()))),
        }
    }

    /// The one path of a place that is neither nowhere nor part of a list.
    pub fn single(&self) -> Option<Vec<Step>> {
        self.paths()?.pop()
    }

    /// The paths that a place stands for; `None` for nowhere.
    fn paths(&self) -> Option<Vec<Vec<Step>>> {
        match self {
            Place::Nowhere => None,
            Place::Root => Some(vec![Vec::new()]),
            Place::Below(node) => {
                let mut paths = node.0.paths()?;
                paths.iter_mut().for_each(|path| path.push(node.1.clone()));
                Some(paths)
            }
            Place::Slice(list, from, to) => {
                let path = list.paths()?.pop()?;
                let item = |index| {
                    let mut path = path.clone();
                    path.push(Step::Index(index));
                    path
                };
                Some((*from..*to).map(item).collect())
            }
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Output<'v> {
    pub place: Place,
    pub value: Cow<'v, Value>,
}

impl Output<'_> {
    fn made(value: Value) -> Self {
        Output {
            place: Place::Nowhere,
            value: Cow::Owned(value),
        }
    }
}

pub(super) enum Fault {
    /// What `try` catches.
    Error(Value),
    OutOfFuel,
}

pub(super) fn error<T>(message: impl Into<String>) -> Result<T, Fault> {
    Err(Fault::Error(Value::Str(message.into())))
}

type Outputs<'v> = Result<Vec<Output<'v>>, Fault>;

#[derive(Default)]
pub(super) struct Evaluation<'v> {
    spent: usize,
    depth: usize,
    /// The variables in scope, innermost last.
    variables: Vec<(String, Value)>,
    _input: std::marker::PhantomData<&'v ()>,
}

impl<'v> Evaluation<'v> {
    /// The paths that a term points at; an error where it points at none.
    pub fn paths(&mut self, term: &Term<&str>, input: &'v Value) -> Result<Vec<Vec<Step>>, Fault> {
        let root = Output {
            place: Place::Root,
            value: Cow::Borrowed(input),
        };
        let mut paths = Vec::new();
        for output in self.run(term, root)? {
            match output.place.paths() {
                Some(found) => paths.extend(found),
                None => {
                    return error("is not a path: it makes values instead of pointing at fields");
                }
            }
            self.charge(1)?;
        }
        Ok(paths)
    }

    pub fn charge(&mut self, steps: usize) -> Result<(), Fault> {
        self.spent = self.spent.saturating_add(steps);
        match self.spent > MAX_STEPS {
            true => Err(Fault::OutOfFuel),
            false => Ok(()),
        }
    }

    pub fn run(&mut self, term: &Term<&str>, input: Output<'v>) -> Outputs<'v> {
        self.charge(1)?;
        if self.depth >= MAX_DEPTH {
            return Err(Fault::OutOfFuel);
        }
        self.depth += 1;
        let outputs = self.term(term, input);
        self.depth -= 1;
        outputs
    }

    /// The values of a term, without their places.
    pub fn values(&mut self, term: &Term<&str>, input: &Output<'v>) -> Result<Vec<Value>, Fault> {
        let outputs = self.run(term, input.clone())?;
        let mut values = Vec::with_capacity(outputs.len());
        for output in outputs {
            self.charge(size(&output.value))?;
            values.push(output.value.into_owned());
        }
        Ok(values)
    }

    fn term(&mut self, term: &Term<&str>, input: Output<'v>) -> Outputs<'v> {
        let made = |value: Value| Ok(vec![Output::made(value)]);
        match term {
            Term::Id => Ok(vec![input]),
            Term::Recurse => {
                let mut found = Vec::new();
                self.recurse(input, &mut found)?;
                Ok(found)
            }
            Term::Num(digits) => made(number(digits)),
            Term::Str(_, parts) => self.string(parts, &input),
            Term::Arr(None) => made(Value::Seq(Vec::new())),
            Term::Arr(Some(below)) => {
                let items = self.values(below, &input)?;
                made(Value::Seq(items))
            }
            Term::Obj(entries) => self.object(entries, &input),
            Term::Neg(below) => {
                let mut outputs = Vec::new();
                for value in self.values(below, &input)? {
                    let negated = functions::math(&Value::Int(0), Math::Sub, &value)?;
                    outputs.push(Output::made(negated));
                }
                Ok(outputs)
            }
            Term::BinOp(left, operation, right) => self.operation(left, operation, right, input),
            Term::Fold(_, source, pattern, arguments) => {
                self.reduce(source, pattern, arguments, input)
            }
            Term::TryCatch(body, handler) => match self.run(body, input) {
                Err(Fault::Error(message)) => match handler {
                    Some(handler) => self.run(handler, Output::made(message)),
                    None => Ok(Vec::new()),
                },
                other => other,
            },
            Term::IfThenElse(branches, otherwise) => {
                self.branches(branches, otherwise.as_deref(), input)
            }
            Term::Var(name) => {
                let found = self.variables.iter().rev().find(|(known, _)| known == name);
                match found.cloned() {
                    Some((_, value)) => {
                        self.charge(size(&value))?;
                        made(value)
                    }
                    None => error(format!("{name} is not defined")),
                }
            }
            Term::Call(name, arguments) => functions::call(self, name, arguments, input),
            Term::Path(head, path) => {
                let mut outputs = self.run(head, input.clone())?;
                for (part, option) in &path.0 {
                    let mut next = Vec::new();
                    for output in outputs {
                        match self.part(part, &input, output, &mut next) {
                            Err(Fault::Error(_)) if matches!(option, Opt::Optional) => {}
                            other => other?,
                        }
                    }
                    outputs = next;
                }
                Ok(outputs)
            }
            Term::Label(..) | Term::Break(_) | Term::Def(..) => error("is not supported"),
        }
    }

    fn operation(
        &mut self,
        left: &Term<&str>,
        operation: &BinaryOp<&str>,
        right: &Term<&str>,
        input: Output<'v>,
    ) -> Outputs<'v> {
        let mut outputs = Vec::new();
        match operation {
            BinaryOp::Pipe(None) => {
                for output in self.run(left, input)? {
                    outputs.extend(self.run(right, output)?);
                }
            }
            BinaryOp::Pipe(Some(Pattern::Var(name))) => {
                for value in self.values(left, &input)? {
                    self.variables.push(((*name).to_owned(), value));
                    let result = self.run(right, input.clone());
                    self.variables.pop();
                    outputs.extend(result?);
                }
            }
            BinaryOp::Comma => {
                outputs = self.run(left, input.clone())?;
                outputs.extend(self.run(right, input)?);
            }
            BinaryOp::Alt => {
                match self.run(left, input.clone()) {
                    Ok(found) => outputs = found,
                    Err(Fault::Error(_)) => {}
                    Err(fault) => return Err(fault),
                }
                outputs.retain(|output| is_true(&output.value));
                if outputs.is_empty() {
                    outputs = self.run(right, input)?;
                }
            }
            BinaryOp::Or | BinaryOp::And => {
                let decides = matches!(operation, BinaryOp::Or);
                for value in self.values(left, &input)? {
                    if is_true(&value) == decides {
                        outputs.push(Output::made(Value::Bool(decides)));
                        continue;
                    }
                    for value in self.values(right, &input)? {
                        outputs.push(Output::made(Value::Bool(is_true(&value))));
                    }
                }
            }
            BinaryOp::Math(operator) => {
                for right in self.values(right, &input)? {
                    for left in self.values(left, &input)? {
                        let result = functions::math(&left, *operator, &right)?;
                        self.charge(size(&result))?;
                        outputs.push(Output::made(result));
                    }
                }
            }
            BinaryOp::Cmp(operator) => {
                for right in self.values(right, &input)? {
                    for left in self.values(left, &input)? {
                        let order = compare(&left, &right);
                        let holds = match operator {
                            Cmp::Lt => order == Ordering::Less,
                            Cmp::Le => order != Ordering::Greater,
                            Cmp::Gt => order == Ordering::Greater,
                            Cmp::Ge => order != Ordering::Less,
                            Cmp::Eq => order == Ordering::Equal,
                            Cmp::Ne => order != Ordering::Equal,
                        };
                        outputs.push(Output::made(Value::Bool(holds)));
                    }
                }
            }
            BinaryOp::Pipe(Some(Pattern::Arr(_) | Pattern::Obj(_)))
            | BinaryOp::Assign
            | BinaryOp::Update
            | BinaryOp::UpdateMath(_)
            | BinaryOp::UpdateAlt => return error("is not supported"),
        }
        Ok(outputs)
    }

    fn reduce(
        &mut self,
        source: &Term<&str>,
        pattern: &Pattern<&str>,
        arguments: &[Term<&str>],
        input: Output<'v>,
    ) -> Outputs<'v> {
        let (Pattern::Var(name), [start, update]) = (pattern, arguments) else {
            return error("is not supported");
        };
        let items = self.values(source, &input)?;
        let mut state = match self.run(start, input)?.pop() {
            Some(state) => state,
            None => return Ok(Vec::new()),
        };
        for item in items {
            self.variables.push(((*name).to_owned(), item));
            let result = self.run(update, state);
            self.variables.pop();
            state = match result?.pop() {
                Some(state) => state,
                None => Output::made(Value::Null),
            };
        }
        Ok(vec![state])
    }

    fn branches(
        &mut self,
        branches: &[(Term<&str>, Term<&str>)],
        otherwise: Option<&Term<&str>>,
        input: Output<'v>,
    ) -> Outputs<'v> {
        let Some(((condition, body), rest)) = branches.split_first() else {
            return match otherwise {
                Some(otherwise) => self.run(otherwise, input),
                None => Ok(vec![input]),
            };
        };
        let mut outputs = Vec::new();
        for value in self.values(condition, &input)? {
            outputs.extend(if is_true(&value) {
                self.run(body, input.clone())?
            } else {
                self.branches(rest, otherwise, input.clone())?
            });
        }
        Ok(outputs)
    }

    fn string(&mut self, parts: &[StrPart<&str, Term<&str>>], input: &Output<'v>) -> Outputs<'v> {
        let mut texts = vec![String::new()];
        for part in parts {
            match part {
                StrPart::Str(part) => texts.iter_mut().for_each(|text| text.push_str(part)),
                StrPart::Char(c) => texts.iter_mut().for_each(|text| text.push(*c)),
                StrPart::Term(term) => {
                    let values = self.values(term, input)?;
                    let joined = texts.iter().flat_map(|before| {
                        values
                            .iter()
                            .map(move |value| format!("{before}{}", text(value)))
                    });
                    texts = joined.collect();
                    self.charge(texts.iter().map(String::len).sum())?;
                }
            }
        }
        Ok(texts
            .into_iter()
            .map(|t| Output::made(Value::Str(t)))
            .collect())
    }

    fn object(
        &mut self,
        entries: &[(Term<&str>, Option<Term<&str>>)],
        input: &Output<'v>,
    ) -> Outputs<'v> {
        let mut objects = vec![Map::new()];
        for (key, value) in entries {
            let keys = match key {
                Term::Var(name) => vec![Value::from(name.trim_start_matches('$'))],
                key => self.values(key, input)?,
            };
            let mut next = Vec::new();
            for key in keys {
                let Value::Str(key) = key else {
                    return error(format!("{} is no key of an object", kind(&key)));
                };
                let values = match (value, &entries[0].0) {
                    (Some(value), _) => self.values(value, input)?,
                    (None, Term::Var(name)) => self.values(&Term::Var(name), input)?,
                    (None, _) => vec![functions::field(&input.value, &key)?],
                };
                for value in &values {
                    for object in &objects {
                        let mut object = object.clone();
                        object.insert(key.as_str(), value.clone());
                        self.charge(object.len() + size(value))?;
                        next.push(object);
                    }
                }
            }
            objects = next;
        }
        Ok(objects
            .into_iter()
            .map(|o| Output::made(Value::Map(o)))
            .collect())
    }

    fn part(
        &mut self,
        part: &Part<Term<&str>>,
        input: &Output<'v>,
        output: Output<'v>,
        found: &mut Vec<Output<'v>>,
    ) -> Result<(), Fault> {
        match part {
            Part::Index(index) => {
                for index in self.values(index, input)? {
                    found.push(self.index(&output, &index)?);
                }
                Ok(())
            }
            Part::Range(None, None) => self.iterate(output, found),
            Part::Range(from, to) => {
                let one = |evaluation: &mut Self, term: &Option<Term<&str>>| match term {
                    Some(term) => Ok(evaluation.values(term, input)?.into_iter().next()),
                    None => Ok(None),
                };
                let from = one(self, from)?;
                let to = one(self, to)?;
                found.push(self.slice(&output, from, to)?);
                Ok(())
            }
        }
    }

    pub fn index(&mut self, output: &Output<'v>, index: &Value) -> Result<Output<'v>, Fault> {
        self.charge(1)?;
        let value: &Value = &output.value;
        let step = match (value, index) {
            (Value::Map(_) | Value::Null, Value::Str(key)) => Step::Key(key.clone()),
            (Value::Seq(items), index) if index.as_i64().is_some() => {
                let index = index.as_i64().unwrap_or_default();
                let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
                let at = if index < 0 { index + length } else { index };
                match usize::try_from(at) {
                    Ok(at) => Step::Index(at),
                    Err(_) => return Ok(Output::made(Value::Null)),
                }
            }
            (Value::Null, index) if index.as_i64().is_some() => {
                Step::Index(usize::try_from(index.as_i64().unwrap_or_default()).unwrap_or(0))
            }
            (value, index) => {
                return error(format!(
                    "cannot index {} with {}",
                    kind(value),
                    index.to_json()
                ));
            }
        };
        let place = output.place.step(|| step.clone());
        let below = self.below(&output.value, &step)?;
        Ok(Output {
            place,
            value: below.unwrap_or(Cow::Owned(Value::Null)),
        })
    }

    fn below(
        &mut self,
        value: &Cow<'v, Value>,
        step: &Step,
    ) -> Result<Option<Cow<'v, Value>>, Fault> {
        fn get<'a>(value: &'a Value, step: &Step) -> Option<&'a Value> {
            match step {
                Step::Key(key) => value.get(key),
                Step::Index(index) => value.as_seq()?.get(*index),
            }
        }
        Ok(match value {
            Cow::Borrowed(value) => get(value, step).map(Cow::Borrowed),
            Cow::Owned(value) => {
                let found = get(value, step);
                self.charge(found.map_or(0, size))?;
                found.cloned().map(Cow::Owned)
            }
        })
    }

    pub fn iterate(
        &mut self,
        output: Output<'v>,
        found: &mut Vec<Output<'v>>,
    ) -> Result<(), Fault> {
        let steps: Vec<Step> = match &*output.value {
            Value::Seq(items) => (0..items.len()).map(Step::Index).collect(),
            Value::Map(map) => map.keys().map(|key| Step::Key(key.to_owned())).collect(),
            other => return error(format!("cannot iterate over {}", kind(other))),
        };
        self.charge(steps.len())?;
        for step in steps {
            let below = self.below(&output.value, &step)?;
            found.push(Output {
                place: output.place.step(|| step),
                value: below.unwrap_or(Cow::Owned(Value::Null)),
            });
        }
        Ok(())
    }

    fn slice(
        &mut self,
        output: &Output<'v>,
        from: Option<Value>,
        to: Option<Value>,
    ) -> Result<Output<'v>, Fault> {
        let items = match &*output.value {
            Value::Seq(items) => items,
            Value::Null => return Ok(output.clone()),
            other => return error(format!("cannot slice {}", kind(other))),
        };
        let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
        let bound = |value: Option<Value>, default: i64| -> usize {
            let at = value.and_then(|value| value.as_i64()).unwrap_or(default);
            let at = if at < 0 { at + length } else { at };
            usize::try_from(at.clamp(0, length)).unwrap_or(0)
        };
        let (from, to) = (bound(from, 0), bound(to, length));
        let to = to.max(from);
        let part = Value::Seq(items[from..to].to_vec());
        self.charge(size(&part))?;
        Ok(Output {
            place: match &output.place {
                Place::Nowhere | Place::Slice(..) => Place::Nowhere,
                place => Place::Slice(Rc::new(place.clone()), from, to),
            },
            value: Cow::Owned(part),
        })
    }

    pub fn recurse(
        &mut self,
        output: Output<'v>,
        found: &mut Vec<Output<'v>>,
    ) -> Result<(), Fault> {
        self.charge(1)?;
        found.push(output.clone());
        if !matches!(*output.value, Value::Map(_) | Value::Seq(_)) {
            return Ok(());
        }
        let mut below = Vec::new();
        self.iterate(output, &mut below)?;
        below
            .into_iter()
            .try_for_each(|output| self.recurse(output, found))
    }
}

pub(super) fn is_true(value: &Value) -> bool {
    !matches!(value, Value::Null | Value::Bool(false))
}

fn number(digits: &str) -> Value {
    match digits.parse::<i64>() {
        Ok(whole) => Value::Int(whole),
        Err(_) => Value::Float(digits.parse().unwrap_or(f64::NAN)),
    }
}

/// What a copy of a value costs.
pub(super) fn size(value: &Value) -> usize {
    match value {
        Value::Map(map) => 1 + map.values().map(size).sum::<usize>(),
        Value::Seq(items) => 1 + items.iter().map(size).sum::<usize>(),
        Value::Str(text) => 1 + text.len() / 16,
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Uint(_) | Value::Float(_) => 1,
    }
}
