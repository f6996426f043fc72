//! Objects out of a file that a user names.

use crate::object::Object;
use crate::value::yaml;
use anyhow::{Context, bail};
use std::io::Read;
use std::path::Path;

/// The objects of a file (`-` is stdin), each of which must pass `check`.
pub fn read(
    file: &Path,
    what: &str,
    check: impl Fn(&Object) -> anyhow::Result<()>,
) -> anyhow::Result<Vec<Object>> {
    let mut bytes = Vec::new();
    if file.as_os_str() == "-" {
        std::io::stdin().read_to_end(&mut bytes)?;
    } else {
        bytes = std::fs::read(file).with_context(|| file.display().to_string())?;
    }
    let text = yaml::decode(&bytes).with_context(|| file.display().to_string())?;
    let mut objects = Vec::new();
    for document in yaml::parse_stream(&text).with_context(|| file.display().to_string())? {
        if document.value.is_null() {
            continue;
        }
        let place = format!("{}:{}", file.display(), document.line);
        let object = Object::new(document.value).with_context(|| place.clone())?;
        check(&object).context(place)?;
        objects.push(object);
    }
    if objects.is_empty() {
        bail!("{}: holds no {what}", file.display());
    }
    Ok(objects)
}
