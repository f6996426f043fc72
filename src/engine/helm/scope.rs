//! What each template sees: `.Values`, `.Chart`, `.Files` and the rest, per
//! chart, and which templates there are.

use super::capabilities::map_of;
use super::chart::{ChartFile, Dependency, Maintainer, Metadata};
use super::dependencies::import_value;
use super::files::files_val;
use super::node::Node;
use super::values;
use crate::gotmpl::{Context, Error, FuncDef, List, Map, Named, Type, Val};
use crate::value::yaml;
use std::cmp::Reverse;
use std::rc::Rc;

/// A template and what it sees.
pub struct Template {
    /// `chart/charts/sub/templates/x.yaml`
    pub name: String,
    pub text: Rc<[u8]>,
    pub base_path: Rc<str>,
    /// The chart's, shared by its templates.
    pub scope: Map,
}

/// What all charts of a release see.
pub struct Shared {
    pub release: Val,
    pub capabilities: Val,
}

/// The templates of a chart and of its subcharts, in the order in which Helm
/// parses and renders them: the deepest paths first, within that backwards.
/// Of templates with equal names the one found last wins.
pub fn templates(root: &Node, shared: &Shared, values: &Map) -> Vec<Template> {
    let mut found = Vec::new();
    chart_scope(root, shared, Val::Map(values.clone()), &mut found);
    // Both stable: of equal names the last found is the last of its run.
    found.sort_by(|a, b| b.name.cmp(&a.name));
    found.sort_by_cached_key(|template| Reverse(template.name.matches('/').count()));
    found.dedup_by(|later, kept| {
        let same = later.name == kept.name;
        if same {
            std::mem::swap(later, kept);
        }
        same
    });
    found
}

fn chart_scope(chart: &Node, shared: &Shared, values: Val, found: &mut Vec<Template>) -> Map {
    let subcharts = Map::new();
    let scope: Map = [
        ("Chart", chart_val(&chart.metadata(), chart.is_root())),
        ("Files", files_val(&chart.files)),
        ("Release", shared.release.clone()),
        ("Capabilities", shared.capabilities.clone()),
        ("Values", values.clone()),
        ("Subcharts", Val::Map(subcharts.clone())),
    ]
    .into_iter()
    .collect();
    for child in chart.dependencies() {
        let name = child.name();
        let child_values = values
            .as_map()
            .and_then(|values| values::table(values, &name).ok())
            .map_or_else(|| Val::Map(empty_values()), Val::Map);
        let child_scope = chart_scope(&child, shared, child_values, found);
        subcharts.insert(name, Val::Map(child_scope));
    }
    let path = chart.full_path();
    let base_path: Rc<str> = format!("{path}/templates").into();
    let is_library = chart.metadata().is_library();
    for ChartFile { name, data, .. } in chart.templates().iter() {
        if is_library && !is_partial(name) {
            continue;
        }
        found.push(Template {
            name: format!("{path}/{name}"),
            text: data.clone(),
            base_path: base_path.clone(),
            scope: scope.clone(),
        });
    }
    scope
}

/// Whether a template only holds definitions and is not rendered.
pub fn is_partial(name: &str) -> bool {
    name.rsplit('/').next().unwrap_or(name).starts_with('_')
}

/// `.Template` of one template.
pub fn template_val(template: &Template) -> Val {
    let entries = [
        ("Name".into(), Val::from(template.name.as_str())),
        ("BasePath".into(), Val::from(&*template.base_path)),
    ];
    Val::Map(Map::named(&VALUES, Type::Any, entries.to_vec()))
}

/// An empty `common.Values`.
pub fn empty_values() -> Map {
    Map::named(&VALUES, Type::Any, Vec::new())
}

/// `.Chart`: the fields of Chart.yaml by their Go names.
fn chart_val(metadata: &Metadata, is_root: bool) -> Val {
    let text = |text: &str| Val::from(text);
    let texts = |texts: &[String]| {
        let items = texts.iter().map(|t| Val::from(t.as_str()));
        Val::List(List::new(items.collect()))
    };
    let annotations = match &metadata.annotations {
        None => Map::nil(Type::Str),
        Some(pairs) => {
            let pairs = pairs
                .iter()
                .map(|(k, v)| (k.as_str().into(), text(v)))
                .collect();
            Map::of(Type::Str, pairs)
        }
    };
    let maintainers = metadata.maintainers.iter().map(maintainer_val);
    let dependencies = metadata.dependencies.iter().flatten().map(dependency_val);
    map_of([
        ("Name", text(&metadata.name)),
        ("Home", text(&metadata.home)),
        ("Sources", texts(&metadata.sources)),
        ("Version", text(&metadata.version)),
        ("Description", text(&metadata.description)),
        ("Keywords", texts(&metadata.keywords)),
        ("Maintainers", Val::List(List::new(maintainers.collect()))),
        ("Icon", text(&metadata.icon)),
        ("APIVersion", text(&metadata.api_version)),
        ("Condition", text(&metadata.condition)),
        ("Tags", text(&metadata.tags)),
        ("AppVersion", text(&metadata.app_version)),
        ("Deprecated", Val::Bool(metadata.deprecated)),
        ("Annotations", Val::Map(annotations)),
        ("KubeVersion", text(&metadata.kube_version)),
        ("Dependencies", Val::List(List::new(dependencies.collect()))),
        ("Type", text(&metadata.kind)),
        ("IsRoot", Val::Bool(is_root)),
    ])
}

fn maintainer_val(maintainer: &Maintainer) -> Val {
    map_of([
        ("Name", Val::from(maintainer.name.as_str())),
        ("Email", Val::from(maintainer.email.as_str())),
        ("URL", Val::from(maintainer.url.as_str())),
    ])
}

fn dependency_val(dependency: &Dependency) -> Val {
    let tags = dependency.tags.iter().map(|t| Val::from(t.as_str()));
    let imports = dependency.import_values.iter().map(import_value);
    map_of([
        ("Name", Val::from(dependency.name.as_str())),
        ("Version", Val::from(dependency.version.as_str())),
        ("Repository", Val::from(dependency.repository.as_str())),
        ("Condition", Val::from(dependency.condition.as_str())),
        ("Tags", Val::List(List::new(tags.collect()))),
        ("Enabled", Val::Bool(dependency.enabled)),
        ("ImportValues", Val::List(List::new(imports.collect()))),
        ("Alias", Val::from(dependency.alias.as_str())),
    ])
}

/// `common.Values`, the type of `.Values` and of `.Template`.
static VALUES: Named = Named {
    name: "common.Values",
    methods: &[
        FuncDef::new("AsMap", &[], Type::AnyMap, as_map),
        FuncDef::new("YAML", &[], Type::Str, to_yaml),
        FuncDef::new("Table", &[Type::Str], Type::Named("common.Values"), table),
        FuncDef::new("PathValue", &[Type::Str], Type::Any, path_value),
    ],
};

fn as_map(_: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    Ok(args.first().cloned().unwrap_or_default())
}

fn to_yaml(_: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let value = args.first().cloned().unwrap_or_default().to_value()?;
    Ok(Val::from(yaml::emit(&value)))
}

fn table(_: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let [Val::Map(values), Val::Str(path)] = args else {
        return Ok(Val::Nil);
    };
    match values::table(values, &path.to_text()) {
        Ok(table) => Ok(Val::Map(table)),
        Err(error) => Err(Error::new(error.to_string())),
    }
}

fn path_value(_: &mut Context<'_>, args: &[Val]) -> Result<Val, Error> {
    let [Val::Map(values), Val::Str(path)] = args else {
        return Ok(Val::Nil);
    };
    values::path_value(values, &path.to_text()).map_err(|error| Error::new(error.to_string()))
}
