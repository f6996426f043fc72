//! The recursion: resources, generators, components, transformers,
//! validators of a folder, and of those that it refers to.

use super::config::{self, Config};
use super::fields::{self, At, Work};
use super::folder::Folder;
use super::generate::{self, Kind, generate, merged_options};
use super::id::ResId;
use super::kustomization::{Kustomization, Loaded, Mistyped, SortOptions, Var};
use super::loader::{Loader, is_url};
use super::origin::{self, Origin};
use super::plugin::Plugin;
use super::remote::Remote;
use super::res_map::ResMap;
use super::resource::Resource;
use super::schema::Schema;
use super::text::{Spot, Text};
use super::{BuildError, Options, helm_chart, name_reference, read, transform, vars};
use crate::value::Value;
use crate::value::yaml::Step;
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
    /// Each with where it stands.
    vars: BTreeMap<String, (Var, Spot)>,
}

pub struct Build<'a> {
    pub options: &'a Options<'a>,
    types: Types,
    n_kustomizations: usize,
}

/// How many kustomizations a build may read, those that are read twice
/// counted twice.
const MAX_KUSTOMIZATIONS: usize = 2_000;

impl Accumulated {
    fn add_var(&mut self, var: Var, spot: Spot) -> Result<(), BuildError> {
        let name = var.name.clone();
        if let Some((_, first)) = self.vars.get(&name) {
            return Err(BuildError::wrong(format!(
                "{spot}: vars: var '{name}' already encountered ({first})"
            )));
        }
        self.vars.insert(name, (var, spot));
        Ok(())
    }
}

impl<'a> Build<'a> {
    pub fn run(options: &'a Options<'a>, loader: Loader<'a>) -> Result<ResMap, BuildError> {
        let mut build = Build {
            options,
            types: Types::Builtin,
            n_kustomizations: 0,
        };
        let Loaded {
            mut kustomization,
            file,
            text,
        } = Kustomization::load(&loader)?;
        (options.adjust)(&mut kustomization)?;
        build.set_types(&loader, &kustomization, &text)?;
        let metadata = kustomization.build_metadata.clone();
        let has = |option: &str| metadata.iter().any(|known| known == option);
        let known = [
            "originAnnotations",
            "transformerAnnotations",
            "managedByLabel",
        ];
        if let Some(at) = metadata
            .iter()
            .position(|option| !known.contains(&option.as_str()))
        {
            return Err(BuildError::wrong(format!(
                "{}: buildMetadata must be one of [originAnnotations, transformerAnnotations, managedByLabel], not {}",
                text.at(&["buildMetadata".into(), at.into()]),
                metadata[at]
            )));
        }
        let sort_options = kustomization.sort_options.clone();
        let folder = Folder {
            loader,
            kustomization,
            file,
            text: text.clone(),
            origin: (!metadata.is_empty()).then(Origin::default),
            namespace_above: String::new(),
        };
        let mut all = build.target(folder, Accumulated::default())?;
        let types = build.types.clone();
        build.finish(&mut all)?;
        let mut map = all.map;
        order(&mut map, types.get(), sort_options.as_ref())
            .map_err(|cause| format!("{}: {cause}", text.at(&["sortOptions".into()])))?;
        if has("managedByLabel") {
            transform::managed_by(&mut map);
        }
        for resource in &mut map.resources {
            resource.clean(has("originAnnotations"), has("transformerAnnotations"));
        }
        Ok(map)
    }

    fn set_types(
        &mut self,
        loader: &Loader<'_>,
        of: &Kustomization,
        text: &Text,
    ) -> Result<(), BuildError> {
        let wrong = |field: Option<&str>, cause: String| {
            let steps = ["openapi"].into_iter().chain(field).map(Step::from);
            let spot = text.at(&steps.collect::<Vec<_>>());
            BuildError::wrong(format!("{spot}: openapi: {cause}"))
        };
        let version = of.openapi.get("version");
        if let Some(unknown) = of
            .openapi
            .keys()
            .find(|key| !matches!(key.as_str(), "path" | "version"))
        {
            return Err(wrong(
                Some(unknown),
                format!("there is no field {unknown:?}"),
            ));
        }
        match (of.openapi.get("path"), version) {
            (Some(_), Some(_)) => Err(wrong(
                None,
                "builtin version and custom schema provided, cannot use both".to_owned(),
            )),
            (Some(path), None) => {
                let schema = loader.text(path).map_err(|error| {
                    error.at(&format!(
                        "{}: openapi",
                        text.at(&["openapi".into(), "path".into()])
                    ))
                })?;
                let schema = Schema::custom(schema.as_str()).map_err(|error| {
                    wrong(Some("path"), format!("{}: {error}", loader.path_of(path)))
                })?;
                self.types = Types::Custom(Rc::new(schema));
                Ok(())
            }
            (None, Some(version)) if version != super::schema::BUILTIN_VERSION => Err(wrong(
                Some("version"),
                format!("the specified OpenAPI version is not built in: {version}"),
            )),
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
        for (var, spot) in all.vars.values() {
            let value =
                var_value(&all.map, var).map_err(|cause| format!("{spot}: vars: {cause}"))?;
            values.insert(var.name.clone(), value);
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
        into = self.resources(&mut folder, into, &resources, "resources")?;
        let mut files = Config::default();
        for (at, path) in folder.kustomization.configurations.iter().enumerate() {
            let document = folder.document("configurations", at, path)?;
            let read = Config::read(&document.value).map_err(|wrong| document.wrong(wrong))?;
            files
                .merge(read)
                .map_err(|cause| document.wrong(Mistyped::whole(cause)))?;
        }
        let own = if folder.kustomization.configurations.is_empty() {
            Config::builtin()
        } else {
            let spot = folder.text.at(&["configurations".into()]);
            let all = Config::with_files(files);
            Rc::new(all.map_err(|cause| format!("{spot}: configurations: {cause}"))?)
        };
        let mut config = config::merged(into.config.take(), &own)?;
        for (at, path) in folder.kustomization.crds.iter().enumerate() {
            let document = folder.document("crds", at, path)?;
            let of_file = config::of_crds(&document.value)
                .and_then(|read| config::merged(Some(config), &Rc::new(read)));
            config = of_file.map_err(|cause| document.wrong(Mistyped::whole(cause)))?;
        }
        into.config = Some(config);
        self.generators(&mut folder, &mut into)?;
        let components = std::mem::take(&mut folder.kustomization.components);
        for (at, path) in components.iter().enumerate() {
            into = self
                .folder(&mut folder, into, path, true)
                .map_err(|error| {
                    let spot = folder.entry("components", at);
                    error.at(&format!("{spot}: components"))
                })?;
        }
        let config = into.config.clone().unwrap_or_else(Config::builtin);
        let transformers = self.transformers(&mut folder, &config)?;
        let types = self.types.clone();
        for Work {
            transformer,
            place,
            origin,
        } in transformers
        {
            transformer
                .apply(&mut into.map, types.get())
                .map_err(|cause| place.before(cause))?;
            if let Some(origin) = origin {
                origin::note_transformer(&mut into.map, &origin);
            }
        }
        self.validators(&mut folder, &mut into)?;
        for (at, var) in std::mem::take(&mut folder.kustomization.vars)
            .into_iter()
            .enumerate()
        {
            let spot = folder.entry("vars", at);
            self.add_var(&mut into, var, spot)?;
        }
        Ok(into)
    }

    fn add_var(&self, into: &mut Accumulated, mut var: Var, spot: Spot) -> Result<(), BuildError> {
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
                    "{spot}: vars: found {} resId matches for var {} (unable to disambiguate)",
                    found.len(),
                    var.name
                )));
            }
        }
        into.add_var(var, spot)
    }

    /// Files and folders of `resources`. What several of them need is asked
    /// for at once.
    fn resources(
        &mut self,
        folder: &mut Folder<'a>,
        mut into: Accumulated,
        paths: &[String],
        field: &str,
    ) -> Result<Accumulated, BuildError> {
        let mut needs = Vec::new();
        for (at, path) in paths.iter().enumerate() {
            match self.resource(folder, std::mem::take(&mut into), path) {
                Ok(all) => into = all,
                Err(BuildError::Needs(more)) => needs.extend(more),
                Err(error) => {
                    let spot = folder.entry(field, at);
                    return Err(error.at(&format!("{spot}: {field}")));
                }
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
                    self.add(&mut into, resources)?;
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
                let what = format!("'{path}'");
                Err(match (error, why) {
                    (BuildError::Wrong(one), BuildError::Wrong(other)) if one != other => {
                        BuildError::wrong(format!("{what}: {one}; as a folder: {other}"))
                    }
                    (error, _) => error.at(&what),
                })
            }
        }
    }

    fn add(&self, into: &mut Accumulated, resources: Vec<Resource>) -> Result<(), BuildError> {
        for resource in resources {
            into.map.append(resource, self.types.get())?;
        }
        Ok(())
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
        let Loaded {
            mut kustomization,
            file,
            text,
        } = Kustomization::load(&loader)?;
        kustomization
            .build_metadata
            .clone_from(&folder.kustomization.build_metadata);
        self.set_types(&loader, &kustomization, &text)?;
        if is_component != kustomization.is_component() {
            let (wanted, is) = if is_component {
                ("==", &kustomization.kind)
            } else {
                ("!=", &kustomization.kind)
            };
            return Err(BuildError::wrong(format!(
                "{}: expected kind {wanted} 'Component' for path '{}' but got '{is}'",
                text.at(&[]),
                loader.root()
            )));
        }
        let own = &folder.kustomization.namespace;
        let below = Folder {
            loader,
            kustomization,
            file,
            text,
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
        for (var, spot) in found.vars.into_values() {
            into.add_var(var, spot)?;
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
        let mut made: Vec<(Vec<Resource>, Option<Origin>, At)> = Vec::new();
        let origin = |kind: &str| {
            folder
                .origin
                .as_ref()
                .map(|origin| origin.of_field(folder.file, kind))
        };
        for (kind, name, field, list) in [
            (
                Kind::ConfigMap,
                "ConfigMapGenerator",
                "configMapGenerator",
                &k.config_map_generator,
            ),
            (
                Kind::Secret,
                "SecretGenerator",
                "secretGenerator",
                &k.secret_generator,
            ),
        ] {
            for (at, arguments) in list.iter().enumerate() {
                let place = At::Field(folder.entry(field, at), field);
                let options = merged_options(arguments.options.as_ref(), global);
                let resource =
                    generate(&folder.loader, kind, arguments, &options).map_err(|fault| {
                        let mut steps: Vec<Step> = vec![field.into(), at.into()];
                        steps.extend(fault.steps);
                        let spot = folder.text.at(&steps);
                        fault.error.at(&format!("{spot}: {field}"))
                    })?;
                made.push((vec![resource], origin(name), place));
            }
        }
        let mut needs = Vec::new();
        for (at, chart) in k.helm_charts.iter().enumerate() {
            let place = At::Field(folder.entry("helmCharts", at), "helmCharts");
            let mut chart = chart.clone();
            for namespace in [&k.namespace, &folder.namespace_above] {
                if chart.namespace.is_empty() {
                    chart.namespace.clone_from(namespace);
                }
            }
            let globals = k.helm_globals.clone().unwrap_or_default();
            match helm_chart::inflate(&folder.loader, self.options, &chart, &globals) {
                Ok(resources) => {
                    made.push((resources, origin("HelmChartInflationGenerator"), place));
                }
                Err(BuildError::Needs(more)) => needs.extend(more),
                Err(error) => return Err(error.at(&place.to_string())),
            }
        }
        if !needs.is_empty() {
            return Err(BuildError::Needs(needs));
        }
        let entries = std::mem::take(&mut folder.kustomization.generators);
        for config in self.plugins(folder, &entries, "generators")? {
            let plugin = Plugin::new(&folder.loader, self.options, &config)?;
            let resources = plugin.generate(&config)?;
            made.push((
                resources,
                Origin::of_plugin(&config),
                At::Plugin(plugin.what),
            ));
        }
        let types = self.types.clone();
        for (mut resources, origin, place) in made {
            if let Some(origin) = origin {
                origin::mark(&mut resources, &origin);
            }
            let mut map = ResMap::default();
            let absorbed = resources
                .into_iter()
                .try_for_each(|resource| map.append(resource, types.get()))
                .and_then(|()| into.map.absorb(map, types.get()));
            absorbed.map_err(|cause| format!("{place}: merging from generator: {cause}"))?;
        }
        Ok(())
    }

    /// The configurations of generators and transformers, inline, in files
    /// and in folders.
    fn plugins(
        &mut self,
        folder: &mut Folder<'a>,
        entries: &[String],
        field: &str,
    ) -> Result<Vec<Resource>, BuildError> {
        let mut found = Accumulated::default();
        let mut paths = Vec::new();
        let types = self.types.clone();
        for (at, entry) in entries.iter().enumerate() {
            let text = folder.text.part(&[field.into(), at.into()], entry);
            let Ok(inline) = read::resources(&text) else {
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
        let found = self.resources(folder, found, &paths, field)?;
        Ok(found.map.resources)
    }

    fn transformers(
        &mut self,
        folder: &mut Folder<'a>,
        config: &Config,
    ) -> Result<Vec<Work>, BuildError> {
        let mut all = fields::transformers(folder, config)?;
        let entries = std::mem::take(&mut folder.kustomization.transformers);
        for config in self.plugins(folder, &entries, "transformers")? {
            let plugin = Plugin::new(&folder.loader, self.options, &config)?;
            all.push(Work {
                transformer: plugin.transformer(&config)?,
                place: At::Plugin(plugin.what),
                origin: Origin::of_plugin(&config),
            });
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
        for config in self.plugins(folder, &entries, "validators")? {
            let plugin = Plugin::new(&folder.loader, self.options, &config)?;
            let validator = plugin.transformer(&config)?;
            let mut changed = into.map.clone();
            validator
                .apply(&mut changed, types.get())
                .map_err(|cause| format!("{}: {cause}", plugin.what))?;
            let same = changed.resources.iter().map(|r| &r.value).eq(into
                .map
                .resources
                .iter()
                .map(|r| &r.value));
            if !same {
                return Err(BuildError::wrong(format!(
                    "{}: validator shouldn't modify the resource map: {}",
                    plugin.what,
                    config.id(types.get())
                )));
            }
        }
        Ok(())
    }
}

/// The resources of a file.
fn file(folder: &Folder<'_>, path: &str, bytes: &[u8]) -> Result<Vec<Resource>, BuildError> {
    let text = folder.loader.decoded(path, bytes)?;
    let mut read = read::resources(&text)?;
    if let Some(origin) = &folder.origin {
        let text = origin.join(path).to_text();
        for resource in &mut read {
            resource.set_annotation(super::resource::ORIGIN, &text);
        }
    }
    Ok(read)
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
