//! Repositories made through gix, so that no test needs git itself.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use gix::ObjectId;
use gix::objs::tree::{Entry, EntryKind};
use gix::objs::{Commit, Tree};

/// What stands at a path of a commit.
#[derive(Clone, Debug)]
pub enum Content {
    File(Vec<u8>),
    Symlink(String),
    Submodule(String),
}

impl From<&str> for Content {
    fn from(text: &str) -> Self {
        Self::File(text.as_bytes().to_vec())
    }
}

/// A bare repository under construction.
pub struct TestRepository {
    pub path: PathBuf,
    repository: gix::Repository,
}

impl TestRepository {
    pub fn create(path: &Path) -> Self {
        let options = gix::open::Options::isolated();
        let repository = gix::ThreadSafeRepository::init_opts(
            path,
            gix::create::Kind::Bare,
            gix::create::Options::default(),
            options,
        )
        .expect("an empty directory")
        .to_thread_local();
        Self {
            path: path.to_owned(),
            repository,
        }
    }

    /// A commit with exactly these files, on `refs/heads/BRANCH`.
    pub fn commit(&self, branch: &str, files: &[(&str, &str)]) -> String {
        let files = files.iter().map(|(path, text)| (*path, (*text).into()));
        self.commit_content(branch, files.collect::<Vec<(&str, Content)>>())
    }

    pub fn commit_content(&self, branch: &str, files: Vec<(&str, Content)>) -> String {
        let mut sorted = BTreeMap::new();
        for (path, content) in files {
            sorted.insert(path.to_owned(), content);
        }
        let tree = self.tree(&sorted, "");
        let name = format!("refs/heads/{branch}");
        let parent = self.reference(&name);
        // Fixed people and times: the same files give the same ids.
        let who = gix::actor::Signature {
            name: "Ada".into(),
            email: "ada@example.org".into(),
            time: gix::date::Time::new(1_700_000_000, 0),
        };
        let commit = Commit {
            tree,
            parents: parent.into_iter().collect(),
            author: who.clone(),
            committer: who,
            encoding: None,
            message: format!("change {branch}\n\nAll of it.\n").into(),
            extra_headers: Vec::new(),
        };
        let id = self
            .repository
            .write_object(&commit)
            .expect("writes")
            .detach();
        self.set(&name, id);
        id.to_string()
    }

    /// Points a ref, created or moved, at an object.
    pub fn set_reference(&self, name: &str, id: &str) {
        self.set(name, ObjectId::from_hex(id.as_bytes()).expect("an id"));
    }

    pub fn set_head(&self, branch: &str) {
        let text = format!("ref: refs/heads/{branch}\n");
        std::fs::write(self.path.join("HEAD"), text).expect("writes");
    }

    /// An annotated tag.
    pub fn tag(&self, name: &str, target: &str) -> String {
        let tag = gix::objs::Tag {
            target: ObjectId::from_hex(target.as_bytes()).expect("an id"),
            target_kind: gix::objs::Kind::Commit,
            name: name.into(),
            tagger: None,
            message: format!("release {name}\n").into(),
            signature: None,
        };
        let id = self.repository.write_object(&tag).expect("writes").detach();
        self.set(&format!("refs/tags/{name}"), id);
        id.to_string()
    }

    fn set(&self, name: &str, id: ObjectId) {
        let path = self.path.join(name);
        std::fs::create_dir_all(path.parent().expect("has one")).expect("creates");
        std::fs::write(path, format!("{id}\n")).expect("writes");
    }

    fn reference(&self, name: &str) -> Option<ObjectId> {
        let text = std::fs::read_to_string(self.path.join(name)).ok()?;
        ObjectId::from_hex(text.trim().as_bytes()).ok()
    }

    fn tree(&self, files: &BTreeMap<String, Content>, below: &str) -> ObjectId {
        let mut tree = Tree {
            entries: Vec::new(),
        };
        let mut done = String::new();
        for (path, content) in files {
            let Some(rest) = path.strip_prefix(below) else {
                continue;
            };
            let (name, mode, oid) = match rest.split_once('/') {
                Some((folder, _)) if done == folder => continue,
                Some((folder, _)) => {
                    done = folder.to_owned();
                    let id = self.tree(files, &format!("{below}{folder}/"));
                    (folder, EntryKind::Tree, id)
                }
                None => match content {
                    Content::File(bytes) => (rest, EntryKind::Blob, self.blob(bytes)),
                    Content::Symlink(to) => (rest, EntryKind::Link, self.blob(to.as_bytes())),
                    Content::Submodule(id) => {
                        let id = ObjectId::from_hex(id.as_bytes()).expect("an id");
                        (rest, EntryKind::Commit, id)
                    }
                },
            };
            tree.entries.push(Entry {
                mode: mode.into(),
                filename: name.into(),
                oid,
            });
        }
        tree.entries.sort();
        self.repository
            .write_object(&tree)
            .expect("writes")
            .detach()
    }

    fn blob(&self, bytes: &[u8]) -> ObjectId {
        self.repository.write_blob(bytes).expect("writes").detach()
    }
}
