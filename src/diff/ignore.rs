use crate::app::IgnoreDifferences;
use crate::object::{Object, ResourceKey};
use crate::value::{Map, Value};

/// The ignoreDifferences of an application that concern one object.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IgnoreRules {
    /// JSON pointers, split and unescaped.
    pointers: Vec<Vec<String>>,
    /// Whose managed fields do not count.
    managers: Vec<String>,
}

impl IgnoreRules {
    /// The rules for `key`; `matches` says whether a glob fits a text.
    pub fn for_object(
        rules: &[IgnoreDifferences],
        key: &ResourceKey,
        matches: impl Fn(&str, &str) -> bool,
    ) -> Self {
        let mut found = IgnoreRules::default();
        for rule in rules {
            let fits = matches(&rule.group, &key.group)
                && matches(&rule.kind, &key.kind)
                && (rule.name.is_empty() || rule.name == key.name)
                && (rule.namespace.is_empty() || rule.namespace == key.namespace);
            if fits {
                let pointers = rule.json_pointers.iter();
                found
                    .pointers
                    .extend(pointers.map(|text| split_pointer(text)));
                found
                    .managers
                    .extend(rule.managed_fields_managers.iter().cloned());
            }
        }
        found
    }

    pub fn is_empty(&self) -> bool {
        self.pointers.is_empty() && self.managers.is_empty()
    }

    /// The managers whose fields do not count.
    pub fn managers(&self) -> &[String] {
        &self.managers
    }

    /// Takes what is ignored out of an object.
    pub fn remove_from(&self, object: &mut Object) {
        for pointer in &self.pointers {
            remove_at(object.root_mut(), pointer);
        }
    }
}

fn split_pointer(pointer: &str) -> Vec<String> {
    pointer
        .split('/')
        .skip(1)
        .map(|part| part.replace("~1", "/").replace("~0", "~"))
        .collect()
}

fn remove_at(map: &mut Map, path: &[String]) {
    let Some((first, rest)) = path.split_first() else {
        return;
    };
    if rest.is_empty() {
        map.remove(first);
        return;
    }
    let mut value = map.get_mut(first);
    let mut rest = rest;
    // Lists on the way are entered by index.
    while let Some(Value::Seq(items)) = value {
        let Some((index, below)) = rest.split_first() else {
            return;
        };
        let Ok(index) = index.parse::<usize>() else {
            return;
        };
        if below.is_empty() {
            if index < items.len() {
                items.remove(index);
            }
            return;
        }
        value = items.get_mut(index);
        rest = below;
    }
    if let Some(Value::Map(map)) = value {
        remove_at(map, rest);
    }
}
