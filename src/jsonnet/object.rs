//! Objects: which layer a field comes from, and what it is there.

use super::ast::Visibility;
use super::error::{Failure, Result};
use super::machine::Machine;
use super::value::*;
use std::cell::Cell;
use std::collections::BTreeMap;

impl<'a> Machine<'a> {
    /// The layers of an object, and what it keeps about them.
    pub(super) fn live(&self, object: &Object<'a>) -> Result<&'a Live<'a>> {
        if let Some(live) = object.live.get() {
            return Ok(live);
        }
        let mut layers: Vec<&'a Layer<'a>> = Vec::new();
        let mut todo = vec![object.parts];
        while let Some(parts) = todo.pop() {
            match parts {
                Parts::One(layer) => layers.push(layer),
                Parts::Two(left, right) => match left.live.get() {
                    Some(live) if layers.is_empty() && todo.is_empty() => {
                        layers.extend(live.layers);
                        todo.push(right.parts);
                    }
                    _ => todo.extend([right.parts, left.parts]),
                },
            }
        }
        self.step(layers.len())?;
        let live: &'a Live<'a> = self.heap.put(Live {
            layers: self.heap.list(&layers)?,
            frames: self.heap.fill(layers.len(), |_| Cell::new(None))?,
            values: self.heap.fill(layers.len(), |_| Cell::new(None))?,
            names: Cell::new(None),
        })?;
        object.live.set(Some(live));
        Ok(live)
    }

    /// All names of an object's fields, sorted, and whether they are shown.
    pub(super) fn names(&self, object: &Object<'a>) -> Result<&'a [(&'a str, bool)]> {
        let live = self.live(object)?;
        if let Some(names) = live.names.get() {
            return Ok(names);
        }
        let mut found: BTreeMap<&'a str, Visibility> = BTreeMap::new();
        for (at, layer) in live.layers.iter().enumerate() {
            self.step(layer.fields.len())?;
            if let Some((name, n_layers)) = layer.removes {
                found.remove(name);
                if let Some((layer, place)) = Self::find(live, name, at - n_layers) {
                    found.insert(name, live.layers[layer].fields[place].visibility);
                }
            }
            for field in layer.fields {
                let known = found.entry(field.name).or_insert(field.visibility);
                if field.visibility != Visibility::Inherited {
                    *known = field.visibility;
                }
            }
        }
        let names: Vec<(&'a str, bool)> = found
            .into_iter()
            .map(|(name, visibility)| (name, visibility != Visibility::Hidden))
            .collect();
        let names = self.heap.list(&names)?;
        live.names.set(Some(names));
        Ok(names)
    }

    /// The names of the fields that are shown.
    pub(super) fn shown(&self, object: &Object<'a>) -> Result<impl Iterator<Item = &'a str>> {
        let names = self.names(object)?.iter();
        Ok(names
            .filter(|(_, is_shown)| *is_shown)
            .map(|(name, _)| *name))
    }

    /// Layer and place of a field below a layer.
    fn find(live: &Live<'a>, name: &str, below: usize) -> Option<(usize, usize)> {
        let mut layer = below;
        while layer > 0 {
            layer -= 1;
            let here = live.layers[layer];
            if let Some((removed, n_layers)) = here.removes
                && removed == name
            {
                layer -= n_layers;
                continue;
            }
            if let Ok(place) = here.fields.binary_search_by(|field| field.name.cmp(name)) {
                return Some((layer, place));
            }
        }
        None
    }

    pub(super) fn has(&self, object: &Object<'a>, name: &str) -> Result<bool> {
        let live = self.live(object)?;
        Ok(Self::find(live, name, live.layers.len()).is_some())
    }

    pub(super) fn has_below(&self, object: &Object<'a>, name: &str, below: usize) -> Result<bool> {
        Ok(Self::find(self.live(object)?, name, below).is_some())
    }

    /// A field of an object whose assertions hold.
    pub(super) fn field(&self, object: &'a Object<'a>, name: &str) -> Result<Val<'a>> {
        self.check(object)?;
        let live = self.live(object)?;
        match Self::find(live, name, live.layers.len()) {
            Some(place) => self.field_at(object, live, place),
            None => Err(Failure::new(format!("Field does not exist: {name}"))),
        }
    }

    /// A field as the layers below one have it.
    pub(super) fn field_below(
        &self,
        object: &'a Object<'a>,
        name: &str,
        below: usize,
    ) -> Result<Val<'a>> {
        let live = self.live(object)?;
        match Self::find(live, name, below) {
            Some(place) => self.field_at(object, live, place),
            None if below == 0 => Err(Failure::new(
                "Attempt to use super when there is no super class.",
            )),
            None => Err(Failure::new(format!("Field does not exist: {name}"))),
        }
    }

    fn field_at(
        &self,
        object: &'a Object<'a>,
        live: &'a Live<'a>,
        (layer, place): (usize, usize),
    ) -> Result<Val<'a>> {
        let fields = live.layers[layer].fields;
        let values = match live.values[layer].get() {
            Some(values) => values,
            None => {
                let values = self.heap.fill(fields.len(), |_| Cell::new(None))?;
                live.values[layer].set(Some(values));
                values
            }
        };
        if let Some(value) = values[place].get() {
            return Ok(value);
        }
        let field = &fields[place];
        let own = match field.body {
            Body::Ready(thunk) => self.force(thunk)?,
            Body::Code(code) => {
                let frame = self.layer_frame(object, live, layer)?;
                self.deeper(|| self.eval(code, frame))
                    .map_err(|failure| failure.or_at(code.at))?
            }
            Body::Within(code, up) => {
                let frame = self.object_frame(object, live, layer, Some(up))?;
                self.deeper(|| self.eval(code, frame))
                    .map_err(|failure| failure.or_at(code.at))?
            }
        };
        let value = match Self::find(live, field.name, layer) {
            Some(below) if field.plus => {
                let inherited = self.deeper(|| self.field_at(object, live, below))?;
                let sum = self.add(inherited, own);
                match field.body {
                    Body::Code(code) | Body::Within(code, _) => {
                        sum.map_err(|failure| failure.or_at(code.at))?
                    }
                    Body::Ready(_) => sum?,
                }
            }
            _ => own,
        };
        values[place].set(Some(value));
        Ok(value)
    }

    fn layer_frame(
        &self,
        object: &'a Object<'a>,
        live: &'a Live<'a>,
        layer: usize,
    ) -> Result<&'a Frame<'a>> {
        if let Some(frame) = live.frames[layer].get() {
            return Ok(frame);
        }
        let frame = self.object_frame(object, live, layer, live.layers[layer].up)?;
        live.frames[layer].set(Some(frame));
        Ok(frame)
    }

    fn object_frame(
        &self,
        object: &'a Object<'a>,
        live: &'a Live<'a>,
        layer: usize,
        up: Option<&'a Frame<'a>>,
    ) -> Result<&'a Frame<'a>> {
        let binds = live.layers[layer].binds;
        let frame: &'a Frame<'a> = self.heap.put(Frame {
            up,
            slots: self.heap.fill(binds.len(), |_| Cell::new(self.null))?,
            this: Some((object, layer)),
        })?;
        for (slot, code) in frame.slots.iter().zip(binds) {
            slot.set(self.thunk(State::Code(code, frame))?);
        }
        Ok(frame)
    }

    /// Whether the assertions of an object hold; they are looked at once.
    pub(super) fn check(&self, object: &'a Object<'a>) -> Result<()> {
        if object.is_checked.replace(true) {
            return Ok(());
        }
        let live = self.live(object)?;
        for (layer, of_layer) in live.layers.iter().enumerate().rev() {
            for code in of_layer.asserts {
                let frame = self.layer_frame(object, live, layer)?;
                let checked = self.deeper(|| self.eval(code, frame));
                if let Err(failure) = checked {
                    object.is_checked.set(false);
                    return Err(failure);
                }
            }
        }
        Ok(())
    }
}
