//! Arguments of a function by their place, as the kinds that it asks for.

use crate::jsonnet::error::{Failure, Result};
use crate::jsonnet::machine::Machine;
use crate::jsonnet::value::{Function, Object, Thunk, Val};

pub(super) type Arguments<'t, 'a> = &'t [Option<Thunk<'a>>];

impl<'a> Machine<'a> {
    pub(super) fn thunk_at(&self, arguments: Arguments<'_, 'a>, at: usize) -> Thunk<'a> {
        arguments.get(at).copied().flatten().unwrap_or(self.null)
    }

    /// Null where the argument was left out.
    pub(super) fn value_at(&self, arguments: Arguments<'_, 'a>, at: usize) -> Result<Val<'a>> {
        self.force(self.thunk_at(arguments, at))
    }

    pub(super) fn number_at(&self, arguments: Arguments<'_, 'a>, at: usize) -> Result<f64> {
        self.number(self.value_at(arguments, at)?)
    }

    pub(super) fn text_at(&self, arguments: Arguments<'_, 'a>, at: usize) -> Result<&'a str> {
        self.string(self.value_at(arguments, at)?)
    }

    pub(super) fn array_at(
        &self,
        arguments: Arguments<'_, 'a>,
        at: usize,
    ) -> Result<&'a [Thunk<'a>]> {
        let items = self.array(self.value_at(arguments, at)?)?;
        self.step(items.len())?;
        Ok(items)
    }

    pub(super) fn object_at(
        &self,
        arguments: Arguments<'_, 'a>,
        at: usize,
    ) -> Result<&'a Object<'a>> {
        self.object_of(self.value_at(arguments, at)?)
    }

    pub(super) fn function_at(
        &self,
        arguments: Arguments<'_, 'a>,
        at: usize,
    ) -> Result<Function<'a>> {
        self.function(self.value_at(arguments, at)?)
    }

    pub(super) fn flag_at(
        &self,
        arguments: Arguments<'_, 'a>,
        at: usize,
        default: bool,
    ) -> Result<bool> {
        match arguments.get(at).copied().flatten() {
            Some(thunk) => self.flag(self.force(thunk)?),
            None => Ok(default),
        }
    }

    /// A whole number of items or characters.
    pub(super) fn count_at(&self, arguments: Arguments<'_, 'a>, at: usize) -> Result<usize> {
        let number = self.integer(self.value_at(arguments, at)?)?;
        Ok(usize::try_from(number).unwrap_or(0))
    }

    /// The items of an array, or the characters of a string.
    pub(super) fn items(&self, value: Val<'a>, what: &str) -> Result<Vec<Thunk<'a>>> {
        match value {
            Val::Array(items) => {
                self.step(items.len())?;
                Ok(items.to_vec())
            }
            Val::Text(text) => self.characters(self.read(text)?),
            other => Err(Failure::new(format!("{what}, got {}", other.type_name()))),
        }
    }

    pub(super) fn characters(&self, text: &'a str) -> Result<Vec<Thunk<'a>>> {
        self.step(text.len())?;
        self.heap.has_room(text.len() * 8)?;
        let mut items = Vec::with_capacity(text.len());
        for (at, c) in text.char_indices() {
            let one = &text[at..at + c.len_utf8()];
            items.push(self.ready(self.borrowed(one)?)?);
        }
        Ok(items)
    }

    /// Text that lives as long as the evaluation already.
    pub(super) fn borrowed(&self, text: &'a str) -> Result<Val<'a>> {
        let text = crate::jsonnet::value::Text::flat(text);
        Ok(Val::Text(self.heap.put(text)?))
    }

    pub(super) fn list_of(&self, items: &[Thunk<'a>]) -> Result<Val<'a>> {
        Ok(Val::Array(self.heap.list(items)?))
    }

    pub(super) fn texts(&self, parts: impl IntoIterator<Item = &'a str>) -> Result<Val<'a>> {
        let mut items = Vec::new();
        for part in parts {
            self.step(1)?;
            items.push(self.ready(self.borrowed(part)?)?);
        }
        self.list_of(&items)
    }

    /// Calls a function on what is there.
    pub(super) fn apply(&self, function: Function<'a>, arguments: &[Thunk<'a>]) -> Result<Val<'a>> {
        self.step(1)?;
        self.call(function, arguments)
    }

    /// The same when somebody asks for it.
    pub(super) fn later(
        &self,
        function: Function<'a>,
        arguments: &[Thunk<'a>],
    ) -> Result<Thunk<'a>> {
        let arguments = self.heap.list(arguments)?;
        self.thunk(crate::jsonnet::value::State::Call(function, arguments))
    }
}
