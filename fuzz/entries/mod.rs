//! What the fuzz targets and `tests/fuzz.rs` call with the bytes of a case.
//! An entry returns whatever becomes of them; a panic, a hang or memory
//! without end is the fault that is looked for.

pub mod charts;
pub mod kustomize;
pub mod signatures;

/// What takes the bytes of a case.
pub type Entry = fn(&[u8]);

/// Target, which is also the name of its corpus, and entry.
pub const TARGETS: &[(&str, Entry)] = &[
    ("template", charts::template),
    ("yaml", charts::yaml),
    ("archive", charts::archive),
    ("chart", charts::chart),
    ("index", charts::index),
    ("set", charts::set),
    ("patch", kustomize::patch),
    ("pointer", kustomize::pointer),
    ("image", kustomize::image),
    ("url", kustomize::url),
    ("signature", signatures::signature),
];
