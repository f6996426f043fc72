//! The options of `app create` and `app set`, laid over a spec that keeps
//! whatever else stands in it.

use crate::value::{Map, Value};
use anyhow::bail;
use clap::{Args, ValueEnum};

#[derive(Args, Default)]
#[command(next_help_heading = "Spec")]
pub struct SpecOptions {
    /// Repository: git, Helm or OCI
    #[arg(long, value_name = "URL")]
    repo: Option<String>,
    /// Folder in the repository
    #[arg(long)]
    path: Option<String>,
    /// Branch, tag, commit, or version of the chart
    #[arg(long)]
    revision: Option<String>,
    /// Chart in a Helm repository
    #[arg(long = "helm-chart", value_name = "CHART")]
    chart: Option<String>,
    /// Which of several sources the options are about, from 1
    #[arg(long, value_name = "N")]
    source_position: Option<usize>,
    #[arg(long)]
    project: Option<String>,
    /// URL of the cluster to deploy to
    #[arg(long, value_name = "URL")]
    dest_server: Option<String>,
    /// Name of the cluster to deploy to
    #[arg(long, value_name = "NAME")]
    dest_name: Option<String>,
    /// Namespace to deploy to
    #[arg(long, value_name = "NAMESPACE")]
    dest_namespace: Option<String>,

    /// Helm parameter; may be repeated
    #[arg(
        short,
        long = "parameter",
        visible_alias = "helm-set",
        value_name = "NAME=VALUE"
    )]
    parameters: Vec<String>,
    /// Helm parameter that stays a string; may be repeated
    #[arg(long = "helm-set-string", value_name = "NAME=VALUE")]
    string_parameters: Vec<String>,
    /// Values file of the chart; may be repeated, and replaces the list
    #[arg(long = "values", value_name = "FILE")]
    value_files: Vec<String>,
    /// Name of the Helm release
    #[arg(long, value_name = "NAME")]
    release_name: Option<String>,
    /// Image of a kustomization, NAME=NEW:TAG; may be repeated
    #[arg(long = "kustomize-image", value_name = "IMAGE")]
    kustomize_images: Vec<String>,
    #[arg(long = "nameprefix", value_name = "PREFIX")]
    name_prefix: Option<String>,
    #[arg(long = "namesuffix", value_name = "SUFFIX")]
    name_suffix: Option<String>,
    /// Read the folders below the path, too
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    directory_recurse: Option<bool>,

    /// Sync by itself, or when somebody asks
    #[arg(long, value_enum)]
    sync_policy: Option<Policy>,
    /// Automated sync deletes what git no longer has
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    auto_prune: Option<bool>,
    /// Automated sync reverts what was changed by hand
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    self_heal: Option<bool>,
    /// Automated sync may delete everything
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    allow_empty: Option<bool>,
    /// Sync option as CreateNamespace=true; with ! in front it is removed; may be repeated
    #[arg(long = "sync-option", value_name = "OPTION")]
    sync_options: Vec<String>,
    /// How often a failed sync is tried again; -1 for ever
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    sync_retry_limit: Option<i64>,
    /// Entries that the history keeps
    #[arg(long, value_name = "N")]
    revision_history_limit: Option<i64>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Policy {
    #[value(alias = "automated")]
    Auto,
    #[value(alias = "manual")]
    None,
}

impl SpecOptions {
    /// Lays what was given over a spec.
    pub fn apply(&self, spec: &mut Map) -> anyhow::Result<()> {
        set(spec, "project", &self.project);
        if let Some(limit) = self.revision_history_limit {
            spec.insert("revisionHistoryLimit", limit);
        }
        self.apply_destination(spec);
        if self.touches_source() {
            self.apply_source(source(spec, self.source_position)?)?;
        }
        self.apply_policy(spec)
    }

    fn apply_destination(&self, spec: &mut Map) {
        let destination = spec.entry_map("destination");
        // A cluster has a URL or a name, not both.
        if self.dest_server.is_some() {
            destination.remove("name");
        }
        if self.dest_name.is_some() {
            destination.remove("server");
        }
        set(destination, "server", &self.dest_server);
        set(destination, "name", &self.dest_name);
        set(destination, "namespace", &self.dest_namespace);
    }

    fn touches_source(&self) -> bool {
        let texts = [
            &self.repo,
            &self.path,
            &self.revision,
            &self.chart,
            &self.release_name,
            &self.name_prefix,
            &self.name_suffix,
        ];
        let lists = [
            &self.parameters,
            &self.string_parameters,
            &self.value_files,
            &self.kustomize_images,
        ];
        texts.iter().any(|text| text.is_some())
            || lists.iter().any(|list| !list.is_empty())
            || self.directory_recurse.is_some()
    }

    fn apply_source(&self, source: &mut Map) -> anyhow::Result<()> {
        set(source, "repoURL", &self.repo);
        set(source, "path", &self.path);
        set(source, "targetRevision", &self.revision);
        set(source, "chart", &self.chart);
        for (texts, forced) in [(&self.parameters, false), (&self.string_parameters, true)] {
            for text in texts {
                let Some((name, value)) = text.split_once('=').filter(|(name, _)| !name.is_empty())
                else {
                    bail!("--parameter {text}: NAME=VALUE expected");
                };
                set_parameter(source.entry_map("helm"), name, value, forced);
            }
        }
        if !self.value_files.is_empty() {
            source
                .entry_map("helm")
                .insert("valueFiles", texts(&self.value_files));
        }
        if self.release_name.is_some() {
            set(source.entry_map("helm"), "releaseName", &self.release_name);
        }
        for image in &self.kustomize_images {
            set_image(source.entry_map("kustomize"), image);
        }
        if self.name_prefix.is_some() {
            set(
                source.entry_map("kustomize"),
                "namePrefix",
                &self.name_prefix,
            );
        }
        if self.name_suffix.is_some() {
            set(
                source.entry_map("kustomize"),
                "nameSuffix",
                &self.name_suffix,
            );
        }
        if let Some(recurse) = self.directory_recurse {
            source.entry_map("directory").insert("recurse", recurse);
        }
        Ok(())
    }

    fn apply_policy(&self, spec: &mut Map) -> anyhow::Result<()> {
        match self.sync_policy {
            Some(Policy::Auto) => {
                let automated = spec.entry_map("syncPolicy").entry_map("automated");
                automated.remove("enabled");
            }
            Some(Policy::None) => {
                spec.entry_map("syncPolicy").remove("automated");
            }
            None => {}
        }
        for (name, flag) in [
            ("prune", self.auto_prune),
            ("selfHeal", self.self_heal),
            ("allowEmpty", self.allow_empty),
        ] {
            let Some(flag) = flag else { continue };
            let policy = spec.entry_map("syncPolicy");
            let Some(automated) = policy.get_mut("automated").and_then(Value::as_map_mut) else {
                bail!("{name}: there is no automated sync; add --sync-policy auto");
            };
            automated.insert(name, flag);
        }
        if !self.sync_options.is_empty() {
            let policy = spec.entry_map("syncPolicy");
            let mut options: Vec<String> = strings(policy.get("syncOptions"));
            for option in &self.sync_options {
                let (is_removed, option) = match option.strip_prefix('!') {
                    Some(option) => (true, option),
                    None => (false, option.as_str()),
                };
                // One option of a name, as the last one given says.
                let name = option.split('=').next().unwrap_or_default();
                options.retain(|other| other.split('=').next() != Some(name));
                if !is_removed {
                    options.push(option.to_owned());
                }
            }
            policy.insert("syncOptions", texts(&options));
        }
        if let Some(limit) = self.sync_retry_limit {
            spec.entry_map("syncPolicy")
                .entry_map("retry")
                .insert("limit", limit);
        }
        if spec
            .get("syncPolicy")
            .and_then(Value::as_map)
            .is_some_and(Map::is_empty)
        {
            spec.remove("syncPolicy");
        }
        Ok(())
    }
}

/// The source that the options are about.
fn source(spec: &mut Map, position: Option<usize>) -> anyhow::Result<&mut Map> {
    let n_sources = spec
        .get("sources")
        .and_then(Value::as_seq)
        .map_or(0, <[Value]>::len);
    let at = match (n_sources, position) {
        (0, None | Some(1)) => return Ok(spec.entry_map("source")),
        (0, Some(position)) => bail!("--source-position {position}: there is one source"),
        (n, None) => bail!("there are {n} sources: say which one with --source-position"),
        (n, Some(position)) if position == 0 || position > n => {
            bail!("--source-position {position}: there are {n} sources, counted from 1")
        }
        (_, Some(position)) => position - 1,
    };
    let sources = spec.get_mut("sources").and_then(Value::as_seq_mut);
    match sources
        .and_then(|sources| sources.get_mut(at))
        .and_then(Value::as_map_mut)
    {
        Some(source) => Ok(source),
        None => bail!("source {} is no mapping", at + 1),
    }
}

fn set(map: &mut Map, key: &str, text: &Option<String>) {
    match text.as_deref() {
        None => {}
        Some("") => {
            map.remove(key);
        }
        Some(text) => {
            map.insert(key, text);
        }
    }
}

fn set_parameter(helm: &mut Map, name: &str, value: &str, forced: bool) {
    let parameters = helm.entry("parameters", || Value::Seq(Vec::new()));
    let Some(parameters) = parameters.as_seq_mut() else {
        return;
    };
    parameters.retain(|other| other.get("name").and_then(Value::as_str) != Some(name));
    let mut parameter = Map::from_iter([("name", name), ("value", value)]);
    if forced {
        parameter.insert("forceString", true);
    }
    parameters.push(Value::Map(parameter));
}

/// An image replaces the one of the same name.
fn set_image(kustomize: &mut Map, image: &str) {
    let mut images = strings(kustomize.get("images"));
    images.retain(|other| image_name(other) != image_name(image));
    images.push(image.to_owned());
    kustomize.insert("images", texts(&images));
}

/// What an image is called in a kustomization: before `=`, or before the tag
/// or digest.
fn image_name(image: &str) -> &str {
    if let Some((name, _)) = image.split_once('=') {
        return name;
    }
    let image = image.split('@').next().unwrap_or_default();
    match image.rsplit_once(':') {
        // The port of a registry is no tag.
        Some((name, tag)) if !tag.contains('/') => name,
        _ => image,
    }
}

fn strings(list: Option<&Value>) -> Vec<String> {
    let items = list.and_then(Value::as_seq).unwrap_or_default();
    items
        .iter()
        .filter_map(|item| Some(item.as_str()?.to_owned()))
        .collect()
}

fn texts(list: &[String]) -> Vec<Value> {
    list.iter().map(|text| Value::from(text.as_str())).collect()
}
