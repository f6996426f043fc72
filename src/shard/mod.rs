//! Applications spread over several agents: whose each one is, and when an
//! agent may begin with one that it gained.
//!
//! ```text
//! members --(highest hash)--> owner of a key
//!
//! each agent publishes the members that it acts by: a claim to all keys that
//! are its own among them. A claim is given up once its last write is over.
//! It begins with a key when its claim is out, and nobody else claims the key.
//! ```
//! Invariant: nothing here waits, writes or reads a clock. Two agents never
//! both begin, whatever members each of them acts by: of two claims to one key
//! the one that is published later sees the other.

use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fmt;

/// The identities of agents: `HOST_NUMBER`, without commas.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Members(BTreeSet<String>);

impl Members {
    /// As [`Display`](fmt::Display) writes them.
    pub fn parse(text: &str) -> Self {
        let names = text.split(',').filter(|name| !name.is_empty());
        names.map(str::to_owned).collect()
    }

    pub fn insert(&mut self, identity: &str) {
        self.0.insert(identity.to_owned());
    }

    pub fn contains(&self, identity: &str) -> bool {
        self.0.contains(identity)
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// The member with the highest hash for a key; `None` among none.
    ///
    /// Hosts are compared first: an agent that is started anew on its node gets
    /// back what it had, for which its cache is warm. Agents of one host are
    /// told apart by their numbers. All versions must agree on this: they run
    /// side by side while they are replaced.
    pub fn owner(&self, key: &str) -> Option<&str> {
        let mut best: Option<(u64, &str)> = None;
        for identity in self.iter() {
            let score = score(host_of(identity), key);
            let is_higher = match best {
                None => true,
                Some((highest, by)) if highest == score => {
                    number_score(identity, key) > number_score(by, key)
                }
                Some((highest, _)) => score > highest,
            };
            if is_higher {
                best = Some((score, identity));
            }
        }
        best.map(|(_, identity)| identity)
    }
}

/// With commas between.
impl fmt::Display for Members {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, identity) in self.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            write!(f, "{comma}{identity}")?;
        }
        Ok(())
    }
}

impl FromIterator<String> for Members {
    fn from_iter<I: IntoIterator<Item = String>>(names: I) -> Self {
        Members(names.into_iter().collect())
    }
}

fn host_of(identity: &str) -> &str {
    identity.rsplit_once('_').map_or(identity, |(host, _)| host)
}

fn number_score<'a>(identity: &'a str, key: &str) -> (u64, &'a str) {
    (score(identity, key), identity)
}

fn score(name: &str, key: &str) -> u64 {
    let mut hasher = Sha256::new();
    hasher.update(name.as_bytes());
    hasher.update([0]);
    hasher.update(key.as_bytes());
    let hash = hasher.finalize();
    let first: [u8; 8] = hash[..8].try_into().expect("a hash has 32 bytes");
    u64::from_be_bytes(first)
}

/// How the work is shared at one moment, as one agent knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Its own identity.
    pub own: String,
    /// What it has published, and seen that others see.
    pub acts_by: Members,
    /// Whoever else may still write, with what it acts by.
    pub others: Vec<(String, Members)>,
}

impl Share {
    /// Whether a key is this agent's by what it acts by.
    pub fn owns(&self, key: &str) -> bool {
        self.acts_by.owner(key) == Some(self.own.as_str())
    }

    /// Whether it may begin with a key that it had not: nobody else claims it.
    pub fn may_begin(&self, key: &str) -> bool {
        self.owns(key)
            && self.others.iter().all(|(identity, acts_by)| {
                *acts_by == self.acts_by || acts_by.owner(key) != Some(identity.as_str())
            })
    }
}

#[cfg(test)]
mod tests;
