use super::{Digest, Value};

impl Value {
    /// Deep equality where 1 equals 1.0, as after a round through JSON. Equal
    /// values have equal digests.
    pub fn equals(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Seq(a), Value::Seq(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.equals(b))
            }
            (Value::Map(a), Value::Map(b)) => {
                let same =
                    |((ka, a), (kb, b)): ((&str, &Value), (&str, &Value))| ka == kb && a.equals(b);
                a.len() == b.len() && a.iter().zip(b.iter()).all(same)
            }
            (Value::Float(_), Value::Int(_) | Value::Uint(_) | Value::Float(_))
            | (Value::Int(_) | Value::Uint(_), Value::Float(_)) => {
                self == other || self.to_json() == other.to_json()
            }
            _ => self == other,
        }
    }

    /// A SHA-256 over the compact JSON, which is never built as a whole.
    pub fn digest(&self) -> Digest {
        let mut hasher = super::digest::Hasher::default();
        self.write_json(&mut hasher).expect("a hasher takes all");
        hasher.finish()
    }
}
