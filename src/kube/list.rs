//! A list as a stream: each item is parsed, handed on and forgotten, so that
//! ten thousand objects take the memory of one.

use super::Resource;
use crate::object::Object;
use crate::value::Value;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::cell::Cell;
use std::fmt;
use std::io::{self, BufReader, Read};

/// One item above this is no Kubernetes object (etcd takes 1.5 MB).
pub(crate) const MAX_OBJECT_BYTES: u64 = 16 * 1024 * 1024;
const BUFFER_BYTES: usize = 16 * 1024;

/// What a list says besides its items.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// Where a watch goes on from.
    pub resource_version: String,
    pub n_items: usize,
    /// "" after the last chunk.
    pub(crate) continue_token: String,
}

/// Reads one list document. Items of built-in kinds come without apiVersion
/// and kind: they get the resource's.
pub(crate) fn read_list(
    body: impl Read,
    resource: &Resource,
    on_item: &mut dyn FnMut(Object),
) -> Result<Listed, serde_json::Error> {
    let left = Cell::new(MAX_OBJECT_BYTES);
    let metered = Metered {
        inner: body,
        left: &left,
    };
    let mut deserializer =
        serde_json::Deserializer::from_reader(BufReader::with_capacity(BUFFER_BYTES, metered));
    let list = ListVisitor {
        api_version: resource.api_version(),
        kind: &resource.kind,
        left: &left,
        on_item,
    };
    let listed = deserializer.deserialize_map(list)?;
    deserializer.end()?;
    Ok(listed)
}

/// Fails once more bytes were read than are left; each item fills it up again.
struct Metered<'a, R> {
    inner: R,
    left: &'a Cell<u64>,
}

impl<R: Read> Read for Metered<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        let left = self.left.get().checked_sub(n as u64).ok_or_else(|| {
            io::Error::other(format!("an item larger than {MAX_OBJECT_BYTES} bytes"))
        })?;
        self.left.set(left);
        Ok(n)
    }
}

struct ListVisitor<'a> {
    api_version: String,
    kind: &'a str,
    left: &'a Cell<u64>,
    on_item: &'a mut dyn FnMut(Object),
}

#[derive(Default, Deserialize)]
struct ListMetadata {
    #[serde(default, rename = "resourceVersion")]
    resource_version: String,
    #[serde(default, rename = "continue")]
    continue_token: String,
}

impl<'de> Visitor<'de> for ListVisitor<'_> {
    type Value = Listed;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of {}", self.kind)
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut entries: A) -> Result<Listed, A::Error> {
        let mut listed = Listed::default();
        let mut has_items = false;
        while let Some(key) = entries.next_key::<String>()? {
            match key.as_str() {
                "metadata" => {
                    let metadata: ListMetadata = entries.next_value()?;
                    listed.resource_version = metadata.resource_version;
                    listed.continue_token = metadata.continue_token;
                }
                "items" => {
                    has_items = true;
                    listed.n_items += entries.next_value_seed(Items(&mut self))?;
                }
                _ => {
                    entries.next_value::<IgnoredAny>()?;
                }
            }
        }
        if !has_items {
            return Err(serde::de::Error::missing_field("items"));
        }
        Ok(listed)
    }
}

struct Items<'a, 'b>(&'a mut ListVisitor<'b>);

impl<'de> DeserializeSeed<'de> for Items<'_, '_> {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        // Go's nil slice is null.
        deserializer.deserialize_option(self)
    }
}

impl<'de> Visitor<'de> for Items<'_, '_> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a sequence of objects")
    }

    fn visit_none<E>(self) -> Result<usize, E> {
        Ok(0)
    }

    fn visit_unit<E>(self) -> Result<usize, E> {
        Ok(0)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_seq(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<usize, A::Error> {
        let ListVisitor {
            api_version,
            kind,
            left,
            on_item,
        } = self.0;
        let mut n_items = 0;
        while let Some(mut item) = items.next_element::<Value>()? {
            left.set(MAX_OBJECT_BYTES);
            if let Some(root) = item.as_map_mut() {
                root.insert("apiVersion", api_version.as_str());
                root.insert("kind", *kind);
            }
            let object = Object::new(item).map_err(serde::de::Error::custom)?;
            n_items += 1;
            on_item(object);
        }
        Ok(n_items)
    }
}
