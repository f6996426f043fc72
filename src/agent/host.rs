//! What templates get from outside: the commit's time for `now`, and
//! randomness that is the same in every render of an application.

use crate::gotmpl::{Error, Host, Map, Val};
use sha2::{Digest, Sha256};
use std::cell::Cell;

/// Secret bytes of this installation: random values follow from them, so
/// that a password does not change with the next render, and cannot be
/// guessed from the repository.
#[derive(Clone)]
pub struct Seed(pub [u8; 32]);

impl std::fmt::Debug for Seed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seed(..)")
    }
}

/// The host of one render.
pub(super) struct RenderHost {
    now: jiff::Zoned,
    key: [u8; 32],
    drawn: Cell<u64>,
}

impl RenderHost {
    /// `committed_at`: Unix seconds; charts without a commit are of 1970.
    pub fn new(seed: &Seed, instance: &str, committed_at: Option<i64>) -> Self {
        let time = jiff::Timestamp::from_second(committed_at.unwrap_or(0)).unwrap_or_default();
        let mut hasher = Sha256::new();
        hasher.update(seed.0);
        hasher.update(instance.as_bytes());
        RenderHost {
            now: time.to_zoned(jiff::tz::TimeZone::UTC),
            key: hasher.finalize().into(),
            drawn: Cell::new(0),
        }
    }
}

impl Host for RenderHost {
    fn now(&self) -> jiff::Zoned {
        self.now.clone()
    }

    fn random(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(32) {
            let mut hasher = Sha256::new();
            hasher.update(self.key);
            hasher.update(self.drawn.get().to_le_bytes());
            self.drawn.set(self.drawn.get() + 1);
            chunk.copy_from_slice(&hasher.finalize()[..chunk.len()]);
        }
    }

    /// Lookups are off, as with Argo CD: an empty map.
    fn lookup(&self, _: &str, _: &str, _: &str, _: &str) -> Result<Val, Error> {
        Ok(Val::Map(Map::new()))
    }
}
