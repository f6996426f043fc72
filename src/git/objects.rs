//! An object database, opened for reading; every object is checked.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use gix::ObjectId;
use gix::objs::{CommitRef, Find, FindHeader, Kind};
use gix::odb::store::init;

use super::error::chain;

/// No object above this is decoded, whatever it is for.
pub const MAX_OBJECT_BYTES: u64 = 256 * 1024 * 1024;

#[derive(Debug, thiserror::Error)]
pub(super) enum ObjectError {
    #[error("object {0} is not there")]
    Missing(ObjectId),
    #[error("object {id} is a {found}, not a {wanted}")]
    Kind {
        id: ObjectId,
        found: Kind,
        wanted: Kind,
    },
    #[error("object {id} has {bytes} bytes, above the limit of {limit}")]
    TooLarge {
        id: ObjectId,
        bytes: u64,
        limit: u64,
    },
    #[error("object {id} is damaged: {cause}")]
    Damaged { id: ObjectId, cause: String },
}

pub(super) struct Objects {
    handle: gix::odb::Handle,
    /// Set when something in here is missing or damaged, so that the owner of
    /// a cache fetches it again.
    damaged: Option<Arc<AtomicBool>>,
}

impl Objects {
    pub fn open(directory: &Path, damaged: Option<Arc<AtomicBool>>) -> std::io::Result<Self> {
        let options = init::Options {
            alloc_limit_bytes: Some(MAX_OBJECT_BYTES as usize),
            ..init::Options::default()
        };
        let handle = gix::odb::at_opts(directory, gix::hash::Kind::Sha1, None, options)?;
        Ok(Self { handle, damaged })
    }

    pub fn kind_and_size(&self, id: ObjectId) -> Result<(Kind, u64), ObjectError> {
        match FindHeader::try_header(&self.handle, &id) {
            Ok(Some(header)) => Ok((header.kind, header.size)),
            Ok(None) => Err(self.missing(id)),
            Err(error) => Err(self.broken(id, chain(&error))),
        }
    }

    /// The bytes of an object of this kind, whose hash is its name.
    pub fn read(&self, id: ObjectId, wanted: Kind, limit: u64) -> Result<Vec<u8>, ObjectError> {
        let (found, bytes) = self.kind_and_size(id)?;
        if found != wanted {
            return Err(ObjectError::Kind { id, found, wanted });
        }
        let limit = limit.min(MAX_OBJECT_BYTES);
        if bytes > limit {
            return Err(ObjectError::TooLarge { id, bytes, limit });
        }
        let mut buffer = Vec::new();
        let kind = match self.handle.try_find(&id, &mut buffer) {
            Ok(Some(data)) => data.kind,
            Ok(None) => return Err(self.missing(id)),
            Err(error) => return Err(self.broken(id, chain(&error))),
        };
        // Packs carry checksums over all of themselves only: a flipped bit in
        // the index would hand out another object.
        match gix::objs::compute_hash(gix::hash::Kind::Sha1, kind, &buffer) {
            Ok(hash) if hash == id => Ok(buffer),
            Ok(hash) => Err(self.broken(id, format!("its content hashes to {hash}"))),
            Err(error) => Err(self.broken(id, chain(&error))),
        }
    }

    /// The commit that an id leads to, through annotated tags.
    pub fn peel_to_commit(&self, id: ObjectId) -> Result<ObjectId, ObjectError> {
        let mut id = id;
        // Tags of tags are rare, tags of a hundred tags are an attack.
        for _ in 0..10 {
            match self.kind_and_size(id)?.0 {
                Kind::Tag => {
                    let data = self.read(id, Kind::Tag, MAX_OBJECT_BYTES)?;
                    let tag = gix::objs::TagRef::from_bytes(&data, gix::hash::Kind::Sha1)
                        .map_err(|error| self.broken(id, chain(&error)))?;
                    id = tag.target();
                }
                _ => break,
            }
        }
        match self.kind_and_size(id)?.0 {
            Kind::Commit => Ok(id),
            found => Err(ObjectError::Kind {
                id,
                found,
                wanted: Kind::Commit,
            }),
        }
    }

    /// The tree of a commit.
    pub fn root_tree(&self, commit: ObjectId) -> Result<ObjectId, ObjectError> {
        let data = self.read(commit, Kind::Commit, MAX_OBJECT_BYTES)?;
        let decoded = CommitRef::from_bytes(&data, gix::hash::Kind::Sha1)
            .map_err(|error| self.broken(commit, chain(&error)))?;
        let tree = decoded.tree();
        self.read(tree, Kind::Tree, MAX_OBJECT_BYTES)?;
        Ok(tree)
    }

    pub fn handle(&self) -> &gix::odb::Handle {
        &self.handle
    }

    fn missing(&self, id: ObjectId) -> ObjectError {
        self.mark();
        ObjectError::Missing(id)
    }

    pub fn broken(&self, id: ObjectId, cause: String) -> ObjectError {
        self.mark();
        ObjectError::Damaged { id, cause }
    }

    fn mark(&self) {
        if let Some(flag) = &self.damaged {
            flag.store(true, Ordering::SeqCst);
        }
    }
}
