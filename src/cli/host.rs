//! The real clock and real randomness, for templates that are rendered by hand.

use crate::gotmpl::{Error, Host, Map, Val};
use anyhow::Context as _;
use std::cell::RefCell;
use std::fs::File;
use std::io::{BufReader, Read};

/// Charts ask for eight bytes at a time.
const RANDOM_BYTES: usize = 512;

pub struct SystemHost {
    random: RefCell<BufReader<File>>,
}

impl SystemHost {
    pub fn new() -> anyhow::Result<Self> {
        let path = "/dev/urandom";
        let random = File::open(path).context(path)?;
        Ok(SystemHost {
            random: RefCell::new(BufReader::with_capacity(RANDOM_BYTES, random)),
        })
    }

    pub fn now_seconds(&self) -> i64 {
        jiff::Timestamp::now().as_second()
    }
}

impl Host for SystemHost {
    fn now(&self) -> jiff::Zoned {
        jiff::Zoned::now()
    }

    fn random(&self, buffer: &mut [u8]) {
        self.random
            .borrow_mut()
            .read_exact(buffer)
            .expect("the kernel's random source never ends");
    }

    /// As `helm template`: there is no cluster, nothing is found.
    fn lookup(&self, _: &str, _: &str, _: &str, _: &str) -> Result<Val, Error> {
        Ok(Val::Map(Map::new()))
    }
}
