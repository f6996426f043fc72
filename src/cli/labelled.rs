//! Secrets with Argo CD's label: repositories, templates of credentials,
//! clusters. What stands in them is written, and never printed.

use super::app::Place;
use super::objects;
use crate::agent::secret_resource;
use crate::kube::{Client, Conflict, ListOptions};
use crate::object::{Object, names};
use crate::value::{Map, Value};
use anyhow::bail;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// By this Argo CD tells Secrets that its own commands made.
const MANAGED_BY: (&str, &str) = ("managed-by", "argocd.argoproj.io");

/// All Secrets with that label.
pub fn list(client: &Client, place: &Place, kind: &str) -> anyhow::Result<Vec<Object>> {
    let options = ListOptions {
        namespace: place.namespace.clone(),
        label_selector: format!("{}={kind}", names::SECRET_TYPE),
        ..ListOptions::default()
    };
    Ok(client.list_all(&secret_resource(), &options)?.0)
}

/// A text that is no secret; "" where it is absent.
pub fn text(secret: &Object, key: &str) -> String {
    let encoded = secret.at(&["data", key]).and_then(Value::as_str);
    let bytes = STANDARD.decode(encoded.unwrap_or_default());
    let text = String::from_utf8(bytes.unwrap_or_default()).unwrap_or_default();
    text.trim_end_matches(['\r', '\n']).to_owned()
}

/// A Secret as Argo CD writes it, without the fields that are empty.
pub fn secret(place: &Place, kind: &str, name: &str, fields: &[(&str, &str)]) -> Object {
    let data = fields
        .iter()
        .filter(|(_, text)| !text.is_empty())
        .map(|(key, text)| (*key, STANDARD.encode(text)));
    let mut metadata = Map::from_iter([("name", name), ("namespace", &place.namespace)]);
    metadata.insert("labels", Map::from_iter([(names::SECRET_TYPE, kind)]));
    metadata.insert("annotations", Map::from_iter([MANAGED_BY]));
    let value = Value::Map(Map::from_iter([
        ("apiVersion", Value::from("v1")),
        ("kind", Value::from("Secret")),
        ("metadata", Value::Map(metadata)),
        ("type", Value::from("Opaque")),
        ("data", Value::Map(Map::from_iter(data))),
    ]));
    Object::new(value).expect("apiVersion and kind are set")
}

/// How a Secret is put into the cluster.
pub struct Put<'a> {
    pub place: &'a Place,
    pub upsert: bool,
    pub dry_run: bool,
    /// `repository https://…`, for messages.
    pub what: &'a str,
}

impl Put<'_> {
    /// Creates the Secret, or changes `live`, the one that is about the same.
    pub fn put(
        &self,
        client: &Client,
        wanted: &Object,
        live: Option<&Object>,
    ) -> anyhow::Result<&'static str> {
        let options = objects::write_options(self.dry_run);
        let Some(live) = live else {
            return match client.create(&secret_resource(), wanted, &options) {
                Ok(_) => Ok("added"),
                Err(error) if error.conflict() == Some(Conflict::AlreadyExists) => bail!(
                    "{}: a Secret {} is in namespace {}, and is about something else",
                    self.what,
                    wanted.name(),
                    self.place.namespace
                ),
                Err(error) => Err(error.into()),
            };
        };
        let mut changed = live.clone();
        let data = wanted.at(&["data"]).cloned().unwrap_or_default();
        changed.root_mut().insert("data", data);
        if changed == *live {
            return Ok("unchanged");
        }
        if !self.upsert {
            bail!(
                "{}: it is there already (Secret {}), and differs; --upsert changes it",
                self.what,
                live.name()
            );
        }
        client.update(&secret_resource(), &changed, &options)?;
        Ok("configured")
    }
}

/// The hash in the names that Argo CD gives to Secrets: FNV-1a of 32 bits.
pub fn hash(texts: &[&str]) -> u32 {
    let bytes = texts.iter().flat_map(|text| text.bytes());
    bytes.fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

#[cfg(test)]
mod tests {
    use super::hash;

    /// The example of Argo CD's own tests of cluster Secrets.
    #[test]
    fn the_hash_is_that_of_argo_cd() {
        assert_eq!(
            hash(&["http://[fe80::1ff:fe23:4567:890a]:8000"]),
            664_858_999
        );
        assert_eq!(hash(&["ab"]), hash(&["a", "b"]));
    }
}
