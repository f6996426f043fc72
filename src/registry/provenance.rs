//! Provenance files of charts (`.prov`): who vouches for which archive. Here
//! they are fetched, kept and read; their signatures are verified elsewhere.
//!
//! ```text
//! name: app            Chart.yaml
//! ...
//! files:
//!   app-1.0.0.tgz: sha256:…
//! ```

use super::error::Fault;
use super::manifest::sha256_hex;
use crate::value::yaml;
use serde::{Deserialize, Serialize};

/// A provenance above this is not taken: it is Chart.yaml and a digest.
pub(super) const MAX_PROVENANCE_BYTES: u64 = 256 * 1024;

/// What stands beside an archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// As the archive is called: `app-1.0.0.tgz`.
    pub file: String,
    /// The message, signed in the clear.
    pub text: String,
}

impl Provenance {
    pub(super) fn of(file: String, bytes: Vec<u8>) -> Result<Self, Fault> {
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Provenance { file, text }),
            Err(_) => Err(Fault::Registry("its provenance is not UTF-8".to_owned())),
        }
    }
}

/// The digest (64 hexadecimal digits) that a signed text gives for a file.
pub fn vouched_digest(text: &str, file: &str) -> Result<String, String> {
    let none = || format!("provenance files section has no digest for {file:?}");
    let (_, files) = text.rsplit_once("\n...\n").ok_or_else(none)?;
    let files = yaml::parse_one(files)
        .map_err(|error| format!("provenance files section cannot be read: {error}"))?;
    let digest = files
        .at(&["files", file])
        .and_then(|digest| digest.as_str());
    digest.and_then(sha256_hex).ok_or_else(none)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_that_of_the_file_and_no_other() {
        let digest = "ab".repeat(32);
        let text = |files: &str| format!("name: app\nversion: 1.0.0\n\n...\n{files}");
        let good = text(&format!("files:\n  app-1.0.0.tgz: sha256:{digest}"));
        assert_eq!(vouched_digest(&good, "app-1.0.0.tgz"), Ok(digest.clone()));
        for (text, file) in [
            (good.clone(), "app-1.0.1.tgz"),
            (good.clone(), ""),
            (good.replace("\n...\n", "\n"), "app-1.0.0.tgz"),
            (good.replace("sha256:", "md5:"), "app-1.0.0.tgz"),
            (good.replace("abab", "zz"), "app-1.0.0.tgz"),
            (text("files: []"), "app-1.0.0.tgz"),
            (text("files: {"), "app-1.0.0.tgz"),
            (String::new(), "app-1.0.0.tgz"),
            // What the chart says of itself vouches for nothing.
            (
                format!("files:\n  app-1.0.0.tgz: sha256:{digest}\n...\nfiles: {{}}"),
                "app-1.0.0.tgz",
            ),
        ] {
            vouched_digest(&text, file).expect_err(&text);
        }
        Provenance::of("app-1.0.0.tgz".to_owned(), b"\xff".to_vec()).expect_err("is not UTF-8");
    }
}
