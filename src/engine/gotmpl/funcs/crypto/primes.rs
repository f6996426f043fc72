//! Random primes for RSA: a run of numbers is sieved by small primes, so that
//! few are left for the costly test.

use super::HostRng;
use num_bigint_dig::prime::{probably_prime, probably_prime_miller_rabin};
use num_bigint_dig::{BigUint, RandBigInt};

/// Small primes reach up to here.
const SIEVE_LIMIT: usize = 1 << 13;
/// How many odd numbers are looked at from one random one.
const N_CANDIDATES: usize = 4096;
/// Rounds of Miller and Rabin; FIPS 186-5 asks for 5 at 1,024 bits, and one
/// of Lucas comes to them.
const ROUNDS: usize = 5;

/// A prime of so many bits, of which the two highest are set: a product of
/// two such has twice as many. `n_bits` is 64 at least.
pub fn random_prime(rng: &mut HostRng<'_>, n_bits: usize) -> BigUint {
    let small = small_primes();
    loop {
        let top = BigUint::from(3_u8) << (n_bits - 2);
        let start = rng.gen_biguint(n_bits) | top | BigUint::from(1_u8);
        for step in candidates(&start, &small) {
            let number = &start + BigUint::from(2 * step);
            if number.bits() == n_bits
                && probably_prime_miller_rabin(&number, 1, true)
                && probably_prime(&number, ROUNDS)
            {
                return number;
            }
        }
    }
}

/// The n for which no small prime divides `start + 2n`; `start` is odd.
fn candidates(start: &BigUint, small: &[u32]) -> Vec<usize> {
    let words = start.to_bytes_be();
    let mut is_out = vec![false; N_CANDIDATES];
    for prime in small {
        let by = u64::from(*prime);
        let rest = words
            .iter()
            .fold(0, |rest, byte| ((rest << 8) | u64::from(*byte)) % by);
        // start + 2n = 0 modulo the prime, of which (prime + 1) / 2 is the half of 1.
        let first = (by - rest) % by * by.div_ceil(2) % by;
        for out in is_out
            .iter_mut()
            .skip(first as usize)
            .step_by(*prime as usize)
        {
            *out = true;
        }
    }
    let left = is_out.iter().enumerate().filter(|(_, out)| !**out);
    left.map(|(step, _)| step).collect()
}

/// The odd ones below the limit.
fn small_primes() -> Vec<u32> {
    let mut is_composite = [false; SIEVE_LIMIT];
    let mut found = Vec::new();
    for number in (3..SIEVE_LIMIT).step_by(2) {
        if is_composite[number] {
            continue;
        }
        found.push(number as u32);
        for multiple in (number * number..SIEVE_LIMIT).step_by(number) {
            is_composite[multiple] = true;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_primes_are_all_of_them() {
        let small = small_primes();
        assert_eq!(small[..6], [3, 5, 7, 11, 13, 17]);
        // π(8192) is 1028, with 2.
        assert_eq!(small.len(), 1027);
    }

    #[test]
    fn candidates_have_no_small_factor_and_none_is_left_out() {
        let start = (BigUint::from(7_u8) << 100_usize) | BigUint::from(12_345_u32);
        let small = small_primes();
        let left = candidates(&start, &small);
        for step in 0..N_CANDIDATES {
            let number = &start + BigUint::from(2 * step);
            let is_divided = small
                .iter()
                .any(|prime| &number % BigUint::from(*prime) == BigUint::from(0_u8));
            assert_eq!(left.contains(&step), !is_divided, "{step}");
        }
    }
}
