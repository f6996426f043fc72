//! Keys, certificates, passwords and ciphers of sprig.
//!
//! Invariant: every random byte comes from the host, in the order of its use,
//! so that a host that repeats itself gets the same keys.

mod passwords;

mod cipher;

mod certs;

mod x509;

mod keys;

mod primes;

mod dsa;

mod pem;

mod der;

pub(in crate::gotmpl::funcs) use certs::FUNCTIONS as CERTS;
pub(in crate::gotmpl) use certs::{certificate_of, certificate_val};
pub(in crate::gotmpl::funcs) use cipher::FUNCTIONS as CIPHER;
pub(in crate::gotmpl::funcs) use passwords::FUNCTIONS as PASSWORDS;

use crate::gotmpl::Host;
use rsa::rand_core::{self, CryptoRng, RngCore};

/// The host's randomness as the key generators want it.
struct HostRng<'h>(&'h dyn Host);

impl RngCore for HostRng<'_> {
    fn next_u32(&mut self) -> u32 {
        let mut bytes = [0; 4];
        self.fill_bytes(&mut bytes);
        u32::from_le_bytes(bytes)
    }

    fn next_u64(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.fill_bytes(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    fn fill_bytes(&mut self, buffer: &mut [u8]) {
        self.0.random(buffer);
    }

    fn try_fill_bytes(&mut self, buffer: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(buffer);
        Ok(())
    }
}

/// The host's bytes are those of the system, or a fixed seed's in tests.
impl CryptoRng for HostRng<'_> {}
