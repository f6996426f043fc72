//! Packed charts: a gzipped tar file as a list of files in its order.
//!
//! Invariant: sizes, counts and names are checked before anything is kept;
//! a name never leads out of the chart, links are not followed.

use super::{ChartFile, Part, UTF8_BOM, Unread};
use crate::tree::clean;
use std::io::{self, Read, Seek, SeekFrom};
use std::rc::Rc;

/// Helm's own limits: of all files together, and of one.
pub const MAX_CHART_BYTES: u64 = 100 * 1024 * 1024;
pub const MAX_FILE_BYTES: u64 = 5 * 1024 * 1024;
/// Ours: the largest public charts hold some two thousand files.
pub const MAX_FILES: usize = 20_000;

/// What is inflated at once.
const INFLATED_BYTES: usize = 32 * 1024;

/// 2015 in Unix seconds: no chart is older, while reproducible archives say
/// 1970 or 1980.
const FIRST_CHARTS: i64 = 1_420_070_400;

#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    #[error("gzip: invalid header")]
    NoGzip,
    #[error("the archive is damaged: {0}")]
    Damaged(std::io::Error),
    #[error("no files in chart archive")]
    Empty,
    #[error("chart illegally contains absolute paths")]
    AbsolutePath,
    #[error("chart illegally contains content outside the base directory: {0:?}")]
    OutsideBase(String),
    #[error("chart illegally references parent directory")]
    ParentDirectory,
    #[error("chart contains illegally named files")]
    IllegalName,
    #[error("chart yaml not in base directory")]
    ChartYamlNotInBase,
    #[error("decompressed chart is larger than the maximum size {MAX_CHART_BYTES}")]
    ChartTooLarge,
    #[error("decompressed chart file {0:?} is larger than the maximum file size {MAX_FILE_BYTES}")]
    FileTooLarge(String),
    #[error("chart archive holds more than {MAX_FILES} files")]
    TooManyFiles,
}

/// What may still be unpacked: the charts inside of a chart share its limits,
/// or archives in archives would multiply them.
pub struct Budget {
    bytes: u64,
    files: usize,
    /// Set where what `.Files` alone shows is not wanted.
    pub unread: Option<Unread>,
}

impl Budget {
    pub fn new() -> Self {
        Budget {
            bytes: MAX_CHART_BYTES,
            files: MAX_FILES,
            unread: None,
        }
    }
}

/// A stream that can be moved in, forward only: what tar skips of others, it reads
/// into 32 KiB that it clears first, for each file.
struct Forward<R> {
    stream: R,
    position: u64,
}

impl<R: Read> Read for Forward<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n_read = self.stream.read(buffer)?;
        self.position += n_read as u64;
        Ok(n_read)
    }
}

impl<R: Read> Seek for Forward<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let SeekFrom::Current(distance @ 0..) = to else {
            return Err(io::ErrorKind::Unsupported.into());
        };
        let mut rest = distance as u64;
        let mut passed_over = [0; 512];
        while rest > 0 {
            let n = rest.min(passed_over.len() as u64);
            self.read_exact(&mut passed_over[..n as usize])?;
            rest -= n;
        }
        Ok(self.position)
    }
}

/// The files of a packed chart, their names relative to its base directory.
pub fn unpack(packed: &mut dyn Read, budget: &mut Budget) -> Result<Vec<ChartFile>, ArchiveError> {
    const GZIP_MAGIC: [u8; 3] = [0x1f, 0x8b, 0x08];
    let mut start = [0; 3];
    match packed.read_exact(&mut start) {
        Ok(()) if start == GZIP_MAGIC => {}
        Ok(()) => return Err(ArchiveError::NoGzip),
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            return Err(ArchiveError::NoGzip);
        }
        Err(error) => return Err(ArchiveError::Damaged(error)),
    }
    let packed = (&GZIP_MAGIC[..]).chain(packed);
    // Headers and padding count too, so that an archive of empty files ends.
    let plain = flate2::read::MultiGzDecoder::new(packed).take(2 * MAX_CHART_BYTES);
    // tar asks for 512 bytes at a time, before each of which inflating starts anew.
    let plain = io::BufReader::with_capacity(INFLATED_BYTES, plain);
    let mut archive = tar::Archive::new(Forward {
        stream: plain,
        position: 0,
    });
    let mut files = Vec::new();
    for entry in archive.entries_with_seek().map_err(ArchiveError::Damaged)? {
        let mut entry = entry.map_err(ArchiveError::Damaged)?;
        let kind = entry.header().entry_type();
        let raw = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if kind.is_dir() || raw.ends_with('/') {
            continue;
        }
        if kind.is_pax_global_extensions() || kind.is_pax_local_extensions() {
            continue;
        }
        let name = relative_name(&raw)?;
        let size = entry.size();
        if size > budget.bytes {
            return Err(ArchiveError::ChartTooLarge);
        }
        if size > MAX_FILE_BYTES {
            return Err(ArchiveError::FileTooLarge(raw));
        }
        budget.files = budget
            .files
            .checked_sub(1)
            .ok_or(ArchiveError::TooManyFiles)?;
        if size > 0
            && let Some(unread) = &budget.unread
            && is_for_files_alone(&name)
        {
            let unread = Some(unread.clone());
            let data = Rc::default();
            files.push(ChartFile { name, data, unread });
            budget.bytes -= size;
            continue;
        }
        // Straight into the place where it stays: charts hold megabytes of CRDs.
        let mut data: Rc<[u8]> = std::iter::repeat_n(0, size as usize).collect();
        let buffer = Rc::get_mut(&mut data).expect("nobody else has it yet");
        entry.read_exact(buffer).map_err(ArchiveError::Damaged)?;
        budget.bytes -= size;
        if budget.bytes == 0 {
            return Err(ArchiveError::ChartTooLarge);
        }
        if data.starts_with(UTF8_BOM) {
            data = data[UTF8_BOM.len()..].into();
        }
        let unread = None;
        files.push(ChartFile { name, data, unread });
    }
    if files.is_empty() {
        return Err(ArchiveError::Empty);
    }
    Ok(files)
}

/// Whether a file is one that nobody but `.Files` shows, the chart's or a subchart's.
fn is_for_files_alone(name: &str) -> bool {
    let mut rest = name;
    while let Some((_, below)) = rest
        .strip_prefix("charts/")
        .and_then(|rest| rest.split_once('/'))
    {
        rest = below;
    }
    Part::of(rest) == Part::File
}

/// When an archive was packed, in Unix seconds: the time of its first file.
/// `None` where it says nothing, or a time that packers use for nothing.
pub fn packed_at(packed: &[u8]) -> Option<i64> {
    let plain = flate2::read::MultiGzDecoder::new(packed).take(MAX_FILE_BYTES);
    let mut archive = tar::Archive::new(plain);
    let first = archive.entries().ok()?.next()?.ok()?;
    let seconds = i64::try_from(first.header().mtime().ok()?).ok()?;
    (seconds > FIRST_CHARTS).then_some(seconds)
}

/// The name without the base directory, checked as Helm checks it.
fn relative_name(raw: &str) -> Result<String, ArchiveError> {
    // Archives packed on Windows.
    let separator = if raw.contains('\\') { '\\' } else { '/' };
    let (base, rest) = raw.split_once(separator).unwrap_or((raw, ""));
    let rest = rest.replace(separator, "/");
    if rest.starts_with('/') {
        return Err(ArchiveError::AbsolutePath);
    }
    let name = clean(&rest);
    if name == "." {
        return Err(ArchiveError::OutsideBase(raw.to_owned()));
    }
    if name.starts_with("..") {
        return Err(ArchiveError::ParentDirectory);
    }
    let bytes = name.as_bytes();
    if bytes.len() > 2 && bytes[0].is_ascii_alphabetic() && &bytes[1..3] == b":/" {
        return Err(ArchiveError::IllegalName);
    }
    if base == "Chart.yaml" {
        return Err(ArchiveError::ChartYamlNotInBase);
    }
    Ok(name)
}
