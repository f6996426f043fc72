//! Names that refer to resources whose names have changed.

use super::config::Config;
use super::field_spec::{Create, set_scalar};
use super::id::{ResId, is_selected};
use super::res_map::ResMap;
use super::resource::{Resource, scalar_text};
use super::schema::Schema;
use crate::object::Gvk;
use crate::value::{Map, Value};
use std::collections::HashSet;

/// What has to be known of a resource to refer to it.
struct Facts {
    now: ResId,
    previous: Vec<ResId>,
    original_namespace: String,
    prefixes: Vec<String>,
    suffixes: Vec<String>,
}

impl Facts {
    fn of(resource: &Resource, schema: &Schema) -> Self {
        Facts {
            now: resource.id(schema),
            previous: resource.previous_ids(),
            original_namespace: resource
                .original_id(schema)
                .effective_namespace()
                .to_owned(),
            prefixes: resource.prefixes(),
            suffixes: resource.suffixes(),
        }
    }
}

/// Rewrites all references of all resources.
pub fn update(map: &mut ResMap, schema: &Schema, config: &Config) -> Result<(), String> {
    let mut facts: Vec<Facts> = map.resources.iter().map(|r| Facts::of(r, schema)).collect();
    let originals: Vec<Gvk> = map
        .resources
        .iter()
        .map(|r| r.original_id(schema).gvk)
        .collect();
    for at in 0..map.resources.len() {
        let mut value = std::mem::take(&mut map.resources[at].value);
        let candidates = could_be_referred_to(&value, &facts, at);
        let role = role_of(&value);
        let mut result = Ok(());
        for referrers in &config.name_reference {
            for spec in &referrers.fields {
                if result.is_err() || !is_selected(&originals[at], &spec.gvk) {
                    continue;
                }
                let update = Update {
                    facts: &facts,
                    referrer: at,
                    candidates: &candidates,
                    target: &referrers.target,
                    role: role
                        .as_ref()
                        .filter(|_| spec.path.ends_with("roleRef/name")),
                };
                result = spec
                    .visit_all(&mut value, Create::Never, &mut |node| update.node(node))
                    .map_err(|cause| {
                        format!(
                            "{}updating name reference in '{}' field of '{}': {cause}",
                            map.resources[at].place_in_front(),
                            spec.path,
                            facts[at].now
                        )
                    });
            }
        }
        map.resources[at].value = value;
        result?;
        facts[at] = Facts::of(&map.resources[at], schema);
    }
    Ok(())
}

fn could_be_referred_to(referrer: &Value, facts: &[Facts], at: usize) -> Vec<usize> {
    let id = &facts[at].now;
    if id.is_cluster_scoped {
        return (0..facts.len()).collect();
    }
    let mut others = HashSet::new();
    if id.gvk.kind == "RoleBinding" {
        let subjects = referrer
            .get("subjects")
            .and_then(Value::as_seq)
            .unwrap_or_default();
        for subject in subjects {
            let text = |key: &str| subject.get(key).and_then(Value::as_str);
            if text("kind") == Some("ServiceAccount")
                && let Some(namespace) = text("namespace")
            {
                others.insert(namespace);
            }
        }
    }
    let reaches = |other: &ResId| {
        other.is_cluster_scoped
            || other.is_same_namespace(id)
            || others.contains(other.namespace.as_str())
    };
    (0..facts.len())
        .filter(|other| reaches(&facts[*other].now))
        .collect()
}

/// Group and kind of `roleRef`, where both are there.
fn role_of(referrer: &Value) -> Option<Gvk> {
    let text = |key: &str| referrer.at(&["roleRef", key]).map(scalar_text);
    Some(Gvk::new(&text("apiGroup")?, "", &text("kind")?))
}

struct Update<'a> {
    facts: &'a [Facts],
    referrer: usize,
    candidates: &'a [usize],
    target: &'a Gvk,
    role: Option<&'a Gvk>,
}

impl Update<'_> {
    fn node(&self, node: &mut Value) -> Result<(), String> {
        match node {
            Value::Null => Ok(()),
            Value::Map(map) => self.map(map),
            Value::Seq(items) => items.iter_mut().try_for_each(|item| match item {
                Value::Map(map) => self.map(map),
                Value::Seq(_) => Err("a string or a mapping is expected, not a list".to_owned()),
                Value::Null => Ok(()),
                scalar => self.scalar(scalar),
            }),
            scalar => self.scalar(scalar),
        }
    }

    fn scalar(&self, node: &mut Value) -> Result<(), String> {
        let old = scalar_text(node);
        let same = |a: &Facts, b: &Facts| a.now.name == b.now.name;
        match self.referral(&old, self.candidates, same)? {
            Some(found) if found.now.name != old => set_scalar(node, &found.now.name),
            Some(_) | None => Ok(()),
        }
    }

    /// A map with `name`, and `namespace` where that narrows it down.
    fn map(&self, map: &mut Map) -> Result<(), String> {
        let Some(name) = map.get("name") else {
            return Err("path config error; no 'name' field in node".to_owned());
        };
        let old = scalar_text(name);
        let candidates: Vec<usize> = match map.get("namespace").map(scalar_text) {
            None => self.candidates.to_vec(),
            Some(namespace) => {
                let within = |of: &dyn Fn(&Facts) -> bool| -> Vec<usize> {
                    self.candidates
                        .iter()
                        .copied()
                        .filter(|at| of(&self.facts[*at]))
                        .collect()
                };
                let originally = within(&|facts| {
                    facts.original_namespace == namespace && namespace != super::id::NO_NAMESPACE
                });
                if originally.is_empty() {
                    within(&|facts| {
                        facts.now.effective_namespace() == namespace
                            && namespace != super::id::NO_NAMESPACE
                    })
                } else {
                    originally
                }
            }
        };
        let same =
            |a: &Facts, b: &Facts| a.now.name == b.now.name && a.now.namespace == b.now.namespace;
        let Some(found) = self.referral(&old, &candidates, same)? else {
            return Ok(());
        };
        if found.now.name == old && found.now.namespace.is_empty() {
            return Ok(());
        }
        set_scalar(map.entry("name", || Value::Null), &found.now.name)?;
        if !found.now.namespace.is_empty() {
            let slot = map.entry("namespace", || Value::Str(String::new()));
            set_scalar(slot, &found.now.namespace)?;
        }
        Ok(())
    }

    /// The one resource that a name refers to.
    fn referral(
        &self,
        old: &str,
        candidates: &[usize],
        are_same: impl Fn(&Facts, &Facts) -> bool,
    ) -> Result<Option<&Facts>, String> {
        let referrer = &self.facts[self.referrer];
        let had =
            |facts: &Facts, gvk: &Gvk| facts.previous.iter().any(|id| is_selected(&id.gvk, gvk));
        let is_candidate = |facts: &&Facts| {
            facts.previous.iter().any(|id| id.name == old)
                && had(facts, self.target)
                && self.role.is_none_or(|role| had(facts, role))
                && (referrer.now.is_cluster_scoped
                    || facts.now.is_cluster_scoped
                    || facts.now.gvk.kind == "ServiceAccount"
                    || referrer.now.is_same_namespace(&facts.now))
        };
        let mut found: Vec<&Facts> = candidates
            .iter()
            .map(|at| &self.facts[*at])
            .filter(is_candidate)
            .collect();
        if found.len() == 1 {
            return Ok(found.pop());
        }
        found.retain(|facts| same_affixes(facts, referrer, true));
        if found.len() > 1 {
            found.retain(|facts| same_affixes(facts, referrer, false));
        }
        match &found[..] {
            [] => Ok(None),
            [first, rest @ ..] if rest.iter().all(|other| are_same(first, other)) => {
                Ok(Some(first))
            }
            many => {
                let ids: Vec<String> = many.iter().map(|facts| facts.now.to_string()).collect();
                Err(format!(
                    "found multiple possible referrals: {}",
                    ids.join(", ")
                ))
            }
        }
    }
}

fn same_affixes(one: &Facts, other: &Facts, empty_is_any: bool) -> bool {
    let same = |a: &[String], b: &[String]| {
        (empty_is_any && (a.is_empty() || b.is_empty())) || same_ending(a, b)
    };
    same(&one.prefixes, &other.prefixes) && same(&one.suffixes, &other.suffixes)
}

fn same_ending(one: &[String], other: &[String]) -> bool {
    let (short, long) = if one.len() > other.len() {
        (other, one)
    } else {
        (one, other)
    };
    if short.is_empty() {
        long.is_empty()
    } else {
        long.ends_with(short)
    }
}
