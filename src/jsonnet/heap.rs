//! Where everything of one evaluation lives: values, code, thunks.
//!
//! Invariant: nothing in it needs to be dropped, so that the end of an
//! evaluation is flat however deep its values refer to one another; and it
//! never holds more than its limit.

use super::error::{Failure, Result};
use bumpalo::Bump;
use std::mem::needs_drop;

pub(super) struct Heap(Bump);

impl Heap {
    pub fn new(limit: usize) -> Self {
        let bump = Bump::new();
        bump.set_allocation_limit(Some(limit));
        Heap(bump)
    }

    fn full(&self) -> Box<Failure> {
        let limit = self.0.allocation_limit().unwrap_or_default();
        Failure::new(format!(
            "the evaluation takes more than {} MiB of memory",
            limit / (1024 * 1024)
        ))
    }

    pub fn put<T>(&self, value: T) -> Result<&T> {
        const { assert!(!needs_drop::<T>()) }
        match self.0.try_alloc(value) {
            Ok(place) => Ok(place),
            Err(_) => Err(self.full()),
        }
    }

    pub fn text(&self, text: &str) -> Result<&str> {
        match self.0.try_alloc_str(text) {
            Ok(place) => Ok(place),
            Err(_) => Err(self.full()),
        }
    }

    pub fn list<T: Copy>(&self, items: &[T]) -> Result<&[T]> {
        match self.0.try_alloc_slice_copy(items) {
            Ok(place) => Ok(place),
            Err(_) => Err(self.full()),
        }
    }

    /// A list of `length` items of which each is made from its index.
    pub fn fill<T>(&self, length: usize, make: impl FnMut(usize) -> T) -> Result<&[T]> {
        const { assert!(!needs_drop::<T>()) }
        match self.0.try_alloc_slice_fill_with(length, make) {
            Ok(place) => Ok(place),
            Err(_) => Err(self.full()),
        }
    }

    /// Whether so many bytes more would fit, for what is built outside first.
    pub fn has_room(&self, bytes: usize) -> Result<()> {
        let limit = self.0.allocation_limit().unwrap_or(usize::MAX);
        if self.0.allocated_bytes().saturating_add(bytes) > limit {
            return Err(self.full());
        }
        Ok(())
    }
}
