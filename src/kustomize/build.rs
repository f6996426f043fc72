//! The recursion: resources, generators, components, transformers,
//! validators of a folder, and of those that it refers to.

use super::config::{self, Config};
use super::field_spec::FieldSpec;
use super::generate::{self, Kind, generate, merged_options};
use super::id::ResId;
use super::kustomization::{Kustomization, Label, SortOptions, Var};
use super::loader::{Loader, is_url};
use super::origin::{self, Origin};
use super::plugin::Plugin;
use super::remote::Remote;
use super::res_map::ResMap;
use super::resource::Resource;
use super::schema::Schema;
use super::transformer::Transformer;
use super::{BuildError, Options, helm_chart, name_reference, read, transform, vars};
use crate::value::Value;
use std::collections::BTreeMap;
use std::rc::Rc;

/// The types that a build goes by; a kustomization's `openapi` holds for all
/// that is built after it.
#[derive(Clone)]
pub enum Types {
    Builtin,
    Custom(Rc<Schema>),
}

impl Types {
    pub fn get(&self) -> &Schema {
        match self {
            Types::Builtin => Schema::builtin(),
            Types::Custom(schema) => schema,
        }
    }
}

/// What a folder adds up to.
#[derive(Default)]
struct Accumulated {
    map: ResMap,
    /// None before anything was added.
    config: Option<Rc<Config>>,
    vars: BTreeMap<String, Var>,
}

pub struct Build<'a> {
    pub options: &'a Options<'a>,
    types: Types,
    n_kustomizations: usize,
}

/// How many kustomizations a build may read, those that are read twice
/// counted twice.
const MAX_KUSTOMIZATIONS: usize = 2_000;

/// One folder being built.
struct Folder<'a> {
    loader: Loader<'a>,
    kustomization: Kustomization,
    file: &'static str,
    origin: Option<Origin>,
    /// The namespace of the folders above, for charts.
    namespace_above: String,
}

impl<'a> Build<'a> {
    pub fn run(options: &'a Options<'a>, loader: Loader<'a>) -> Result<ResMap, BuildError> {
        let mut build = Build {
            options,
            types: Types::Builtin,
            n_kustomizations: 0,
        };
        let (mut kustomization, file) = Kustomization::load(&loader)?;
        (options.adjust)(&mut kustomization)?;
        build.set_types(&loader, &kustomization)?;
        let metadata = kustomization.build_metadata.clone();
        let has = |option: &str| metadata.iter().any(|known| known == option);
        let known = [
            "originAnnotations",
            "transformerAnnotations",
            "managedByLabel",
        ];
        if let Some(unknown) = metadata
            .iter()
            .find(|option| !known.contains(&option.as_str()))
        {
            return Err(BuildError::wrong(format!(
                "{}: buildMetadata must be one of [originAnnotations, transformerAnnotations, managedByLabel], not {unknown}",
                loader.path_of(file)
            )));
        }
        let sort_options = kustomization.sort_options.clone();
        let folder = Folder {
            loader,
            kustomization,
            file,
            origin: (!metadata.is_empty()).then(Origin::default),
            namespace_above: String::new(),
        };
        let mut all = build.target(folder, Accumulated::default())?;
        let types = build.types.clone();
        build.finish(&mut all)?;
        let mut map = all.map;
        order(&mut map, types.get(), sort_options.as_ref())?;
        if has("managedByLabel") {
            transform::managed_by(&mut map);
        }
        for resource in &mut map.resources {
            resource.clean(has("originAnnotations"), has("transformerAnnotations"));
        }
        Ok(map)
    }

    fn set_types(&mut self, loader: &Loader<'_>, of: &Kustomization) -> Result<(), BuildError> {
        let version = of.openapi.get("version");
        if let Some(unknown) = of
            .openapi
            .keys()
            .find(|key| !matches!(key.as_str(), "path" | "version"))
        {
            return Err(BuildError::wrong(format!(
                "{}: openapi has no field {unknown:?}",
                loader.root()
            )));
        }
        match (of.openapi.get("path"), version) {
            (Some(_), Some(_)) => Err(BuildError::wrong(format!(
                "{}: builtin version and custom schema provided, cannot use both",
                loader.root()
            ))),
            (Some(path), None) => {
                let schema = Schema::custom(&loader.read_text(path)?).map_err(|error| {
                    BuildError::wrong(format!("{}: {error}", loader.path_of(path)))
                })?;
                self.types = Types::Custom(Rc::new(schema));
                Ok(())
            }
            (None, Some(version)) if version != super::schema::BUILTIN_VERSION => {
                Err(BuildError::wrong(format!(
                    "{}: the specified OpenAPI version is not built in: {version}",
                    loader.root()
                )))
            }
            (None, _) => Ok(()),
        }
    }

    /// What is done once, when all folders have been built.
    fn finish(&mut self, all: &mut Accumulated) -> Result<(), BuildError> {
        let types = self.types.clone();
        let schema = types.get();
        for resource in &mut all.map.resources {
            if resource.needs_hash() {
                let hash = generate::hash(resource);
                resource.store_previous_id(schema);
                resource.set_name(&format!("{}-{hash}", resource.name()));
            }
        }
        let config = all.config.clone().unwrap_or_else(Config::builtin);
        name_reference::update(&mut all.map, schema, &config)?;
        let mut values = BTreeMap::new();
        for var in all.vars.values() {
            values.insert(var.name.clone(), var_value(&all.map, var)?);
        }
        if !values.is_empty() {
            vars::replace(&mut all.map, &values, &config.var_reference)?;
        }
        all.map.resources.retain(|resource| !resource.is_local());
        Ok(())
    }

    fn target(
        &mut self,
        mut folder: Folder<'a>,
        mut into: Accumulated,
    ) -> Result<Accumulated, BuildError> {
        let resources = std::mem::take(&mut folder.kustomization.resources);
        into = self
            .resources(&mut folder, into, &resources)
            .map_err(|error| error.at("accumulating resources"))?;
        let loader = folder.loader.clone();
        let mut files = Config::default();
        for path in &folder.kustomization.configurations {
            let at =
                |cause: String| BuildError::wrong(format!("{}: {cause}", loader.path_of(path)));
            let text = loader.read_text(path)?;
            let document =
                crate::value::yaml::parse_one(&text).map_err(|error| at(error.to_string()))?;
            let read = Config::read(&document).map_err(at)?;
            files.merge(read).map_err(at)?;
        }
        let own = if folder.kustomization.configurations.is_empty() {
            Config::builtin()
        } else {
            Rc::new(Config::with_files(files)?)
        };
        let mut config = config::merged(into.config.take(), &own)?;
        for path in &folder.kustomization.crds {
            let at =
                |cause: String| BuildError::wrong(format!("{}: {cause}", loader.path_of(path)));
            let text = loader.read_text(path)?;
            let document =
                crate::value::yaml::parse_one(&text).map_err(|error| at(error.to_string()))?;
            let read = config::of_crds(&document).map_err(at)?;
            config = config::merged(Some(config), &Rc::new(read)).map_err(at)?;
        }
        into.config = Some(config);
        self.generators(&mut folder, &mut into)?;
        let components = std::mem::take(&mut folder.kustomization.components);
        for path in &components {
            into = self
                .folder(&mut folder, into, path, true)
                .map_err(|error| error.at("accumulating components"))?;
        }
        let config = into.config.clone().unwrap_or_else(Config::builtin);
        let transformers = self.transformers(&mut folder, &config)?;
        let types = self.types.clone();
        for (transformer, origin) in transformers {
            transformer
                .apply(&mut into.map, types.get())
                .map_err(|cause| {
                    BuildError::wrong(format!("{}: {cause}", loader.path_of(folder.file)))
                })?;
            if let Some(origin) = origin {
                origin::note_transformer(&mut into.map, &origin);
            }
        }
        self.validators(&mut folder, &mut into)?;
        for var in std::mem::take(&mut folder.kustomization.vars) {
            self.add_var(&mut into, var)?;
        }
        Ok(into)
    }

    fn add_var(&self, into: &mut Accumulated, mut var: Var) -> Result<(), BuildError> {
        if var.fieldref.field_path.is_empty() {
            var.fieldref.field_path = "metadata.name".to_owned();
        }
        let gvk = var.objref.gvk();
        let schema = self.types.get();
        let target = ResId {
            is_cluster_scoped: schema.is_namespaced(&gvk) == Some(false),
            gvk,
            name: var.objref.name.clone(),
            namespace: var.objref.namespace.clone(),
        };
        let by_namespace = !target.namespace.is_empty() || target.is_cluster_scoped;
        let found = into.map.matching_any_id(schema, |id| {
            target.is_same_gvk_and_name(id) && (!by_namespace || target.is_same_namespace(id))
        });
        match found[..] {
            [] => {}
            [at] => into.map.resources[at].vars.push(var.name.clone()),
            _ => {
                return Err(BuildError::wrong(format!(
                    "found {} resId matches for var {} (unable to disambiguate)",
                    found.len(),
                    var.name
                )));
            }
        }
        let name = var.name.clone();
        match into.vars.insert(name.clone(), var) {
            None => Ok(()),
            Some(_) => Err(BuildError::wrong(format!(
                "var '{name}' already encountered"
            ))),
        }
    }

    /// Files and folders of `resources`. What several of them need is asked
    /// for at once.
    fn resources(
        &mut self,
        folder: &mut Folder<'a>,
        mut into: Accumulated,
        paths: &[String],
    ) -> Result<Accumulated, BuildError> {
        let mut needs = Vec::new();
        for path in paths {
            match self.resource(folder, std::mem::take(&mut into), path) {
                Ok(all) => into = all,
                Err(BuildError::Needs(more)) => needs.extend(more),
                Err(error) => return Err(error),
            }
        }
        if needs.is_empty() {
            Ok(into)
        } else {
            Err(BuildError::Needs(needs))
        }
    }

    /// A file, else a folder.
    fn resource(
        &mut self,
        folder: &mut Folder<'a>,
        mut into: Accumulated,
        path: &str,
    ) -> Result<Accumulated, BuildError> {
        let error = match folder.loader.read(path) {
            Ok(bytes) => match file(folder, path, &bytes) {
                Ok(resources) => {
                    self.add(&mut into, resources, &folder.loader.path_of(path))?;
                    return Ok(into);
                }
                // Such as the page about a repository.
                Err(error) if Remote::parse(path).is_some() => error,
                Err(error) => return Err(error),
            },
            Err(needs @ BuildError::Needs(_)) => return Err(needs),
            Err(error) if is_url(path) && Remote::parse(path).is_none() => return Err(error),
            Err(error) => error,
        };
        match folder.loader.descend(path) {
            Ok(_) => self.folder(folder, into, path, false),
            Err(needs @ BuildError::Needs(_)) => Err(needs),
            Err(why) => {
                let what = format!("accumulating resources from '{path}'");
                Err(match (error, why) {
                    (BuildError::Wrong(one), BuildError::Wrong(other)) if one != other => {
                        BuildError::wrong(format!("{what}: {one}; as a folder: {other}"))
                    }
                    (error, _) => error.at(&what),
                })
            }
        }
    }

    fn add(
        &self,
        into: &mut Accumulated,
        resources: Vec<Resource>,
        at: &str,
    ) -> Result<(), BuildError> {
        let merged = resources
            .into_iter()
            .try_for_each(|resource| into.map.append(resource, self.types.get()));
        merged.map_err(|cause| BuildError::wrong(format!("merging resources from '{at}': {cause}")))
    }

    /// Another kustomization; a component goes on with what is there.
    fn folder(
        &mut self,
        folder: &mut Folder<'a>,
        mut into: Accumulated,
        path: &str,
        is_component: bool,
    ) -> Result<Accumulated, BuildError> {
        self.n_kustomizations += 1;
        if self.n_kustomizations > MAX_KUSTOMIZATIONS {
            return Err(BuildError::wrong(format!(
                "more than {MAX_KUSTOMIZATIONS} kustomizations in one build"
            )));
        }
        let loader = folder.loader.descend(path)?;
        let (mut kustomization, file) = Kustomization::load(&loader)?;
        kustomization
            .build_metadata
            .clone_from(&folder.kustomization.build_metadata);
        self.set_types(&loader, &kustomization)?;
        if is_component != kustomization.is_component() {
            let (wanted, is) = if is_component {
                ("==", &kustomization.kind)
            } else {
                ("!=", &kustomization.kind)
            };
            return Err(BuildError::wrong(format!(
                "expected kind {wanted} 'Component' for path '{}' but got '{is}'",
                loader.root()
            )));
        }
        let own = &folder.kustomization.namespace;
        let below = Folder {
            loader,
            kustomization,
            file,
            origin: folder.origin.as_ref().map(|origin| origin.join(path)),
            namespace_above: if own.is_empty() {
                folder.namespace_above.clone()
            } else {
                own.clone()
            },
        };
        let root = below.loader.root();
        if is_component {
            return self.target(below, into);
        }
        let found = self.target(below, Accumulated::default())?;
        let types = self.types.clone();
        into.map
            .append_all(found.map, types.get())
            .map_err(|cause| {
                BuildError::wrong(format!("recursed merging from path '{root}': {cause}"))
            })?;
        if let Some(config) = &found.config {
            into.config = Some(config::merged(into.config.take(), config)?);
        }
        for (name, var) in found.vars {
            if into.vars.insert(name.clone(), var).is_some() {
                return Err(BuildError::wrong(format!(
                    "var '{name}' already encountered"
                )));
            }
        }
        Ok(into)
    }

    fn generators(
        &mut self,
        folder: &mut Folder<'a>,
        into: &mut Accumulated,
    ) -> Result<(), BuildError> {
        let k = &folder.kustomization;
        let global = k.generator_options.as_ref();
        let mut made: Vec<(Vec<Resource>, Option<Origin>)> = Vec::new();
        let origin = |kind: &str| {
            folder
                .origin
                .as_ref()
                .map(|origin| origin.of_field(folder.file, kind))
        };
        for (kind, name, list) in [
            (
                Kind::ConfigMap,
                "ConfigMapGenerator",
                &k.config_map_generator,
            ),
            (Kind::Secret, "SecretGenerator", &k.secret_generator),
        ] {
            for arguments in list {
                let options = merged_options(arguments.options.as_ref(), global);
                let resource = generate(&folder.loader, kind, arguments, &options)?;
                made.push((vec![resource], origin(name)));
            }
        }
        let mut needs = Vec::new();
        for chart in &k.helm_charts {
            let mut chart = chart.clone();
            for namespace in [&k.namespace, &folder.namespace_above] {
                if chart.namespace.is_empty() {
                    chart.namespace.clone_from(namespace);
                }
            }
            let globals = k.helm_globals.clone().unwrap_or_default();
            match helm_chart::inflate(&folder.loader, self.options, &chart, &globals) {
                Ok(resources) => made.push((resources, origin("HelmChartInflationGenerator"))),
                Err(BuildError::Needs(more)) => needs.extend(more),
                Err(error) => return Err(error),
            }
        }
        if !needs.is_empty() {
            return Err(BuildError::Needs(needs));
        }
        let entries = std::mem::take(&mut folder.kustomization.generators);
        for config in self.plugins(folder, &entries)? {
            let resources =
                Plugin::new(&folder.loader, self.options, &config)?.generate(&config)?;
            made.push((resources, Origin::of_plugin(&config)));
        }
        let types = self.types.clone();
        for (mut resources, origin) in made {
            if let Some(origin) = origin {
                origin::mark(&mut resources, &origin);
            }
            let mut map = ResMap::default();
            let absorbed = resources
                .into_iter()
                .try_for_each(|resource| map.append(resource, types.get()))
                .and_then(|()| into.map.absorb(map, types.get()));
            absorbed.map_err(|cause| {
                BuildError::wrong(format!(
                    "{}: merging from generator: {cause}",
                    folder.loader.root()
                ))
            })?;
        }
        Ok(())
    }

    /// The configurations of generators and transformers, inline, in files
    /// and in folders.
    fn plugins(
        &mut self,
        folder: &mut Folder<'a>,
        entries: &[String],
    ) -> Result<Vec<Resource>, BuildError> {
        let mut found = Accumulated::default();
        let mut paths = Vec::new();
        let types = self.types.clone();
        for entry in entries {
            let Ok(inline) = read::resources(entry) else {
                paths.push(entry.clone());
                continue;
            };
            for mut resource in inline {
                if let Some(origin) = &folder.origin {
                    let text = origin.join(folder.file).to_text();
                    resource.set_annotation(super::resource::ORIGIN, &text);
                }
                found.map.append(resource, types.get())?;
            }
        }
        let found = self.resources(folder, found, &paths)?;
        Ok(found.map.resources)
    }

    fn transformers(
        &mut self,
        folder: &mut Folder<'a>,
        config: &Config,
    ) -> Result<Vec<(Transformer, Option<Origin>)>, BuildError> {
        let builtin = builtin_transformers(&folder.loader, &folder.kustomization, config)?;
        let mut all: Vec<(Transformer, Option<Origin>)> = builtin
            .into_iter()
            .map(|(kind, transformer)| {
                let origin = folder.origin.as_ref();
                (
                    transformer,
                    origin.map(|origin| origin.of_field(folder.file, kind)),
                )
            })
            .collect();
        let entries = std::mem::take(&mut folder.kustomization.transformers);
        for config in self.plugins(folder, &entries)? {
            let transformer =
                Plugin::new(&folder.loader, self.options, &config)?.transformer(&config)?;
            all.push((transformer, Origin::of_plugin(&config)));
        }
        Ok(all)
    }

    fn validators(
        &mut self,
        folder: &mut Folder<'a>,
        into: &mut Accumulated,
    ) -> Result<(), BuildError> {
        let entries = std::mem::take(&mut folder.kustomization.validators);
        let types = self.types.clone();
        for config in self.plugins(folder, &entries)? {
            let validator =
                Plugin::new(&folder.loader, self.options, &config)?.transformer(&config)?;
            let mut changed = into.map.clone();
            validator.apply(&mut changed, types.get())?;
            let same = changed.resources.iter().map(|r| &r.value).eq(into
                .map
                .resources
                .iter()
                .map(|r| &r.value));
            if !same {
                return Err(BuildError::wrong(format!(
                    "{}: validator shouldn't modify the resource map: {}",
                    folder.loader.root(),
                    config.id(types.get())
                )));
            }
        }
        Ok(())
    }
}

/// The resources of a file.
fn file(folder: &Folder<'_>, path: &str, bytes: &[u8]) -> Result<Vec<Resource>, BuildError> {
    let wrong =
        |cause: String| BuildError::wrong(format!("{}: {cause}", folder.loader.path_of(path)));
    let text = crate::value::yaml::decode(bytes).map_err(|error| wrong(error.to_string()))?;
    let mut read = read::resources(&text).map_err(wrong)?;
    if let Some(origin) = &folder.origin {
        let text = origin.join(path).to_text();
        for resource in &mut read {
            resource.set_annotation(super::resource::ORIGIN, &text);
        }
    }
    Ok(read)
}

/// The transformers of a kustomization's own fields, in kustomize's order.
fn builtin_transformers(
    loader: &Loader<'_>,
    k: &Kustomization,
    config: &Config,
) -> Result<Vec<(&'static str, Transformer)>, BuildError> {
    let mut all = Vec::new();
    if !k.patches_strategic_merge.is_empty() {
        let patches = super::patching::read_legacy(loader, &k.patches_strategic_merge)?;
        all.push((
            "PatchStrategicMergeTransformer",
            Transformer::LegacyMerge(patches),
        ));
    }
    for patch in &k.patches {
        all.push((
            "PatchTransformer",
            Transformer::Patch(super::patching::read(loader, patch)?),
        ));
    }
    if !k.namespace.is_empty() {
        all.push((
            "NamespaceTransformer",
            Transformer::Namespace {
                namespace: k.namespace.clone(),
                specs: config.namespace.clone(),
                unset_only: false,
                subjects: transform::Subjects::default(),
            },
        ));
    }
    for (kind, which, text, specs) in [
        (
            "PrefixTransformer",
            transform::Affix::Prefix,
            &k.name_prefix,
            &config.name_prefix,
        ),
        (
            "SuffixTransformer",
            transform::Affix::Suffix,
            &k.name_suffix,
            &config.name_suffix,
        ),
    ] {
        if !text.is_empty() {
            let (text, specs) = (text.clone(), specs.clone());
            all.push((kind, Transformer::Affix { which, text, specs }));
        }
    }
    if !k.labels.is_empty() || !k.common_labels.is_empty() {
        for label in &k.labels {
            let specs = label_specs(label, config).map_err(|cause| {
                BuildError::wrong(format!(
                    "{}: failed to merge labels: {cause}",
                    loader.root()
                ))
            })?;
            let texts = label.pairs.clone();
            all.push(("LabelTransformer", Transformer::Entries { texts, specs }));
        }
        all.push((
            "LabelTransformer",
            Transformer::Entries {
                texts: k.common_labels.clone(),
                specs: config.common_labels.clone(),
            },
        ));
    }
    if !k.common_annotations.is_empty() {
        all.push((
            "AnnotationsTransformer",
            Transformer::Entries {
                texts: k.common_annotations.clone(),
                specs: config.common_annotations.clone(),
            },
        ));
    }
    for patch in &k.patches_json6902 {
        let read = super::transformer::legacy_json(
            loader,
            &patch.path,
            &patch.patch,
            patch.target.as_ref(),
        )?;
        all.push(("PatchJson6902Transformer", read));
    }
    for replica in &k.replicas {
        let specs = config.replicas.clone();
        let replica = replica.clone();
        all.push((
            "ReplicaCountTransformer",
            Transformer::Replicas { replica, specs },
        ));
    }
    for image in &k.images {
        let specs = config.images.clone();
        let image = image.clone();
        all.push(("ImageTagTransformer", Transformer::Images { image, specs }));
    }
    if !k.replacements.is_empty() {
        let read = super::transformer::replacements(loader, &k.replacements)?;
        all.push(("ReplacementTransformer", read));
    }
    Ok(all)
}

fn label_specs(label: &Label, config: &Config) -> Result<Vec<FieldSpec>, String> {
    let mut specs = config::field_specs("labels.fields", &Value::Seq(label.fields.clone()))?;
    config::merge_all(&mut specs, config.labels.clone())?;
    if label.include_selectors {
        config::merge_all(&mut specs, config.common_labels.clone())?;
        return Ok(specs);
    }
    if label.include_templates {
        config::merge_all(&mut specs, config.template_labels.clone())?;
    }
    if label.include_volume_claim_templates {
        config::merge_all(&mut specs, config.volume_claim_template_labels.clone())?;
    }
    config::merge_all(&mut specs, vec![FieldSpec::new("metadata/labels", true)])?;
    Ok(specs)
}

fn var_value(map: &ResMap, var: &Var) -> Result<Value, String> {
    let target = map
        .resources
        .iter()
        .find(|resource| resource.vars.contains(&var.name));
    let Some(target) = target else {
        return Err(format!(
            "var '{}' cannot be mapped to a field in the set of known resources",
            var.name
        ));
    };
    vars::field_value(&target.value, &var.fieldref.field_path)
        .cloned()
        .ok_or_else(|| {
            format!(
                "field specified in var '{}' not found in corresponding resource: {}",
                var.name, var.fieldref.field_path
            )
        })
}

/// Sorts as `sortOptions` says; without them by kind.
pub fn order(
    map: &mut ResMap,
    schema: &Schema,
    options: Option<&SortOptions>,
) -> Result<(), String> {
    let (first, last) = config::default_order();
    let Some(options) = options else {
        transform::sort(map, schema, &first, &last);
        return Ok(());
    };
    match (options.order.as_str(), &options.legacy_sort_options) {
        ("fifo", None) => Ok(()),
        ("fifo", Some(_)) => Err("the field 'sortOptions.legacySortOptions' is set but the selected sort order is 'fifo', not 'legacy'".to_owned()),
        ("legacy", None) => {
            transform::sort(map, schema, &first, &last);
            Ok(())
        }
        ("legacy", Some(own)) => {
            transform::sort(map, schema, &own.order_first, &own.order_last);
            Ok(())
        }
        (other, _) => Err(format!(
            "the field 'sortOptions.order' must be one of [fifo, legacy], not {other:?}"
        )),
    }
}
