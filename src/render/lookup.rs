//! `lookup` of templates: what was not asked for before is a need.

use crate::gotmpl::{Draw, Error, Host, Map, Numbers, Val};
use crate::helm::Lookup;
use crate::value::Value;
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

/// What earlier needs brought: the object, a list, or an empty mapping.
pub type Answers<'a> = &'a dyn Fn(&Lookup) -> Option<Value>;

/// The host of a render whose templates may look things up.
pub(super) struct Looking<'a> {
    inner: &'a dyn Host,
    answers: Answers<'a>,
    missing: RefCell<BTreeSet<Lookup>>,
    has_looked: Cell<bool>,
}

impl<'a> Looking<'a> {
    pub fn new(inner: &'a dyn Host, answers: Answers<'a>) -> Self {
        Looking {
            inner,
            answers,
            missing: RefCell::default(),
            has_looked: Cell::new(false),
        }
    }

    /// What has to be brought before the render means anything.
    pub fn missing(&self) -> Vec<Lookup> {
        self.missing.borrow().iter().cloned().collect()
    }

    pub fn has_looked(&self) -> bool {
        self.has_looked.get()
    }
}

impl Host for Looking<'_> {
    fn now(&self) -> jiff::Zoned {
        self.inner.now()
    }

    fn random(&self, buffer: &mut [u8]) {
        self.inner.random(buffer);
    }

    fn step(&self) -> Result<(), Error> {
        self.inner.step()
    }

    fn signing_time(&self) -> jiff::Zoned {
        self.inner.signing_time()
    }

    /// Nothing is drawn, and kept, for a render that will not be used.
    fn draw(
        &self,
        draw: &Draw<'_>,
        make: &mut dyn FnMut() -> Result<Val, Error>,
    ) -> Result<Val, Error> {
        if !self.missing.borrow().is_empty() {
            return Err(Error::new("this waits for a lookup"));
        }
        self.inner.draw(draw, make)
    }

    fn lookup(
        &self,
        api_version: &str,
        kind: &str,
        namespace: &str,
        name: &str,
    ) -> Result<Val, Error> {
        self.has_looked.set(true);
        let lookup = Lookup {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        };
        match (self.answers)(&lookup) {
            Some(found) => Ok(Val::from_value(&found, Numbers::Int64)),
            None => {
                self.missing.borrow_mut().insert(lookup);
                Ok(Val::Map(Map::new()))
            }
        }
    }
}
