//! DSA keys of 2048 and 256 bits, which sprig still makes.

use super::HostRng;
use super::der::{self, Reader};
use num_bigint_dig::prime::probably_prime;
use num_bigint_dig::{BigUint, RandBigInt};

const P_BITS: usize = 2048;
const Q_BITS: usize = 256;

/// Rounds of Miller and Rabin, as Go takes.
const ROUNDS: usize = 64;

pub struct DsaKey {
    /// p, q, g, y, x
    numbers: [BigUint; 5],
}

impl DsaKey {
    /// As Go's `dsa.GenerateParameters` and `GenerateKey`.
    pub fn generate(rng: &mut HostRng<'_>) -> DsaKey {
        let one = BigUint::from(1_u8);
        let (p, q) = parameters(rng);
        let power = (&p - &one) / &q;
        let mut base = BigUint::from(2_u8);
        let mut g = base.modpow(&power, &p);
        while g == one {
            base += 1_u8;
            g = base.modpow(&power, &p);
        }
        let x = rng.gen_biguint_range(&one, &q);
        let y = g.modpow(&x, &p);
        DsaKey {
            numbers: [p, q, g, y, x],
        }
    }

    pub fn to_der(&self) -> Vec<u8> {
        let version = der::integer(&[0]);
        let numbers = self.numbers.iter().map(|n| der::integer(&n.to_bytes_be()));
        let parts: Vec<Vec<u8>> = std::iter::once(version).chain(numbers).collect();
        der::value(der::SEQUENCE, &parts.concat())
    }

    pub fn from_der(der: &[u8]) -> Option<DsaKey> {
        let mut fields = Reader(Reader(der).expect(der::SEQUENCE)?);
        fields.expect(der::INTEGER)?;
        let mut number = || Some(BigUint::from_bytes_be(fields.expect(der::INTEGER)?));
        Some(DsaKey {
            numbers: [number()?, number()?, number()?, number()?, number()?],
        })
    }
}

/// A prime p of which p - 1 is a multiple of the prime q.
fn parameters(rng: &mut HostRng<'_>) -> (BigUint, BigUint) {
    let odd_of = |rng: &mut HostRng<'_>, n_bits: usize| {
        let top = BigUint::from(1_u8) << (n_bits - 1);
        rng.gen_biguint(n_bits) | top | BigUint::from(1_u8)
    };
    loop {
        let q = odd_of(rng, Q_BITS);
        if !probably_prime(&q, ROUNDS) {
            continue;
        }
        for _ in 0..4 * P_BITS {
            let candidate = odd_of(rng, P_BITS);
            let excess = &candidate % &q;
            let p = candidate + BigUint::from(1_u8) - excess;
            if p.bits() == P_BITS && probably_prime(&p, ROUNDS) {
                return (p, q);
            }
        }
    }
}
