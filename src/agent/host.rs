//! What templates get from outside: the commit's time for `now`, and
//! randomness that is the same in every render of an application.

use super::budget::checkpoint;
use super::kept::{Found, Kept, draw_name, short_hash};
use crate::gotmpl::{Draw, Drawn, Error, Host, Map, Val};
use sha2::{Digest, Sha256};
use std::cell::{Cell, RefCell};

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
///
/// A draw that was made before gives what was kept of it. Another one follows
/// from the seed and from what tells it from others, so that it does not
/// depend on what was drawn before it.
pub(super) struct RenderHost<'a> {
    source: SourceTime<'a>,
    key: [u8; 32],
    kept: &'a Kept<'a>,
    /// Key of the draw under way, and how many blocks it took.
    stream: RefCell<[u8; 32]>,
    drawn: Cell<u64>,
}

/// Where `now` comes from.
pub(super) enum SourceTime<'a> {
    /// Unix seconds: of the commit, or of the archive.
    At(i64),
    /// The source says nothing: its first render in this revision.
    FirstRenderOf { revision: &'a str },
}

impl<'a> RenderHost<'a> {
    pub fn new(
        seed: &Seed,
        instance: &str,
        source: SourceTime<'a>,
        kept: &'a Kept<'a>,
    ) -> RenderHost<'a> {
        let mut hasher = Sha256::new();
        hasher.update(seed.0);
        hasher.update(instance.as_bytes());
        let key: [u8; 32] = hasher.finalize().into();
        RenderHost {
            source,
            key,
            kept,
            stream: RefCell::new(key),
            drawn: Cell::new(0),
        }
    }

    /// Begins the random bytes of one draw.
    fn begin(&self, name: &str, renewed_at: Option<i64>) {
        let mut hasher = Sha256::new();
        hasher.update(self.key);
        hasher.update(name.as_bytes());
        if let Some(time) = renewed_at {
            hasher.update(time.to_le_bytes());
        }
        *self.stream.borrow_mut() = hasher.finalize().into();
        self.drawn.set(0);
    }
}

fn zoned(seconds: i64) -> jiff::Zoned {
    let time = jiff::Timestamp::from_second(seconds).unwrap_or_default();
    time.to_zoned(jiff::tz::TimeZone::UTC)
}

impl Host for RenderHost<'_> {
    fn now(&self) -> jiff::Zoned {
        zoned(match &self.source {
            SourceTime::At(seconds) => *seconds,
            SourceTime::FirstRenderOf { revision } => self
                .kept
                .first_render(&short_hash(&[b"now", revision.as_bytes()])),
        })
    }

    fn step(&self) -> Result<(), Error> {
        checkpoint().map_err(|over| Error::new(over.to_string()))
    }

    /// Certificates begin when they are made, however old the commit is.
    fn signing_time(&self) -> jiff::Zoned {
        zoned(self.kept.now())
    }

    fn random(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(32) {
            let mut hasher = Sha256::new();
            hasher.update(*self.stream.borrow());
            hasher.update(self.drawn.get().to_le_bytes());
            self.drawn.set(self.drawn.get() + 1);
            chunk.copy_from_slice(&hasher.finalize()[..chunk.len()]);
        }
    }

    fn draw(
        &self,
        draw: &Draw<'_>,
        make: &mut dyn FnMut() -> Result<Val, Error>,
    ) -> Result<Val, Error> {
        let name = draw_name(draw);
        let renewed_at = match self.kept.find(&name) {
            Found::Kept(drawn) => return Ok(drawn.into_val()),
            Found::Renew => Some(self.kept.now()),
            Found::Nothing => None,
        };
        self.begin(&name, renewed_at);
        let value = make()?;
        if let Some(drawn) = Drawn::of(&value) {
            self.kept.keep(name, draw, drawn);
        }
        Ok(value)
    }

    /// Lookups are off, as with Argo CD: an empty map.
    fn lookup(&self, _: &str, _: &str, _: &str, _: &str) -> Result<Val, Error> {
        Ok(Val::Map(Map::new()))
    }
}
