//! Which fields transformers touch: kustomize's built-in field specs and
//! what `configurations` and `crds` add to them.

mod crds;

pub use crds::of_crds;

use super::field_spec::FieldSpec;
use super::kustomization::Mistyped;
use crate::object::Gvk;
use crate::value::Value;
use std::rc::Rc;

/// Names that refer to resources of a kind, and the fields that hold them.
#[derive(Clone, Debug, PartialEq)]
pub struct Referrers {
    pub target: Gvk,
    pub fields: Vec<FieldSpec>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    pub name_prefix: Vec<FieldSpec>,
    pub name_suffix: Vec<FieldSpec>,
    pub namespace: Vec<FieldSpec>,
    pub common_labels: Vec<FieldSpec>,
    pub labels: Vec<FieldSpec>,
    pub template_labels: Vec<FieldSpec>,
    pub volume_claim_template_labels: Vec<FieldSpec>,
    pub common_annotations: Vec<FieldSpec>,
    pub name_reference: Vec<Referrers>,
    pub var_reference: Vec<FieldSpec>,
    pub images: Vec<FieldSpec>,
    pub replicas: Vec<FieldSpec>,
}

const SECTIONS: [&str; 11] = [
    "namePrefix",
    "nameSuffix",
    "namespace",
    "commonLabels",
    "labels",
    "templateLabels",
    "volumeClaimTemplateLabels",
    "commonAnnotations",
    "varReference",
    "images",
    "replicas",
];

impl Config {
    /// What a build without `configurations` goes by.
    pub fn builtin() -> Rc<Config> {
        thread_local! {
            static BUILTIN: Rc<Config> = Rc::new({
                let mut sorted = Config::default();
                sorted.merge(Config::table()).expect("the table has no conflicts");
                sorted
            });
        }
        BUILTIN.with(Rc::clone)
    }

    /// The table that is compiled in, with what files add to it. As in
    /// kustomize, a spec of one kind takes the place of that for all kinds.
    pub fn with_files(files: Config) -> Result<Config, String> {
        let mut all = Config::table();
        all.merge(files)?;
        Ok(all)
    }

    fn table() -> Config {
        read_builtin(include_str!("defaults.txt"))
    }

    fn section(&mut self, name: &str) -> Option<&mut Vec<FieldSpec>> {
        Some(match name {
            "namePrefix" => &mut self.name_prefix,
            "nameSuffix" => &mut self.name_suffix,
            "namespace" => &mut self.namespace,
            "commonLabels" => &mut self.common_labels,
            "labels" => &mut self.labels,
            "templateLabels" => &mut self.template_labels,
            "volumeClaimTemplateLabels" => &mut self.volume_claim_template_labels,
            "commonAnnotations" => &mut self.common_annotations,
            "varReference" => &mut self.var_reference,
            "images" => &mut self.images,
            "replicas" => &mut self.replicas,
            _ => return None,
        })
    }

    /// Reads a file of `configurations`.
    pub fn read(document: &Value) -> Result<Config, Mistyped> {
        let mut config = Config::default();
        let empty = crate::value::Map::new();
        let map = match document {
            Value::Null => &empty,
            Value::Map(map) => map,
            other => {
                let cause = format!("a mapping is expected, not a {}", other.kind());
                return Err(Mistyped::whole(cause));
            }
        };
        let is_known = |key: &&str| SECTIONS.contains(key) || *key == "nameReference";
        if let Some(unknown) = map.keys().find(|key| !is_known(key)) {
            let cause = format!("unknown field {unknown:?}");
            return Err(Mistyped::at(unknown, cause));
        }
        for name in SECTIONS {
            if let Some(list) = map.get(name) {
                let specs = field_specs(name, list).map_err(|cause| Mistyped::at(name, cause))?;
                *config.section(name).expect("every section is known") = specs;
            }
        }
        let references = map.get("nameReference").and_then(Value::as_seq);
        for reference in references.unwrap_or_default() {
            let fields = reference.get("fieldSpecs").unwrap_or(&Value::Null);
            config.name_reference.push(Referrers {
                target: gvk_fields(reference),
                fields: field_specs("nameReference", fields)
                    .map_err(|cause| Mistyped::at("nameReference", cause))?,
            });
        }
        Ok(config)
    }

    /// Adds what is not there yet.
    pub fn merge(&mut self, other: Config) -> Result<(), String> {
        let mut other = other;
        for name in SECTIONS {
            let from = std::mem::take(other.section(name).expect("every section is known"));
            let into = self.section(name).expect("every section is known");
            merge_all(into, from)
                .map_err(|cause| format!("failed to merge {name} fieldSpec: {cause}"))?;
            into.sort_by_cached_key(|spec| kind_order(&spec.gvk));
        }
        for referrers in other.name_reference {
            match self
                .name_reference
                .iter_mut()
                .find(|r| r.target == referrers.target)
            {
                Some(known) => merge_all(&mut known.fields, referrers.fields)
                    .map_err(|cause| format!("failed to merge nameReference fieldSpec: {cause}"))?,
                None => self.name_reference.push(referrers),
            }
        }
        let order = |r: &Referrers| kind_order(&r.target);
        self.name_reference.sort_by_cached_key(order);
        Ok(())
    }
}

/// Merges two configurations, the first of which may be empty; that of a
/// build without `configurations` is shared by all its folders.
pub fn merged(one: Option<Rc<Config>>, other: &Rc<Config>) -> Result<Rc<Config>, String> {
    let builtin = Config::builtin();
    match one {
        None if Rc::ptr_eq(other, &builtin) => Ok(builtin),
        Some(one) if Rc::ptr_eq(&one, other) => Ok(one),
        one => {
            let mut merged = one.map_or_else(Config::default, |one| (*one).clone());
            merged.merge((**other).clone())?;
            Ok(Rc::new(merged))
        }
    }
}

pub fn merge_all(into: &mut Vec<FieldSpec>, from: Vec<FieldSpec>) -> Result<(), String> {
    for spec in from {
        let same = |known: &&FieldSpec| {
            known.path == spec.path && super::id::is_selected(&known.gvk, &spec.gvk)
        };
        match into.iter().find(same) {
            None => into.push(spec),
            Some(known) if known.create != spec.create => {
                return Err(format!("conflicting fieldspecs for path {}", spec.path));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

pub fn field_specs(section: &str, list: &Value) -> Result<Vec<FieldSpec>, String> {
    let items = match list {
        Value::Null => return Ok(Vec::new()),
        Value::Seq(items) => items,
        other => {
            return Err(format!(
                "{section}: a list is expected, not a {}",
                other.kind()
            ));
        }
    };
    let spec = |item: &Value| {
        let create = match item.get("create") {
            None | Some(Value::Null) => false,
            Some(Value::Bool(flag)) => *flag,
            Some(other) => {
                return Err(format!(
                    "{section}: create is a boolean, not a {}",
                    other.kind()
                ));
            }
        };
        Ok(FieldSpec {
            gvk: gvk_fields(item),
            path: text(item, "path"),
            create,
        })
    };
    items.iter().map(spec).collect()
}

fn gvk_fields(item: &Value) -> Gvk {
    Gvk::new(
        &text(item, "group"),
        &text(item, "version"),
        &text(item, "kind"),
    )
}

fn text(item: &Value, key: &str) -> String {
    item.get(key)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

/// The table that is compiled in; its form is said in its head.
fn read_builtin(table: &str) -> Config {
    let mut config = Config::default();
    let mut section = "";
    for line in table.lines().filter(|line| !line.starts_with('#')) {
        if let Some(name) = line
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            section = name;
            continue;
        }
        let part = |part: &str| if part == "-" { "" } else { part }.to_owned();
        if let Some(target) = line.strip_prefix("= ") {
            let mut words = target.split(' ').map(part);
            let mut next = || words.next().unwrap_or_default();
            let kind = next();
            let group = next();
            let target = Gvk::new(&group, &next(), &kind);
            config.name_reference.push(Referrers {
                target,
                fields: Vec::new(),
            });
            continue;
        }
        let (create, line) = match line.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, line),
        };
        let mut words = line.split(' ').map(part);
        let mut next = || words.next().unwrap_or_default();
        let (path, kind, group) = (next(), next(), next());
        let spec = FieldSpec {
            gvk: Gvk::new(&group, &next(), &kind),
            path,
            create,
        };
        let into = match section {
            "nameReference" => {
                let last = config.name_reference.last_mut();
                &mut last.expect("the table names the target first").fields
            }
            other => config.section(other).expect("the table has known sections"),
        };
        into.push(spec);
    }
    config
}

/// Kinds that come first, in this order.
const FIRST: [&str; 22] = [
    "Namespace",
    "ResourceQuota",
    "StorageClass",
    "CustomResourceDefinition",
    "ServiceAccount",
    "PodSecurityPolicy",
    "Role",
    "ClusterRole",
    "RoleBinding",
    "ClusterRoleBinding",
    "ConfigMap",
    "Secret",
    "Endpoints",
    "Service",
    "LimitRange",
    "PriorityClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "PodDisruptionBudget",
];
/// Kinds that come last.
const LAST: [&str; 2] = [
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
];

/// The order of kinds that is used where nothing else is asked for.
pub fn default_order() -> (Vec<String>, Vec<String>) {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    (owned(&FIRST), owned(&LAST))
}

fn kind_order(gvk: &Gvk) -> (i64, String) {
    let place = |names: &[&str]| names.iter().position(|name| *name == gvk.kind);
    let order = match (place(&FIRST), place(&LAST)) {
        (Some(at), _) => at as i64 - FIRST.len() as i64,
        (None, Some(at)) => 1 + at as i64,
        (None, None) => 0,
    };
    (order, sort_text(gvk))
}

pub fn sort_text(gvk: &Gvk) -> String {
    let or = |text: &str, none: &str| if text.is_empty() { none } else { text }.to_owned();
    format!(
        "{}_{}_{}",
        or(&gvk.group, "~G"),
        or(&gvk.version, "~V"),
        or(&gvk.kind, "~K")
    )
}
