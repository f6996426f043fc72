//! `helmCharts`: a chart's manifests as resources.

use super::kustomization::{HelmChart, HelmGlobals};
use super::loader::Loader;
use super::need::Need;
use super::read;
use super::resource::{HELM_GENERATED, Resource};
use super::text::Text;
use super::{BuildError, HelmOptions, Options};
use crate::helm::{
    Capabilities, Chart, KubeVersion, Manifest, ReleaseOptions, RenderOptions, Requirement,
    ValueOptions, release_name, requirements,
};
use crate::tree::{EntryKind, clean, entry_following};
use crate::value::{Map, Value, yaml};

/// What Helm asks for with `--devel` where no version is named.
const DEVEL: &str = ">0.0.0-0";

pub fn inflate(
    loader: &Loader<'_>,
    options: &Options<'_>,
    chart: &HelmChart,
    globals: &HelmGlobals,
) -> Result<Vec<Resource>, BuildError> {
    let wrong = |words: &str| BuildError::wrong(format!("chart {:?}: {words}", chart.name));
    let Some(helm) = &options.helm else {
        return Err(wrong("must specify --enable-helm"));
    };
    if chart.name.is_empty() {
        return Err(wrong("chart name cannot be empty"));
    }
    if chart.name.starts_with('-') || chart.release_name.starts_with('-') {
        return Err(wrong("neither name nor releaseName may start with '-'"));
    }
    if !chart.name_template.is_empty() && !chart.release_name.is_empty() {
        return Err(wrong("nameTemplate and releaseName cannot both be set"));
    }
    if !matches!(
        chart.values_merge.as_str(),
        "" | "merge" | "override" | "replace"
    ) {
        return Err(wrong("valuesMerge must be one of [merge override replace]"));
    }
    let home = if globals.chart_home.is_empty() {
        "charts"
    } else {
        &globals.chart_home
    };
    if home.starts_with('/') {
        return Err(wrong("chartHome must be in the repository"));
    }
    let home = if chart.version.is_empty() || chart.repo.is_empty() {
        home.to_owned()
    } else {
        format!("{home}/{}-{}", chart.name, chart.version)
    };
    let mut loaded = load(loader, helm, chart, &home, &wrong)?;
    let values = values(loader, chart, &loaded, &wrong)?;
    let needs = supply(helm, &mut loaded, &values);
    let needs = needs.map_err(|cause| wrong(&cause))?;
    if !needs.is_empty() {
        return Err(BuildError::Needs(needs));
    }
    // As in kustomize, what the chart says of itself comes first.
    let kube_version = [&chart.kube_version, &helm.kube_version]
        .into_iter()
        .find(|v| !v.is_empty());
    let kube_version = match kube_version {
        Some(version) => KubeVersion::parse(version).map_err(|error| wrong(&error.to_string()))?,
        None => Capabilities::default().kube_version,
    };
    let or = |text: &str, none: &str| if text.is_empty() { none } else { text }.to_owned();
    let name = match chart.name_template.as_str() {
        "" => or(&chart.release_name, &chart.name),
        template => release_name(template, helm.host, helm.limits)
            .map_err(|error| wrong(&format!("nameTemplate: {error}")))?,
    };
    let rendered = crate::helm::render(
        loaded,
        &RenderOptions {
            release: ReleaseOptions {
                name,
                namespace: or(&chart.namespace, "default"),
                is_upgrade: false,
            },
            capabilities: Capabilities {
                kube_version,
                api_versions: if chart.api_versions.is_empty() {
                    helm.api_versions.clone()
                } else {
                    chart.api_versions.clone()
                },
            },
            values,
            skip_schema_validation: false,
            ignore_missing_dependencies: false,
            host: helm.host,
            limits: helm.limits,
            ends_process: false,
        },
    );
    let release = rendered.map_err(|error| wrong(&error.to_string()))?;
    let mut texts: Vec<Text> = Vec::new();
    if chart.include_crds {
        texts.extend(release.crds.iter().map(|crd| {
            let text = String::from_utf8_lossy(&crd.data).into_owned();
            Text::new(&crd.source, text)
        }));
    }
    let output = |manifest: Manifest| {
        let path = format!("output of {}", manifest.source);
        Text::new(&path, manifest.text)
    };
    texts.extend(release.manifests.into_iter().map(output));
    if !chart.skip_hooks {
        let hooks = release
            .hooks
            .into_iter()
            .filter(|hook| !(chart.skip_tests && hook.is_test()));
        texts.extend(hooks.map(|hook| output(hook.manifest)));
    }
    let mut resources = Vec::new();
    for text in texts {
        resources.extend(read::resources(&text).map_err(|cause| wrong(&cause))?);
    }
    for resource in &mut resources {
        resource.set_annotation(HELM_GENERATED, "true");
    }
    Ok(resources)
}

fn load(
    loader: &Loader<'_>,
    helm: &HelmOptions<'_>,
    chart: &HelmChart,
    home: &str,
    wrong: &dyn Fn(&str) -> BuildError,
) -> Result<Chart, BuildError> {
    let place = clean(&loader.place_of(&format!("{home}/{}", chart.name)));
    let found =
        entry_following(loader.tree(), &place).map_err(|error| wrong(&error.to_string()))?;
    if matches!(found, Some((_, EntryKind::Directory))) {
        return Chart::from_tree(loader.tree(), &place).map_err(|error| wrong(&error.to_string()));
    }
    if chart.repo.is_empty() {
        return Err(wrong(&format!(
            "no repo specified for pull, no chart found at '{place}'"
        )));
    }
    let need = crate::helm::Need::Chart {
        repository: chart.repo.trim_end_matches('/').to_owned(),
        name: chart.name.clone(),
        version: match (chart.version.as_str(), chart.devel) {
            ("", true) => DEVEL.to_owned(),
            (version, _) => version.to_owned(),
        },
    };
    match (helm.charts)(&need) {
        Some(bytes) => Chart::from_archive(&bytes[..]).map_err(|error| wrong(&error.to_string())),
        None => Err(BuildError::Needs(vec![Need::Chart(need)])),
    }
}

/// Charts that the chart depends on and does not bring.
fn supply(
    helm: &HelmOptions<'_>,
    chart: &mut Chart,
    values: &crate::gotmpl::Map,
) -> Result<Vec<Need>, String> {
    let mut needs = Vec::new();
    for requirement in &requirements(chart, values).requirements {
        let requirement: &Requirement = requirement;
        let Some(need) = requirement.need() else {
            continue;
        };
        match (helm.charts)(&need) {
            Some(bytes) => {
                let brought = Chart::from_archive(&bytes[..]).map_err(|error| error.to_string())?;
                chart.supply(requirement, brought);
            }
            None => needs.push(Need::Chart(need)),
        }
    }
    Ok(needs)
}

fn values(
    loader: &Loader<'_>,
    chart: &HelmChart,
    loaded: &Chart,
    wrong: &dyn Fn(&str) -> BuildError,
) -> Result<crate::gotmpl::Map, BuildError> {
    let text = match chart.values_file.as_str() {
        "" => {
            let bytes = loaded.values_text.as_deref().unwrap_or_default();
            let path = format!("{}/values.yaml", chart.name);
            let text = yaml::decode(bytes).map_err(|error| wrong(&format!("{path}: {error}")))?;
            Text::new(&path, text)
        }
        path => loader.text(path)?,
    };
    // Helm reads the file where it is given as it is; what is merged with it
    // or in its place kustomize reads and writes first.
    let as_is =
        |text: &Text| yaml::parse_one(text.as_str()).map_err(|error| wrong(&text.wrong(&error, 1)));
    let by_kyaml = |text: &Text| {
        yaml::parse_kyaml(text.as_str()).map_err(|error| wrong(&text.wrong(&error, 1)))
    };
    let inline = chart.values_inline.clone();
    let merged = match chart.values_merge.as_str() {
        _ if inline.as_map().is_none_or(Map::is_empty) => as_is(&text)?,
        "replace" => inline,
        "merge" => merged(inline, &by_kyaml(&text)?),
        _ => merged(by_kyaml(&text)?, &inline),
    };
    let mut options = ValueOptions::default();
    options
        .files
        .push(("values".to_owned(), merged.to_json().into_bytes()));
    for path in &chart.additional_values_files {
        let bytes = loader
            .read(path)
            .map_err(|error| error.at("could not load additionalValuesFile"))?;
        options.files.push((path.clone(), bytes));
    }
    options
        .merge(&|file| Err(format!("{file}: no file is read here")))
        .map_err(|error| wrong(&error.to_string()))
}

/// The second over the first; a null there takes a key away.
fn merged(into: Value, over: &Value) -> Value {
    match (into, over) {
        (Value::Map(mut into), Value::Map(over)) => {
            for (key, value) in over.iter() {
                if value.is_null() {
                    into.remove(key);
                    continue;
                }
                let old = into.remove(key).unwrap_or(Value::Null);
                into.insert(key, merged(old, value));
            }
            Value::Map(into)
        }
        (Value::Null, Value::Map(over)) => {
            merged(Value::Map(Map::new()), &Value::Map(over.clone()))
        }
        (into, Value::Null) => into,
        (_, over) => over.clone(),
    }
}
