//! What the last comparison left, on disk: digests of desired objects and of
//! our fields in the live ones. With them a restarted agent needs no dry run of
//! what has not changed since.
//!
//! ```text
//! <cache>/digests/<hash of the application>
//!   drupelet-digests <version> <rules> <destination>
//!   <desired> <expected> <group> <kind> <namespace> <name> <version>     tabs between
//! ```
//! Invariant: a file that is old, damaged or gone costs dry runs, no
//! correctness: an entry counts only where both digests are those of now.

use super::compare::{CompareError, CompareOutcome, Compared, ComparedItem, Comparison};
use super::controller::Controller;
use super::message::AppId;
use crate::app::{Application, SyncCode, instance_name};
use crate::diff::{Digest, digest_of};
use crate::object::ResourceKey;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A file above this is neither written nor read: 10,000 objects.
const MAX_BYTES: u64 = 2 << 20;

/// Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Digests {
    /// `None` keeps nothing.
    folder: Option<PathBuf>,
}

impl Digests {
    pub fn new(folder: Option<PathBuf>) -> Self {
        Digests { folder }
    }

    /// What was left of an application; nothing where it went elsewhere since.
    pub fn load(&self, app: &Application, instance: &str) -> Option<Compared> {
        let path = self.folder.as_ref()?.join(name_of(instance));
        if fs::metadata(&path).ok()?.len() > MAX_BYTES {
            return None;
        }
        let text = fs::read_to_string(path).ok()?;
        let mut lines = text.lines();
        let rest = lines.next()?.strip_prefix(&head())?;
        let (rules, destination) = rest.split_once(' ')?;
        if digest(destination)? != digest_of(&app.spec.destination) {
            return None;
        }
        Some(Compared {
            rules: digest(rules)?,
            items: lines.map(item).collect::<Option<_>>()?,
            ..Compared::default()
        })
    }

    /// Writes what is there to be known of an application, if that is news.
    pub fn keep(&self, app: &Application, instance: &str, compared: &Compared) {
        let Some(folder) = &self.folder else {
            return;
        };
        let path = folder.join(name_of(instance));
        let text = text_of(app, compared);
        let is_known = fs::read_to_string(&path).is_ok_and(|known| known == text);
        if is_known || text.len() as u64 > MAX_BYTES {
            return;
        }
        if let Err(error) = write_whole(folder, &path, &text) {
            // It costs dry runs after the next start.
            tracing::debug!(%error, path = %path.display(), "digests are not kept");
        }
    }

    /// Removes what is of no application any more.
    pub fn retain(&self, instances: &[String]) {
        let Some(folder) = &self.folder else {
            return;
        };
        let known: BTreeSet<String> = instances.iter().map(|name| name_of(name)).collect();
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            if !known.contains(&*entry.file_name().to_string_lossy()) {
                // What stays is looked at again after the next start.
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

impl Comparison {
    /// The comparison before this one, also that of an earlier process.
    pub(super) fn last_known(&self) -> Option<Arc<Compared>> {
        let loaded = || self.digests.load(&self.app, &self.instance);
        self.previous.clone().or_else(|| loaded().map(Arc::new))
    }

    /// What is out of sync is kept when it was synced: one write, not two.
    pub(super) fn keep_digests(&self, result: &Result<CompareOutcome, CompareError>) {
        if let Ok(CompareOutcome { compared, .. }) = result
            && compared.code() == SyncCode::Synced
        {
            self.digests.keep(&self.app, &self.instance, compared);
        }
    }
}

impl Controller {
    /// After a sync: what it applied is known by other digests now.
    pub(super) fn keep_digests(&self, id: &AppId) {
        let Some(app) = self.apps.get(id) else {
            return;
        };
        let Some(compared) = app.compared.clone() else {
            return;
        };
        let (digests, app, instance) =
            (self.digests.clone(), app.app.clone(), app.instance.clone());
        self.write_pool
            .run(move || digests.keep(&app, &instance, &compared));
    }

    /// All applications are known: others are gone.
    pub(super) fn forget_digests(&self) {
        let digests = self.digests.clone();
        let ours = self.apps.values().map(|app| app.instance.clone());
        // What is another agent's now may come back.
        let others = self.ids_elsewhere().into_iter();
        let others =
            others.map(|id| instance_name(&id.namespace, &id.name, &self.settings.namespace));
        let instances: Vec<String> = ours.chain(others).collect();
        self.write_pool.run(move || digests.retain(&instances));
    }
}

fn head() -> String {
    format!("drupelet-digests {} ", env!("CARGO_PKG_VERSION"))
}

fn name_of(instance: &str) -> String {
    hex(&digest_of(&instance))
}

fn hex(digest: &Digest) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn digest(text: &str) -> Option<Digest> {
    if text.len() != 32 || !text.is_ascii() {
        return None;
    }
    let mut digest = Digest::default();
    for (byte, at) in digest.iter_mut().zip((0..32).step_by(2)) {
        *byte = u8::from_str_radix(&text[at..at + 2], 16).ok()?;
    }
    Some(digest)
}

fn text_of(app: &Application, compared: &Compared) -> String {
    let destination = hex(&digest_of(&app.spec.destination));
    let mut text = format!("{}{} {destination}\n", head(), hex(&compared.rules));
    for item in &compared.items {
        let Some(expected) = &item.expected else {
            continue;
        };
        let key = &item.key;
        let parts = [
            &hex(&item.desired),
            &hex(expected),
            &key.group,
            &key.kind,
            &key.namespace,
            &key.name,
            &item.version,
        ];
        // Memory takes it.
        let _ = writeln!(text, "{}", parts.map(String::as_str).join("\t"));
    }
    text
}

fn item(line: &str) -> Option<ComparedItem> {
    let parts: Vec<&str> = line.split('\t').collect();
    let [desired, expected, group, kind, namespace, name, version] = parts[..] else {
        return None;
    };
    Some(ComparedItem {
        key: ResourceKey {
            group: group.to_owned(),
            kind: kind.to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        },
        version: version.to_owned(),
        desired: digest(desired)?,
        expected: Some(digest(expected)?),
        code: SyncCode::Synced,
        is_missing: false,
        wave: 0,
        is_hook: false,
        ignores_health: false,
    })
}

/// Whole or not at all, also when the power goes.
fn write_whole(folder: &Path, path: &Path, text: &str) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let fresh = path.with_extension("new");
    fs::write(&fresh, text)?;
    fs::rename(fresh, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compared() -> Compared {
        let line = format!(
            "{}\t{}\tapps\tDeployment\tdefault\tweb\tv1",
            "0f".repeat(16),
            "a1".repeat(16)
        );
        Compared {
            rules: [7; 16],
            items: vec![item(&line).expect("a line as they are")],
            ..Compared::default()
        }
    }

    fn app(namespace: &str) -> Application {
        let mut app = Application::default();
        namespace.clone_into(&mut app.spec.destination.namespace);
        app
    }

    #[test]
    fn what_is_kept_comes_back_for_the_same_destination() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let digests = Digests::new(Some(folder.path().join("digests")));
        assert!(digests.load(&app("a"), "web").is_none());
        digests.keep(&app("a"), "web", &compared());
        let found = digests.load(&app("a"), "web").expect("it was kept");
        assert_eq!(found.rules, [7; 16]);
        assert_eq!(found.items[0].desired, [0x0f; 16]);
        assert_eq!(found.items[0].expected, Some([0xa1; 16]));
        assert_eq!(found.items[0].key, compared().items[0].key);
        assert!(digests.load(&app("b"), "web").is_none());
        assert!(digests.load(&app("a"), "other").is_none());
        digests.retain(&["other".to_owned()]);
        assert!(digests.load(&app("a"), "web").is_none());
    }

    #[test]
    fn a_damaged_file_is_as_none() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let digests = Digests::new(Some(folder.path().to_owned()));
        digests.keep(&app("a"), "web", &compared());
        let path = folder.path().join(name_of("web"));
        let whole = fs::read_to_string(&path).expect("it was written");
        for damaged in [
            String::new(),
            whole.replace("drupelet-digests", "drupelet-digest"),
            whole.replace('\t', " "),
            whole.replace("0f", "0ü"),
            whole.replace("a1", "zz"),
            whole[..whole.len() - 30].to_owned(),
            format!("{whole}\n"),
        ] {
            fs::write(&path, &damaged).expect("the folder is writable");
            assert!(digests.load(&app("a"), "web").is_none(), "{damaged}");
        }
        fs::write(&path, [0xff, 0xfe]).expect("the folder is writable");
        assert!(digests.load(&app("a"), "web").is_none());
    }
}
