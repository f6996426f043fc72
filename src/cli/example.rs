//! The example repository inside the binary (`deploy/examples`).

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Under which URL its Applications name it.
pub const URL: &str = "https://example.com/drupelet/example.git";

macro_rules! files {
    ($($path:literal),* $(,)?) => {
        &[$(($path, include_bytes!(concat!("../../deploy/examples/", $path)))),*]
    };
}

const FILES: &[(&str, &[u8])] = files![
    "README.md",
    "apps/root.yaml",
    "apps/whoami.yaml",
    "apps/blog.yaml",
    "manifests/whoami/whoami.yaml",
    "charts/blog/Chart.yaml",
    "charts/blog/values.yaml",
    "charts/blog/templates/content.yaml",
    "charts/blog/charts/web-0.1.0.tgz",
];

/// The example as files that can be edited while it runs; gone when dropped.
pub struct Extracted(PathBuf);

impl Extracted {
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Extracted {
    fn drop(&mut self) {
        // What cannot be removed is left to the system's own cleaning.
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub fn extract() -> io::Result<Extracted> {
    let root = std::env::temp_dir().join(format!("drupelet-example-{}", std::process::id()));
    fs::create_dir(&root)?;
    let extracted = Extracted(root);
    for (path, bytes) in FILES {
        let path = extracted.path().join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, bytes)?;
    }
    Ok(extracted)
}
