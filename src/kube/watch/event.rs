//! One line of a watch.

use super::Watched;
use crate::object::Object;
use crate::value::Value;
use kube_core::Status;
use serde::Deserialize;

/// What a line says.
#[derive(Debug)]
pub enum Line {
    Applied(Object),
    Deleted(Object),
    /// Nothing happened up to this resourceVersion.
    Bookmark(String),
    /// The watch ends here; 410 says that its resourceVersion is too old.
    Error(Box<Status>),
}

#[derive(Deserialize)]
struct Raw {
    r#type: String,
    object: Value,
}

pub fn parse(line: &[u8], watched: &Watched) -> Result<Line, String> {
    let raw: Raw = serde_json::from_slice(line).map_err(|error| error.to_string())?;
    let mut value = raw.object;
    let object = |mut value: Value| {
        if let (true, Some(root)) = (watched.metadata_only, value.as_map_mut()) {
            root.insert("apiVersion", watched.resource.api_version());
            root.insert("kind", watched.resource.kind.as_str());
        }
        Object::new(value).map_err(|error| error.to_string())
    };
    match raw.r#type.as_str() {
        "ADDED" | "MODIFIED" => Ok(Line::Applied(object(value)?)),
        "DELETED" => Ok(Line::Deleted(object(value)?)),
        "BOOKMARK" => {
            let version = value.at(&["metadata", "resourceVersion"]);
            let version = version.and_then(Value::as_str).unwrap_or_default();
            Ok(Line::Bookmark(version.to_owned()))
        }
        "ERROR" => {
            // A Status has no field that our own could not hold.
            let status = value.as_map_mut().map(std::mem::take).unwrap_or_default();
            let status = Value::Map(status).to::<Status>();
            Ok(Line::Error(Box::new(
                status.map_err(|error| error.to_string())?,
            )))
        }
        other => Err(format!("an event of the unknown type {other:?}")),
    }
}
