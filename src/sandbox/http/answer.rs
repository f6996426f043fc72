//! Answers, and the form in which the client wants them.

use crate::sandbox::catalog::Resource;
use crate::sandbox::convert;
use crate::sandbox::status::Refusal;
use crate::sandbox::store::Stored;
use crate::sandbox::table;
use crate::value::{Map, Value};
use hyper::body::Bytes;
use std::rc::Rc;

/// What a verb gives back.
#[derive(Debug)]
pub struct Answer {
    pub code: u16,
    pub body: Body,
    pub warnings: Vec<String>,
}

#[derive(Debug)]
pub enum Body {
    /// An object, Status objects included.
    Object(Value),
    /// An object straight from the store.
    Stored(Rc<Resource>, Rc<Stored>),
    List(List),
    Raw(&'static str, Bytes),
}

#[derive(Debug)]
pub struct List {
    pub resource: Rc<Resource>,
    pub items: Vec<Rc<Stored>>,
    pub resource_version: u64,
    pub next: Option<String>,
    pub remaining: Option<usize>,
}

impl Answer {
    pub fn ok(body: Body) -> Self {
        Answer {
            code: 200,
            body,
            warnings: Vec::new(),
        }
    }

    pub fn object(code: u16, object: Value) -> Self {
        Answer {
            code,
            body: Body::Object(object),
            warnings: Vec::new(),
        }
    }
}

/// How objects are to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Json,
    Table(Include),
    PartialMetadata,
}

/// What a table's rows carry beside their cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Include {
    None,
    Metadata,
    Object,
}

impl Form {
    /// The first clause of the Accept header that can be served.
    pub fn negotiate(accept: &str, include_object: &str) -> Result<Self, Refusal> {
        let include = match include_object {
            "" | "Metadata" => Include::Metadata,
            "None" => Include::None,
            "Object" => Include::Object,
            other => {
                return Err(Refusal::bad_request(format!(
                    "unrecognized includeObject value: {other:?}"
                )));
            }
        };
        if accept.trim().is_empty() {
            return Ok(Form::Json);
        }
        for clause in accept.split(',') {
            let mut parts = clause.split(';').map(str::trim);
            let media = parts.next().unwrap_or_default();
            if !matches!(media, "application/json" | "*/*" | "application/*") {
                continue;
            }
            let (mut kind, mut group, mut version) = ("", "", "");
            for part in parts {
                match part.split_once('=') {
                    Some(("as", text)) => kind = text,
                    Some(("g", text)) => group = text,
                    Some(("v", text)) => version = text,
                    Some(_) | None => {}
                }
            }
            let is_meta = group == "meta.k8s.io" && matches!(version, "v1" | "v1beta1");
            match kind {
                "" => return Ok(Form::Json),
                "Table" if is_meta => return Ok(Form::Table(include)),
                "PartialObjectMetadata" | "PartialObjectMetadataList" if is_meta => {
                    return Ok(Form::PartialMetadata);
                }
                _ => {}
            }
        }
        Err(Refusal::not_acceptable(
            "406: Not Acceptable\n\nAvailable representations: application/json, application/yaml, application/vnd.kubernetes.protobuf",
        ))
    }
}

/// The bytes of one object in a form, as for GET and for events.
pub fn object_bytes(resource: &Resource, stored: &Stored, form: Form) -> Bytes {
    match form {
        Form::Json => {
            let mut out = Vec::with_capacity(stored.body.len() + 64);
            write_object(&mut out, resource, stored, true);
            Bytes::from(out)
        }
        Form::PartialMetadata => Bytes::from(partial(stored, "PartialObjectMetadata").to_json()),
        Form::Table(include) => {
            let table = table::of(resource, &[stored], include, true);
            Bytes::from(table.to_json())
        }
    }
}

/// Writes an object in the version of `resource`; the body at rest is copied
/// as it is where the versions agree.
fn write_object(out: &mut Vec<u8>, resource: &Resource, stored: &Stored, with_kind: bool) {
    if convert::is_hub(resource) {
        if with_kind {
            out.extend_from_slice(br#"{"kind":""#);
            out.extend_from_slice(resource.kind.as_bytes());
            out.extend_from_slice(br#"","apiVersion":""#);
            out.extend_from_slice(resource.api_version().as_bytes());
            out.extend_from_slice(b"\",");
            out.extend_from_slice(&stored.body[1..]);
        } else {
            out.extend_from_slice(&stored.body);
        }
        return;
    }
    let mut value = convert::from_store(resource, stored);
    if let (false, Some(map)) = (with_kind, value.as_map_mut()) {
        map.remove("apiVersion");
        map.remove("kind");
    }
    out.extend_from_slice(value.to_json().as_bytes());
}

fn partial(stored: &Stored, kind: &str) -> Value {
    let mut map = Map::new();
    map.insert("apiVersion", "meta.k8s.io/v1");
    map.insert("kind", kind);
    let value = stored.to_value("", "");
    if let Some(metadata) = value.get("metadata") {
        map.insert("metadata", metadata.clone());
    }
    Value::Map(map)
}

fn partial_of_value(value: &Value) -> Value {
    let mut map = Map::new();
    map.insert("apiVersion", "meta.k8s.io/v1");
    map.insert("kind", "PartialObjectMetadata");
    if let Some(metadata) = value.get("metadata") {
        map.insert("metadata", metadata.clone());
    }
    Value::Map(map)
}

impl Body {
    /// Content type and bytes in the wanted form.
    pub fn to_bytes(&self, form: Form) -> (&'static str, Bytes) {
        let bytes = match self {
            Body::Raw(kind, bytes) => return (kind, bytes.clone()),
            Body::Object(value) => {
                let is_status = value.get("kind").and_then(Value::as_str) == Some("Status");
                match form {
                    Form::PartialMetadata if !is_status => {
                        Bytes::from(partial_of_value(value).to_json())
                    }
                    Form::Json | Form::Table(_) | Form::PartialMetadata => {
                        Bytes::from(value.to_json())
                    }
                }
            }
            Body::Stored(resource, stored) => object_bytes(resource, stored, form),
            Body::List(list) => list.to_bytes(form),
        };
        ("application/json", bytes)
    }
}

impl List {
    fn metadata(&self) -> Map {
        let mut metadata = Map::new();
        metadata.insert("resourceVersion", self.resource_version.to_string());
        if let Some(next) = &self.next {
            metadata.insert("continue", next.as_str());
        } else if self.resource.is_custom() {
            // Lists of custom resources always print it.
            metadata.insert("continue", "");
        }
        if let Some(remaining) = self.remaining {
            metadata.insert("remainingItemCount", remaining as i64);
        }
        metadata
    }

    fn to_bytes(&self, form: Form) -> Bytes {
        let metadata = self.metadata();
        if let Form::Table(include) = form {
            let rows: Vec<&Stored> = self.items.iter().map(Rc::as_ref).collect();
            let mut metadata = metadata;
            metadata.retain(|key, value| key != "continue" || value.as_str() != Some(""));
            let mut table = table::of(&self.resource, &rows, include, true);
            if let Some(map) = table.as_map_mut() {
                map.insert("metadata", metadata);
            }
            return Bytes::from(table.to_json());
        }
        let (kind, api_version) = match form {
            Form::PartialMetadata => (
                "PartialObjectMetadataList".to_owned(),
                "meta.k8s.io/v1".to_owned(),
            ),
            Form::Json | Form::Table(_) => (
                format!("{}List", self.resource.kind),
                self.resource.api_version(),
            ),
        };
        let size: usize = self.items.iter().map(|item| item.body.len() + 64).sum();
        let mut out = Vec::with_capacity(size + 256);
        out.extend_from_slice(
            format!(
                r#"{{"kind":"{kind}","apiVersion":"{api_version}","metadata":{},"items":["#,
                Value::Map(metadata).to_json()
            )
            .as_bytes(),
        );
        for (at, stored) in self.items.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            match form {
                Form::PartialMetadata => {
                    let item = partial(stored, "PartialObjectMetadata");
                    out.extend_from_slice(item.to_json().as_bytes());
                }
                // Built-in lists leave apiVersion and kind of the items out.
                Form::Json | Form::Table(_) => {
                    write_object(&mut out, &self.resource, stored, self.resource.is_custom());
                }
            }
        }
        out.extend_from_slice(b"]}");
        Bytes::from(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_first_clause_that_it_knows() {
        let kubectl = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json";
        let table = Form::Table(Include::Metadata);
        assert_eq!(Form::negotiate(kubectl, "").unwrap(), table);
        let metadata = "application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";
        assert_eq!(
            Form::negotiate(metadata, "").unwrap(),
            Form::PartialMetadata
        );
        let typed = "application/vnd.kubernetes.protobuf,application/json";
        assert_eq!(Form::negotiate(typed, "").unwrap(), Form::Json);
        assert!(Form::negotiate("text/html", "").is_err());
    }
}
