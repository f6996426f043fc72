use std::cell::{Cell, Ref, RefCell};
use std::rc::{Rc, Weak};

use super::teardown;
use super::{GoStr, Named, Type, Val};

/// A Go map with string keys. Clones share the entries: what `set` changes,
/// everybody sees. Iteration is by key, as text/template and fmt sort it.
#[derive(Clone)]
pub struct Map(Rc<MapData>);

pub(super) struct MapData {
    elem: Type,
    named: Option<&'static Named>,
    nil: bool,
    /// Told to the render, which empties it in the end: it may hold itself.
    pub(super) tracked: Cell<bool>,
    /// Sorted by key: half the size of a tree, and read more than written.
    entries: RefCell<Vec<(GoStr, Val)>>,
}

impl Map {
    /// An empty `map[string]interface {}`
    pub fn new() -> Self {
        Map::of(Type::Any, Vec::new())
    }

    /// `map[string]elem`; the values are of that type. Of equal keys the last wins.
    pub fn of(elem: Type, entries: Vec<(GoStr, Val)>) -> Self {
        Map::build(elem, None, false, entries)
    }

    /// The nil map of a type: empty, JSON `null`; setting an entry panics in Go.
    pub fn nil(elem: Type) -> Self {
        Map::build(elem, None, true, Vec::new())
    }

    /// A map type with a name and methods of its own (`common.Values`).
    pub fn named(named: &'static Named, elem: Type, entries: Vec<(GoStr, Val)>) -> Self {
        Map::build(elem, Some(named), false, entries)
    }

    fn build(
        elem: Type,
        named: Option<&'static Named>,
        nil: bool,
        mut entries: Vec<(GoStr, Val)>,
    ) -> Self {
        if !entries.is_sorted_by(|a, b| a.0 < b.0) {
            // Stable, so that the last of equal keys is the last of its run.
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            entries.dedup_by(|later, kept| {
                let same = later.0 == kept.0;
                if same {
                    std::mem::swap(later, kept);
                }
                same
            });
        }
        Map(Rc::new(MapData {
            elem,
            named,
            nil,
            tracked: Cell::new(false),
            entries: RefCell::new(entries),
        }))
    }

    pub fn elem(&self) -> Type {
        self.0.elem
    }

    pub fn type_named(&self) -> Option<&'static Named> {
        self.0.named
    }

    pub fn is_nil(&self) -> bool {
        self.0.nil
    }

    pub fn len(&self) -> usize {
        self.0.entries.borrow().len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn find(&self, key: &[u8]) -> Result<usize, usize> {
        let entries = self.0.entries.borrow();
        match entries.last() {
            Some((last, _)) if last.as_bytes() < key => Err(entries.len()),
            _ => entries.binary_search_by(|(k, _)| k.as_bytes().cmp(key)),
        }
    }

    pub fn get(&self, key: &str) -> Option<Val> {
        self.get_bytes(key.as_bytes())
    }

    pub fn get_bytes(&self, key: &[u8]) -> Option<Val> {
        let at = self.find(key).ok()?;
        Some(self.0.entries.borrow()[at].1.clone())
    }

    pub fn contains_key(&self, key: &[u8]) -> bool {
        self.find(key).is_ok()
    }

    /// The value at a place in key order; for loops that must not hold a borrow.
    pub fn entry_at(&self, at: usize) -> Option<(GoStr, Val)> {
        self.0.entries.borrow().get(at).cloned()
    }

    /// All entries in key order, borrowed. Do not call back into templates
    /// while it is held.
    pub fn entries(&self) -> Ref<'_, Vec<(GoStr, Val)>> {
        self.0.entries.borrow()
    }

    pub fn keys(&self) -> Vec<GoStr> {
        self.0
            .entries
            .borrow()
            .iter()
            .map(|(k, _)| k.clone())
            .collect()
    }

    /// Sets an entry of a map that is being built. For maps that a template
    /// can see use `Context::set_entry`, which knows about cycles.
    pub fn insert(&self, key: impl Into<GoStr>, value: impl Into<Val>) {
        let (key, value) = (key.into(), value.into());
        match self.find(key.as_bytes()) {
            Ok(at) => {
                let old = std::mem::replace(&mut self.0.entries.borrow_mut()[at].1, value);
                drop(old);
            }
            Err(at) => self.0.entries.borrow_mut().insert(at, (key, value)),
        }
    }

    pub fn remove(&self, key: &[u8]) -> Option<Val> {
        let at = self.find(key).ok()?;
        Some(self.0.entries.borrow_mut().remove(at).1)
    }

    pub fn same(&self, other: &Map) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }

    /// An address for `%p`, and for the detection of cycles.
    pub fn address(&self) -> usize {
        Rc::as_ptr(&self.0) as usize
    }

    pub(super) fn track(&self) -> Option<WeakMap> {
        (!self.0.tracked.replace(true)).then(|| WeakMap(Rc::downgrade(&self.0)))
    }

    pub(super) fn into_sole_data(self) -> Option<Vec<(GoStr, Val)>> {
        (Rc::strong_count(&self.0) == 1).then(|| self.0.entries.take())
    }
}

impl Default for Map {
    fn default() -> Self {
        Map::new()
    }
}

impl<K: Into<GoStr>, V: Into<Val>> FromIterator<(K, V)> for Map {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let entries = entries.into_iter().map(|(k, v)| (k.into(), v.into()));
        Map::of(Type::Any, entries.collect())
    }
}

impl Drop for MapData {
    fn drop(&mut self) {
        teardown::drop_values(self.entries.take().into_iter().map(|(_, v)| v).collect());
    }
}

/// A map that may hold itself, to be emptied when the render is over.
pub(super) struct WeakMap(Weak<MapData>);

impl WeakMap {
    pub(super) fn empty(&self) {
        if let Some(data) = self.0.upgrade() {
            let entries = data.entries.take();
            drop(entries);
        }
    }
}
