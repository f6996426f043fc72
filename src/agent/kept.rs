//! What the charts of an application drew by chance, kept in a Secret of the
//! application, so that passwords and keys stay as they are from one render to
//! the next, and costly keys are made once.
//!
//! ```text
//! Secret drupelet-generated-HASH
//!   data:
//!     HASH: {"file":…,"function":…,"made":…,"days":…,"text"|"number"|"cert","key":…}
//! ```
//! Invariant: nothing here writes. The Secret is read when the first draw of a
//! render asks for it, and wanted again only if something new was drawn.

use crate::app::Application;
use crate::gotmpl::{Draw, Drawn};
use crate::kube;
use crate::object::{Object, names};
use crate::value::{Map, Value};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

/// A Secret takes 1 MiB; names and the API server's bookkeeping need some.
pub const MAX_KEPT_BYTES: usize = 700 << 10;
const SECONDS_PER_DAY: i64 = 86_400;

#[derive(Debug, thiserror::Error)]
pub enum KeptError {
    #[error("cannot read what was generated for the application (Secret {name}): {cause}")]
    Read { name: String, cause: kube::Error },
    #[error(
        "a certificate of {file} cannot be kept: Secret {name} would hold more than {MAX_KEPT_BYTES} bytes; have fewer certificates made by charts"
    )]
    Full { name: String, file: String },
}

/// Whose results they are, and where they are kept.
pub struct Owner<'a> {
    pub instance: &'a str,
    /// Of the Secret.
    pub namespace: &'a str,
    /// Name and UID of the Application, if it is in the same namespace: the
    /// Secret goes with it.
    pub application: Option<(&'a str, &'a str)>,
}

impl<'a> Owner<'a> {
    pub fn of(app: &'a Application, control_namespace: &'a str, instance: &'a str) -> Self {
        let is_near = app.namespace == control_namespace && !app.uid.is_empty();
        Owner {
            instance,
            namespace: control_namespace,
            application: is_near.then_some((app.name.as_str(), app.uid.as_str())),
        }
    }
}

/// How the Secret is read.
pub type Load<'a> = &'a dyn Fn(&str) -> Result<Option<Object>, kube::Error>;

/// The results of one application, for one render.
pub struct Kept<'a> {
    /// `None`: nothing is kept, as in renders by hand.
    owner: Option<(Owner<'a>, Load<'a>)>,
    /// Unix seconds.
    now: i64,
    entries: RefCell<Option<BTreeMap<String, Entry>>>,
    used: RefCell<BTreeSet<String>>,
    is_changed: Cell<bool>,
    is_renewed: Cell<bool>,
    fault: RefCell<Option<KeptError>>,
}

#[derive(Clone, Debug, PartialEq)]
struct Entry {
    file: String,
    function: String,
    /// Unix seconds.
    made: i64,
    days: Option<i64>,
    drawn: Drawn,
}

impl Entry {
    /// Certificates are renewed at two thirds of their life. One that never
    /// was valid is left as the chart wants it.
    fn renew_at(&self) -> Option<i64> {
        let days = self.days.filter(|days| *days > 0)?;
        let life = days.checked_mul(SECONDS_PER_DAY)?;
        self.made.checked_add(life / 3 * 2)
    }

    fn to_json(&self) -> String {
        let mut map = Map::new();
        map.insert("file", Value::from(self.file.as_str()));
        map.insert("function", Value::from(self.function.as_str()));
        map.insert("made", Value::from(self.made));
        if let Some(days) = self.days {
            map.insert("days", Value::from(days));
        }
        match &self.drawn {
            Drawn::Text(text) => map.insert("text", Value::from(text.as_str())),
            Drawn::Number(number) => map.insert("number", Value::from(*number)),
            Drawn::Certificate { cert, key } => {
                map.insert("cert", Value::from(cert.as_str()));
                map.insert("key", Value::from(key.as_str()))
            }
        };
        Value::Map(map).to_json()
    }

    /// `None` for what is damaged: it is drawn anew.
    fn read(text: &str) -> Option<Entry> {
        let json = STANDARD.decode(text).ok()?;
        let value = Value::from_json(&json).ok()?;
        let text = |name: &str| Some(value.get(name)?.as_str()?.to_owned());
        let number = |name: &str| value.get(name)?.as_i64();
        let drawn = match (text("text"), number("number"), text("cert")) {
            (Some(text), _, _) => Drawn::Text(text),
            (None, Some(number), _) => Drawn::Number(number),
            (None, None, cert) => Drawn::Certificate {
                cert: cert?,
                key: text("key")?,
            },
        };
        Some(Entry {
            file: text("file")?,
            function: text("function")?,
            made: number("made")?,
            days: number("days"),
            drawn,
        })
    }
}

/// What is known of a draw.
pub(super) enum Found {
    Kept(Drawn),
    /// A certificate that is due for renewal.
    Renew,
    Nothing,
}

impl<'a> Kept<'a> {
    /// Results that last as long as the render.
    pub fn none(now: i64) -> Self {
        Kept {
            owner: None,
            now,
            entries: RefCell::default(),
            used: RefCell::default(),
            is_changed: Cell::default(),
            is_renewed: Cell::default(),
            fault: RefCell::default(),
        }
    }

    pub fn new(owner: Owner<'a>, load: Load<'a>, now: i64) -> Self {
        Kept {
            owner: Some((owner, load)),
            ..Kept::none(now)
        }
    }

    /// Unix seconds.
    pub fn now(&self) -> i64 {
        self.now
    }

    pub(super) fn find(&self, name: &str) -> Found {
        self.load();
        let entries = self.entries.borrow();
        let Some(entry) = entries.as_ref().and_then(|entries| entries.get(name)) else {
            return Found::Nothing;
        };
        self.used.borrow_mut().insert(name.to_owned());
        match entry.renew_at() {
            Some(at) if at <= self.now => Found::Renew,
            _ => Found::Kept(entry.drawn.clone()),
        }
    }

    pub(super) fn keep(&self, name: String, draw: &Draw<'_>, drawn: Drawn) {
        let entry = Entry {
            file: draw.file.to_owned(),
            function: draw.function.to_owned(),
            made: self.now,
            days: draw.days,
            drawn,
        };
        self.insert(name, entry);
    }

    /// The time of the first render of something that has no time of its own.
    pub(super) fn first_render(&self, name: &str) -> i64 {
        match self.find(name) {
            Found::Kept(Drawn::Number(seconds)) => seconds,
            Found::Kept(_) | Found::Renew | Found::Nothing => {
                let entry = Entry {
                    file: String::new(),
                    function: "now".to_owned(),
                    made: self.now,
                    days: None,
                    drawn: Drawn::Number(self.now),
                };
                self.insert(name.to_owned(), entry);
                self.now
            }
        }
    }

    fn insert(&self, name: String, entry: Entry) {
        self.load();
        let mut entries = self.entries.borrow_mut();
        let entries = entries.get_or_insert_default();
        let size = |name: &str, entry: &Entry| name.len() + entry.to_json().len();
        if self.owner.is_some() {
            let used = self.used.borrow();
            let others = entries
                .iter()
                .filter(|(other, _)| used.contains(*other) && **other != name);
            let total: usize = others.map(|(name, entry)| size(name, entry)).sum();
            if total + size(&name, &entry) > MAX_KEPT_BYTES {
                // What follows from the seed is the same the next time.
                if entry.days.is_some() {
                    self.fault.borrow_mut().get_or_insert(KeptError::Full {
                        name: self.secret_name(),
                        file: entry.file,
                    });
                }
                return;
            }
        }
        self.is_changed.set(true);
        self.is_renewed
            .set(self.is_renewed.get() || entries.contains_key(&name));
        self.used.borrow_mut().insert(name.clone());
        entries.insert(name, entry);
    }

    fn load(&self) {
        let Some((owner, load)) = &self.owner else {
            return;
        };
        if self.entries.borrow().is_some() {
            return;
        }
        let name = secret_name(owner.instance);
        let mut entries = BTreeMap::new();
        match load(&name) {
            Ok(None) => {}
            Ok(Some(secret)) => {
                let data = secret.at(&["data"]).and_then(Value::as_map);
                for (key, value) in data.iter().flat_map(|data| data.iter()) {
                    if let Some(entry) = value.as_str().and_then(Entry::read) {
                        entries.insert(key.to_owned(), entry);
                    }
                }
                let is_owned = |(_, uid): &(&str, &str)| {
                    let references = secret.owner_references().iter();
                    let mut uids = references.filter_map(|owner| owner.get("uid")?.as_str());
                    uids.any(|owner| owner == *uid)
                };
                // Of an Application that was deleted and made anew.
                let is_strange = owner.application.as_ref().is_some_and(|a| !is_owned(a));
                self.is_changed.set(is_strange);
            }
            Err(cause) => {
                self.fault
                    .borrow_mut()
                    .get_or_insert(KeptError::Read { name, cause });
            }
        }
        *self.entries.borrow_mut() = Some(entries);
    }

    fn secret_name(&self) -> String {
        let owner = self.owner.as_ref();
        owner.map_or_else(String::new, |(owner, _)| secret_name(owner.instance))
    }

    /// Why the render must not be used, although it went through.
    pub fn take_fault(&self) -> Option<KeptError> {
        self.fault.borrow_mut().take()
    }

    /// Whether a certificate was renewed.
    pub fn is_renewed(&self) -> bool {
        self.is_renewed.get()
    }

    /// When the first of the certificates is to be renewed, in Unix seconds.
    pub fn renew_at(&self) -> Option<i64> {
        let used = self.used.borrow();
        let entries = self.entries.borrow();
        let entries = entries.iter().flatten();
        entries
            .filter(|(name, _)| used.contains(*name))
            .filter_map(|(_, entry)| entry.renew_at())
            .min()
    }

    /// The Secret to be written; `None` while nothing new was drawn. What
    /// the render did not use goes.
    pub fn changed(&self) -> Option<Object> {
        let (owner, _) = self.owner.as_ref().filter(|_| self.is_changed.get())?;
        let used = self.used.borrow();
        let mut data = Map::new();
        for (name, entry) in self.entries.borrow().iter().flatten() {
            if used.contains(name) {
                let text = STANDARD.encode(entry.to_json());
                data.insert(name.as_str(), Value::from(text.as_str()));
            }
        }
        let mut root = Map::new();
        root.insert("apiVersion", Value::from("v1"));
        root.insert("kind", Value::from("Secret"));
        let mut metadata = Map::new();
        metadata.insert("name", Value::from(self.secret_name().as_str()));
        metadata.insert("namespace", Value::from(owner.namespace));
        if let Some((name, uid)) = owner.application {
            let mut reference = Map::new();
            reference.insert("apiVersion", Value::from(crate::app::API_VERSION));
            reference.insert("kind", Value::from(crate::app::APPLICATION));
            reference.insert("name", Value::from(name));
            reference.insert("uid", Value::from(uid));
            metadata.insert("ownerReferences", vec![Value::Map(reference)]);
        }
        root.insert("metadata", Value::Map(metadata));
        root.insert("data", Value::Map(data));
        let mut secret = Object::new(Value::Map(root)).expect("apiVersion and kind are set");
        secret.set_annotation(names::GENERATED_FOR, owner.instance);
        Some(secret)
    }
}

/// The Secret of an application; names of applications may be too long for it.
fn secret_name(instance: &str) -> String {
    format!("drupelet-generated-{}", short_hash(&[instance.as_bytes()]))
}

/// The name of a draw in the Secret.
pub(super) fn draw_name(draw: &Draw<'_>) -> String {
    short_hash(&[
        draw.release.as_bytes(),
        draw.file.as_bytes(),
        draw.function.as_bytes(),
        &draw.arguments,
        &draw.ordinal.to_le_bytes(),
    ])
}

/// 128 bits of a SHA-256, as hexadecimal digits.
pub(super) fn short_hash(parts: &[&[u8]]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    let digest = hasher.finalize();
    digest[..16]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
