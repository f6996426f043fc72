//! Many packs folded into one that holds what is still wanted.
//!
//! gix has no garbage collection. The new pack has no deltas: the commits in
//! here have no history, so there is little to save by them, and writing one
//! needs no more memory than its largest object.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use gix::ObjectId;
use gix::objs::tree::EntryKind;
use gix::objs::{Kind, TreeRefIter};
use sha1::{Digest, Sha1};

use super::error::chain;
use super::mirror::Mirror;
use super::objects::{MAX_OBJECT_BYTES, Objects};
use super::remote::write_pack;

/// Packs that may gather before they are folded.
pub const MAX_PACKS: usize = 12;

/// Leaves one pack with these commits and their trees; gives its size.
pub(super) fn compact(mirror: &Mirror, commits: &[ObjectId]) -> Result<u64, String> {
    let objects = Objects::open(&mirror.objects(), None).map_err(|error| error.to_string())?;
    let wanted = reachable(&objects, commits)?;
    let path = mirror.packs().join("folding.tmp");
    let folded = fold(mirror, &objects, &wanted, &path);
    let _ = fs::remove_file(&path);
    let (pack, bytes) = folded?;
    // From here on only files that are no longer needed are removed.
    let cleaned = mirror
        .forget_but(commits)
        .and_then(|()| remove_other_packs(mirror, &pack));
    cleaned.map_err(|error| error.to_string())?;
    Ok(bytes)
}

fn fold(
    mirror: &Mirror,
    objects: &Objects,
    wanted: &[(ObjectId, Kind)],
    path: &PathBuf,
) -> Result<(PathBuf, u64), String> {
    let text = |error: io::Error| error.to_string();
    let mut file = File::options()
        .create(true)
        .truncate(true)
        .read(true)
        .write(true)
        .open(path)
        .map_err(text)?;
    write_objects(&file, objects, wanted)?;
    append_checksum(&mut file).map_err(text)?;
    file.seek(SeekFrom::Start(0)).map_err(text)?;
    let outcome = write_pack(&mut BufReader::new(file), &mirror.packs(), None)
        .map_err(|error| chain(&error))?;
    if let Some(keep) = &outcome.keep_path {
        fs::remove_file(keep).map_err(text)?;
    }
    let pack = outcome.data_path.ok_or("the folded pack is empty")?;
    let bytes = pack.metadata().map_err(text)?.len();
    Ok((pack, bytes))
}

/// The commits, and every tree and blob below them, each once.
fn reachable(objects: &Objects, commits: &[ObjectId]) -> Result<Vec<(ObjectId, Kind)>, String> {
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    let mut trees = Vec::new();
    for commit in commits {
        let tree = objects.root_tree(*commit).map_err(|e| e.to_string())?;
        found.push((*commit, Kind::Commit));
        if seen.insert(tree) {
            trees.push(tree);
        }
    }
    while let Some(tree) = trees.pop() {
        let data = objects
            .read(tree, Kind::Tree, MAX_OBJECT_BYTES)
            .map_err(|error| error.to_string())?;
        found.push((tree, Kind::Tree));
        for entry in TreeRefIter::from_bytes(&data, gix::hash::Kind::Sha1) {
            let entry = entry.map_err(|error| chain(&error))?;
            let id = entry.oid.to_owned();
            match entry.mode.kind() {
                EntryKind::Tree if seen.insert(id) => trees.push(id),
                EntryKind::Blob | EntryKind::BlobExecutable | EntryKind::Link
                    if seen.insert(id) =>
                {
                    found.push((id, Kind::Blob));
                }
                // Seen already, or another repository's commit.
                EntryKind::Tree
                | EntryKind::Blob
                | EntryKind::BlobExecutable
                | EntryKind::Link
                | EntryKind::Commit => {}
            }
        }
    }
    Ok(found)
}

/// Version 2 of the pack format (gitformat-pack): a header, and for each object
/// its kind and size in groups of 7 bits, then the content, deflated.
fn write_objects(
    file: &File,
    objects: &Objects,
    wanted: &[(ObjectId, Kind)],
) -> Result<(), String> {
    let text = |error: io::Error| error.to_string();
    let n_objects = u32::try_from(wanted.len()).map_err(|_| "too many objects")?;
    let mut out = BufWriter::new(file);
    out.write_all(b"PACK\0\0\0\x02").map_err(text)?;
    out.write_all(&n_objects.to_be_bytes()).map_err(text)?;
    for (id, kind) in wanted {
        let data = objects
            .read(*id, *kind, MAX_OBJECT_BYTES)
            .map_err(|error| error.to_string())?;
        out.write_all(&entry_header(*kind, data.len()))
            .map_err(text)?;
        let mut deflate = ZlibEncoder::new(&mut out, Compression::fast());
        deflate.write_all(&data).map_err(text)?;
        deflate.finish().map_err(text)?;
    }
    out.flush().map_err(text)
}

fn entry_header(kind: Kind, bytes: usize) -> Vec<u8> {
    let kind = match kind {
        Kind::Commit => 1,
        Kind::Tree => 2,
        Kind::Blob => 3,
        Kind::Tag => 4,
    };
    let mut rest = bytes >> 4;
    let mut header = vec![(kind << 4) | (bytes & 15) as u8];
    while rest > 0 {
        if let Some(last) = header.last_mut() {
            *last |= 0x80;
        }
        header.push((rest & 0x7f) as u8);
        rest >>= 7;
    }
    header
}

fn append_checksum(file: &mut File) -> io::Result<()> {
    file.seek(SeekFrom::Start(0))?;
    let mut hash = Sha1::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let bytes = file.read(&mut buffer)?;
        if bytes == 0 {
            break;
        }
        hash.update(&buffer[..bytes]);
    }
    file.write_all(&hash.finalize())
}

fn remove_other_packs(mirror: &Mirror, kept: &PathBuf) -> io::Result<()> {
    for name in fs::read_dir(mirror.packs())?.flatten() {
        let path = name.path();
        if path != *kept && path != kept.with_extension("idx") {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}
