//! What an application at rest is seldom asked for, as deflated JSON: a status
//! of 5 kB takes 1 kB.

use crate::value::Value;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::{Read, Write};
use std::marker::PhantomData;

/// A value in little space; the default one in none.
pub(super) struct Packed<T> {
    bytes: Box<[u8]>,
    of: PhantomData<T>,
}

impl<T> Default for Packed<T> {
    fn default() -> Self {
        Packed {
            bytes: Box::default(),
            of: PhantomData,
        }
    }
}

impl<T: Serialize + DeserializeOwned + Default + PartialEq> Packed<T> {
    pub fn new(value: &T) -> Self {
        if *value == T::default() {
            return Packed::default();
        }
        let json = Value::of(value)
            .expect("what a status holds is JSON")
            .to_json();
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(json.as_bytes()).expect("memory takes it");
        Packed {
            bytes: encoder.finish().expect("memory takes it").into(),
            of: PhantomData,
        }
    }

    pub fn get(&self) -> T {
        if self.bytes.is_empty() {
            return T::default();
        }
        let mut json = Vec::new();
        let mut decoder = DeflateDecoder::new(&*self.bytes);
        decoder.read_to_end(&mut json).expect("we deflated it");
        let value = Value::from_json(&json).expect("we wrote it");
        value.to().expect("it was one")
    }

    /// Bytes that it takes.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    pub fn set(&mut self, value: &T) {
        *self = Packed::new(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_out_again() {
        let text: Vec<String> = (0..100)
            .map(|n| format!("ConfigMap {n} is Synced"))
            .collect();
        let packed = Packed::new(&text);
        assert!(packed.bytes.len() < 700);
        assert_eq!(packed.get(), text);
        let mut value = Packed::new(&Value::Int(1));
        value.set(&Value::Null);
        assert!(value.bytes.is_empty() && value.get() == Value::Null);
    }
}
