use super::{Which, add_to, change, take_from, text};
use crate::value::{Map, Value};
use anyhow::bail;
use clap::Args;
use std::process::ExitCode;

const LIST: &str = "signatureKeys";
const FIELD: &str = "keyID";

#[derive(Args)]
#[command(
    after_help = "The keys themselves are in the ConfigMap argocd-gpg-keys-cm.\n\nExamples:\n  drupelet proj add-signature-key home 4AEE18F83AFDEB23\n  drupelet proj add-signature-key home SHA256:p2ws/mSJ+TdyrCh3MFbxH+7LlvUlQvgpIg8Lv7vzF+o"
)]
pub struct Arguments {
    /// The project
    name: String,
    /// ID or fingerprint of a GnuPG key, or the fingerprint of an ssh key
    #[arg(value_parser = key_id)]
    key: String,
    #[command(flatten)]
    which: Which,
}

/// As Argo CD takes it, or as `ssh-keygen -l` prints it.
fn key_id(text: &str) -> Result<String, String> {
    let is_gpg = matches!(text.len(), 16 | 40) && text.bytes().all(|b| b.is_ascii_hexdigit());
    match is_gpg || text.starts_with("SHA256:") {
        true => Ok(text.to_owned()),
        false => Err("neither 16 or 40 hexadecimal digits nor SHA256:…".to_owned()),
    }
}

pub fn add(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    change(&arguments.which, &arguments.name, |spec| {
        let key = Map::from_iter([(FIELD, arguments.key.as_str())]);
        add_to(spec, LIST, Value::Map(key));
        Ok(())
    })
}

pub fn remove(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    change(&arguments.which, &arguments.name, |spec| {
        match take_from(spec, LIST, |item| text(item, FIELD) == arguments.key) {
            true => Ok(()),
            false => bail!(
                "project {}: its signature keys do not name {}; see drupelet proj get",
                arguments.name,
                arguments.key
            ),
        }
    })
}
