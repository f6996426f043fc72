use super::map::WeakMap;
use super::{Error, Map, Val};

/// What functions need from outside. The room itself has no clock, no
/// randomness and no cluster.
pub trait Host {
    /// The time that `now` gives, in the zone that `date` prints in.
    fn now(&self) -> jiff::Zoned;

    /// Fills the buffer with random bytes.
    fn random(&self, buffer: &mut [u8]);

    /// Helm's `lookup`: the object, a List where `name` is empty, an empty map
    /// where there is none or where lookups are off.
    fn lookup(
        &self,
        api_version: &str,
        kind: &str,
        namespace: &str,
        name: &str,
    ) -> Result<Val, Error>;
}

/// What one render may cost, over all its templates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Evaluated nodes and calls.
    pub steps: u64,
    /// Bytes that functions and templates produce, intermediate results included.
    pub bytes: u64,
    /// Stack that the evaluator may use, in bytes. Below it, a loop of includes
    /// ends as in Helm after 1,000 rounds; the caller's thread must have it.
    pub stack: usize,
}

impl Limits {
    /// A thousand times what large public charts need.
    pub const STEPS: u64 = 2_000_000_000;
    pub const BYTES: u64 = 2 << 30;
    /// Fits a thread of 2 MiB, Rust's default.
    pub const STACK: usize = 1_200 << 10;
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            steps: Limits::STEPS,
            bytes: Limits::BYTES,
            stack: Limits::STACK,
        }
    }
}

/// What a function sees of the render that calls it.
pub struct Context<'h> {
    host: &'h dyn Host,
    limits: Limits,
    steps: u64,
    bytes: u64,
    /// Maps that may hold themselves.
    tracked: Vec<WeakMap>,
}

impl<'h> Context<'h> {
    pub fn new(host: &'h dyn Host, limits: Limits) -> Self {
        Context {
            host,
            limits,
            steps: 0,
            bytes: 0,
            tracked: Vec::new(),
        }
    }

    pub fn host(&self) -> &'h dyn Host {
        self.host
    }

    /// Counts work that a function is about to do (`until`, `seq`).
    pub fn take_steps(&mut self, n_steps: u64) -> Result<(), Error> {
        self.steps = self.steps.saturating_add(n_steps);
        if self.steps > self.limits.steps {
            return Err(Error::new(format!(
                "the templates need more than {} steps",
                self.limits.steps
            )));
        }
        Ok(())
    }

    /// Counts bytes that a function is about to make. Every function whose
    /// result can be much larger than its arguments asks first (`repeat`).
    pub fn take_bytes(&mut self, n_bytes: u64) -> Result<(), Error> {
        self.bytes = self.bytes.saturating_add(n_bytes);
        if self.bytes > self.limits.bytes {
            return Err(Error::new(format!(
                "the templates produce more than {} bytes",
                self.limits.bytes
            )));
        }
        Ok(())
    }

    pub(super) fn track(&mut self, map: &Map) {
        self.tracked.extend(map.track());
    }
}

impl Drop for Context<'_> {
    /// A map that holds itself would never be freed.
    fn drop(&mut self) {
        for map in &self.tracked {
            map.empty();
        }
    }
}
