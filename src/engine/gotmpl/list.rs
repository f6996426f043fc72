use std::cell::{Ref, RefCell, RefMut};
use std::rc::Rc;

use super::teardown;
use super::{Named, Type, Val};

/// A Go slice. Clones share the items, as Go's slices share their array.
#[derive(Clone)]
pub struct List(Rc<ListData>);

pub(super) struct ListData {
    elem: Type,
    named: Option<&'static Named>,
    nil: bool,
    pub(super) items: RefCell<Vec<Val>>,
}

impl List {
    /// `[]interface {}`
    pub fn new(items: Vec<Val>) -> Self {
        List::of(Type::Any, items)
    }

    /// A slice of `elem`: `List::of(Type::Str, ..)` is `[]string`. The items
    /// are of that type.
    pub fn of(elem: Type, items: Vec<Val>) -> Self {
        List::build(elem, None, false, items)
    }

    /// `[]string`
    pub fn strings<S: Into<super::GoStr>>(items: impl IntoIterator<Item = S>) -> Self {
        List::of(
            Type::Str,
            items.into_iter().map(|s| Val::Str(s.into())).collect(),
        )
    }

    /// The nil slice of a type: empty, JSON `null`, equal to nil.
    pub fn nil(elem: Type) -> Self {
        List::build(elem, None, true, Vec::new())
    }

    /// A slice type with a name and methods of its own.
    pub fn named(named: &'static Named, elem: Type, items: Vec<Val>) -> Self {
        List::build(elem, Some(named), false, items)
    }

    fn build(elem: Type, named: Option<&'static Named>, nil: bool, items: Vec<Val>) -> Self {
        List(Rc::new(ListData {
            elem,
            named,
            nil,
            items: RefCell::new(items),
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
        self.0.items.borrow().len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn get(&self, at: usize) -> Option<Val> {
        self.0.items.borrow().get(at).cloned()
    }

    /// The items, borrowed. Do not call back into templates while it is held.
    pub fn items(&self) -> Ref<'_, Vec<Val>> {
        self.0.items.borrow()
    }

    /// The items to be changed in place: for functions that sort, as
    /// `sortAlpha` sorts a `[]string` under the eyes of its owner.
    pub fn items_mut(&self) -> RefMut<'_, Vec<Val>> {
        self.0.items.borrow_mut()
    }

    pub fn to_vec(&self) -> Vec<Val> {
        self.0.items.borrow().clone()
    }

    pub fn same(&self, other: &List) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }

    /// An address for `%p`, and for the detection of cycles.
    pub fn address(&self) -> usize {
        Rc::as_ptr(&self.0) as usize
    }

    pub(super) fn into_sole_data(self) -> Option<Vec<Val>> {
        (Rc::strong_count(&self.0) == 1).then(|| self.0.items.take())
    }
}

impl Drop for ListData {
    fn drop(&mut self) {
        teardown::drop_values(self.items.take());
    }
}
