use super::catalog::Catalog;
use super::crd;
use super::life::{self, Life};
use super::store::{Shelf, Store, Stored};
use jiff::{Timestamp, Unit};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::watch;

/// Everything that the one thread of the server owns.
pub struct Cluster {
    pub store: Store,
    pub catalog: Catalog,
    pub version: KubeVersion,
    pub writes: Arc<Writes>,
    pub randomness: Randomness,
    pub clock: Clock,
    pub life: Life,
    /// What kube-root-ca.crt says, in PEM; empty without TLS.
    pub root_certificate: String,
    /// Addresses that pods were given.
    n_addresses: u16,
    /// Holds the version of the last change; the watches wait on it.
    changes: watch::Sender<u64>,
}

impl Cluster {
    pub fn new(version: KubeVersion, catalog: Catalog, writes: Arc<Writes>) -> Self {
        Cluster {
            store: Store::new(),
            catalog,
            life: Life::default(),
            root_certificate: String::new(),
            n_addresses: 0,
            version,
            writes,
            randomness: Randomness::new(),
            clock: Clock,
            changes: watch::Sender::new(0),
        }
    }

    /// Hears of every object that was stored.
    pub fn noticed(&mut self, shelf: &Shelf, stored: &Rc<Stored>) {
        if &**shelf == crd::SHELF {
            crd::refresh(self, stored);
        }
        self.life.notice(shelf, stored);
    }

    /// Hears of every object that was removed.
    pub fn noticed_removal(&mut self, shelf: &Shelf, stored: &Rc<Stored>) {
        if &**shelf == crd::SHELF {
            crd::withdraw(self, stored);
        }
        self.life.notice_removal(shelf, stored);
        // Its controller may make another one.
        life::touch_owner(self, stored);
    }

    /// The next address of a network of 65536.
    pub fn next_address(&mut self, network: [u8; 2]) -> String {
        self.n_addresses = self.n_addresses.wrapping_add(1).max(2);
        let [c, d] = self.n_addresses.to_be_bytes();
        format!("{}.{}.{c}.{d}", network[0], network[1])
    }

    /// Wakes the watches if something changed.
    pub fn announce(&self) {
        let version = self.store.resource_version();
        self.changes
            .send_if_modified(|seen| std::mem::replace(seen, version) != version);
    }

    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }
}

/// A release of Kubernetes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KubeVersion {
    pub minor: u16,
    pub patch: u16,
}

/// The releases whose API the tables know.
pub const OLDEST_MINOR: u16 = 16;
pub const NEWEST_MINOR: u16 = 36;
/// What `--kube-version` is by default.
pub const DEFAULT_MINOR: u16 = 34;

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum KubeVersionError {
    #[error("{0:?} is no version of Kubernetes: write it like 1.34 or v1.34.2")]
    Malformed(String),
    #[error("version {0} of Kubernetes is not known: 1.{OLDEST_MINOR} to 1.{NEWEST_MINOR} are")]
    Unknown(String),
}

impl Default for KubeVersion {
    fn default() -> Self {
        KubeVersion {
            minor: DEFAULT_MINOR,
            patch: 0,
        }
    }
}

impl std::str::FromStr for KubeVersion {
    type Err = KubeVersionError;

    fn from_str(text: &str) -> Result<Self, KubeVersionError> {
        let malformed = || KubeVersionError::Malformed(text.to_owned());
        let plain = text.strip_prefix('v').unwrap_or(text);
        // Distributions add to it: v1.30.4+k3s1, v1.30.4-eks-a737599.
        let plain = plain.split(['+', '-']).next().unwrap_or_default();
        let mut numbers = plain.split('.').map(str::parse::<u16>);
        let mut next = || numbers.next().map(|n| n.map_err(|_| malformed()));
        let major = next().ok_or_else(malformed)??;
        let minor = next().ok_or_else(malformed)??;
        let patch = next().transpose()?.unwrap_or(0);
        if next().is_some() {
            return Err(malformed());
        }
        if major != 1 || !(OLDEST_MINOR..=NEWEST_MINOR).contains(&minor) {
            return Err(KubeVersionError::Unknown(text.to_owned()));
        }
        Ok(KubeVersion { minor, patch })
    }
}

impl std::fmt::Display for KubeVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "v1.{}.{}", self.minor, self.patch)
    }
}

/// Write requests that clients sent and the server carried out, dry runs
/// apart, by verb.
#[derive(Debug, Default)]
pub struct Writes {
    total: AtomicU64,
    by_verb: Mutex<BTreeMap<&'static str, u64>>,
}

impl Writes {
    pub fn count(&self, verb: &'static str) {
        self.total.fetch_add(1, Ordering::Relaxed);
        *self.lock().entry(verb).or_default() += 1;
    }

    pub fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }

    /// create, update, patch, apply, delete, deletecollection.
    pub fn of(&self, verb: &str) -> u64 {
        self.lock().get(verb).copied().unwrap_or_default()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<&'static str, u64>> {
        // A counter stays right even if a thread died beside it.
        self.by_verb
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// The time of day.
#[derive(Debug)]
pub struct Clock;

impl Clock {
    pub fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    /// metav1.Time: `2026-01-02T03:04:05Z`.
    pub fn seconds(&self) -> String {
        rfc3339(self.now())
    }
}

pub fn rfc3339(time: Timestamp) -> String {
    let whole = time.round(Unit::Second).unwrap_or(time);
    // Rounding must not lead into the future: Go truncates.
    let whole = if whole > time {
        whole - jiff::SignedDuration::from_secs(1)
    } else {
        whole
    };
    whole.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Uids, name suffixes and the like. Not for secrets.
#[derive(Debug)]
pub struct Randomness {
    seed: [u8; 32],
    counter: u64,
}

/// The letters of generated names: no vowels, nothing that looks alike.
const SUFFIX_LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

impl Randomness {
    fn new() -> Self {
        use std::hash::{BuildHasher, Hasher};
        let state = std::collections::hash_map::RandomState::new();
        let mut hasher = Sha256::new();
        for salt in 0..4u64 {
            let mut word = state.build_hasher();
            word.write_u64(salt);
            hasher.update(word.finish().to_le_bytes());
        }
        Randomness {
            seed: hasher.finalize().into(),
            counter: 0,
        }
    }

    fn bytes(&mut self) -> [u8; 32] {
        self.counter += 1;
        let mut hasher = Sha256::new();
        hasher.update(self.seed);
        hasher.update(self.counter.to_le_bytes());
        hasher.finalize().into()
    }

    /// A version 4 UUID.
    pub fn uid(&mut self) -> String {
        let mut bytes = self.bytes();
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let mut text = String::with_capacity(36);
        for (at, byte) in bytes[..16].iter().enumerate() {
            if matches!(at, 4 | 6 | 8 | 10) {
                text.push('-');
            }
            text.push_str(&format!("{byte:02x}"));
        }
        text
    }

    /// The five letters behind a generateName.
    pub fn suffix(&mut self) -> String {
        self.bytes()[..5]
            .iter()
            .map(|byte| SUFFIX_LETTERS[usize::from(*byte) % SUFFIX_LETTERS.len()] as char)
            .collect()
    }

    /// A number below a bound that is not 0.
    pub fn below(&mut self, bound: u32) -> u32 {
        let bytes = self.bytes();
        u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) % bound
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_versions_as_people_write_them() {
        let of = |text: &str| text.parse::<KubeVersion>();
        assert_eq!(of("1.34").unwrap().to_string(), "v1.34.0");
        assert_eq!(of("v1.30.4+k3s1").unwrap().to_string(), "v1.30.4");
        assert!(matches!(of("1.12"), Err(KubeVersionError::Unknown(_))));
        assert!(matches!(of("latest"), Err(KubeVersionError::Malformed(_))));
        assert!(matches!(of("1"), Err(KubeVersionError::Malformed(_))));
    }

    #[test]
    fn times_are_cut_to_seconds() {
        let time: Timestamp = "2026-01-02T03:04:05.9Z".parse().unwrap();
        assert_eq!(rfc3339(time), "2026-01-02T03:04:05Z");
    }
}
