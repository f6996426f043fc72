//! The `helm` fields of an Application, each against the flags of the real helm
//! that mean the same (contract, "helm").

use crate::program::program;
use crate::support::Still;
use drupelet::app::Source;
use drupelet::kustomize::Nothing;
use drupelet::object::Object;
use drupelet::render::{Capabilities, Limits, Outcome, Request, render};
use drupelet::tree::MemoryTree;
use drupelet::value::yaml;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

const FILES: [(&str, &str); 14] = [
    (
        "apps/main/Chart.yaml",
        "apiVersion: v2\nname: chart\nversion: 1.0.0\n",
    ),
    (
        "apps/main/values.yaml",
        "from: chart\nlow: chart\nlist: [a, b]\nmap: {kept: chart, set: chart}\nnumber: 1\n",
    ),
    (
        "apps/main/values.schema.json",
        r#"{"properties": {"number": {"type": "integer"}}}"#,
    ),
    (
        "apps/main/templates/all.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: all}\ndata:\n  values: {{ .Values | toJson | quote }}\n  name: {{ .Release.Name }}\n  namespace: {{ .Release.Namespace }}\n  version: {{ .Capabilities.KubeVersion.Version }}\n  api: {{ .Capabilities.APIVersions.Has \"example.com/v1/Widget\" | quote }}\n  old: {{ .Capabilities.APIVersions.Has \"apps/v1\" | quote }}\n",
    ),
    (
        "apps/main/templates/test.yaml",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: test, annotations: {helm.sh/hook: test}}\n",
    ),
    (
        "apps/main/templates/hook.yaml",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: hook, annotations: {helm.sh/hook: 'pre-install,test'}}\n",
    ),
    (
        "apps/main/crds/widget.yaml",
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: widgets.example.com}\n",
    ),
    ("apps/main/env/a.yaml", "from: env-a\na: yes\n"),
    ("apps/main/env/b.yaml", "from: env-b\nb: true\n"),
    ("apps/main/env/deep/er/c.yaml", "from: env-c\nc: 0x1f\n"),
    ("apps/main/main.yaml", "from: main\n"),
    ("apps/main/text.txt", "line one\nline, two\n"),
    (
        "shared/values.yaml",
        "from: shared\nlow: shared\nnumber: 7\n",
    ),
    ("apps/main/bad.yaml", "number: many\n"),
];

/// The objects, by kind and name; or the error.
type Rendered = Result<BTreeMap<String, Object>, String>;

fn by_name(objects: impl Iterator<Item = Object>) -> BTreeMap<String, Object> {
    objects
        .map(|object| (format!("{} {}", object.kind(), object.name()), object))
        .collect()
}

fn ours(helm: &str) -> Rendered {
    let tree = MemoryTree {
        files: FILES
            .iter()
            .map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()))
            .collect(),
    };
    let text = format!(
        "repoURL: https://git.example/x.git\npath: apps/main\ntargetRevision: stable\nhelm: {{{helm}}}\n"
    );
    let source = yaml::parse_one(&text).expect("the case is YAML");
    let source: Source = source.to().expect("the case is a source");
    let outcome = render(&Request {
        application: "main",
        name: "main",
        namespace: "spaces",
        project: "team",
        source: &source,
        revision: "0123456789abcdef0123456789abcdef01234567",
        tree: &tree,
        archive: None,
        references: &BTreeMap::new(),
        capabilities: &Capabilities {
            kube_version: "v1.34.1".to_owned(),
            api_versions: Vec::new(),
        },
        host: &Still,
        charts: &|_| None,
        remotes: &Nothing,
        lookups: None,
        limits: Limits::default(),
    });
    match outcome.map_err(|error| error.to_string())? {
        Outcome::Rendered(manifests) => {
            Ok(by_name(manifests.objects.into_iter().map(|it| it.object)))
        }
        Outcome::Needs(_) => panic!("nothing is needed"),
    }
}

fn of_helm(helm: &Path, folder: &Path, flags: &[&str]) -> Rendered {
    let given = |name: &str| {
        flags
            .iter()
            .any(|flag| flag.split('=').next() == Some(name))
    };
    let mut command = Command::new(helm);
    command
        .env_clear()
        .env("HOME", folder)
        .current_dir(folder.join("apps/main"));
    command.args(["template", ".", "--kube-version"]);
    match flags
        .iter()
        .find_map(|flag| flag.strip_prefix("--kube-version="))
    {
        Some(version) => command.arg(version),
        None => command.arg("v1.34.1"),
    };
    if !given("--name-template") {
        command.arg("--name-template=main");
    }
    if !given("--namespace") {
        command.arg("--namespace=spaces");
    }
    if !given("--skip-crds") {
        command.arg("--include-crds");
    }
    command.args(
        flags
            .iter()
            .filter(|flag| !flag.starts_with("--kube-version=")),
    );
    let output = command.output().expect("helm starts");
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let documents = yaml::parse_stream(&text).expect("YAML");
    let values = documents.into_iter().map(|document| document.value);
    Ok(by_name(
        values
            .filter(|value| !value.is_null())
            .map(|value| Object::new(value).expect("an object")),
    ))
}

const CASES: &[(&str, &[&str])] = &[
    ("", &[]),
    ("releaseName: other", &["--name-template=other"]),
    ("namespace: elsewhere", &["--namespace=elsewhere"]),
    ("valueFiles: [env/a.yaml]", &["-f=env/a.yaml"]),
    (
        "valueFiles: [env/b.yaml, env/a.yaml]",
        &["-f=env/b.yaml", "-f=env/a.yaml"],
    ),
    (
        "valueFiles: [../../shared/values.yaml]",
        &["-f=../../shared/values.yaml"],
    ),
    // From the root of the repository.
    (
        "valueFiles: [/shared/values.yaml]",
        &["-f=../../shared/values.yaml"],
    ),
    (
        "valueFiles: ['env/*.yaml']",
        &["-f=env/a.yaml", "-f=env/b.yaml"],
    ),
    (
        "valueFiles: ['env/**/*.yaml']",
        &["-f=env/a.yaml", "-f=env/b.yaml", "-f=env/deep/er/c.yaml"],
    ),
    (
        "valueFiles: [none.yaml, env/a.yaml], ignoreMissingValueFiles: true",
        &["-f=env/a.yaml"],
    ),
    ("valueFiles: ['$ARGOCD_APP_NAME.yaml']", &["-f=main.yaml"]),
    (
        "valueFiles: [env/a.yaml], values: 'from: values'",
        &["-f=env/a.yaml", "--set=from=values"],
    ),
    (
        "values: 'from: values', valuesObject: {from: object, map: {set: object}}",
        &["--set=from=object", "--set=map.set=object"],
    ),
    // What a values text says is no variable.
    (
        "values: 'from: $ARGOCD_APP_NAME ${HOME} $$'",
        &["--set=from=$ARGOCD_APP_NAME ${HOME} $$"],
    ),
    (
        "values: 'from: values', parameters: [{name: from, value: parameter}]",
        &["--set=from=parameter"],
    ),
    (
        "parameters: [{name: number, value: '5'}, {name: from, value: '5', forceString: true}]",
        &["--set=number=5", "--set-string=from=5"],
    ),
    (
        "parameters: [{name: from, value: 'a,b=c'}, {name: 'list[0]', value: x}, {name: list2, value: '{p,q}'}]",
        &["--set=from=a\\,b=c", "--set=list[0]=x", "--set=list2={p,q}"],
    ),
    (
        "parameters: [{name: 'map.set', value: 'true'}, {name: 'with\\.dot', value: 'null'}]",
        &["--set=map.set=true", "--set=with\\.dot=null"],
    ),
    (
        "parameters: [{name: from, value: '$ARGOCD_APP_NAMESPACE-${ARGOCD_APP_REVISION_SHORT}-$ARGOCD_APP_PROJECT_NAME'}, {name: low, value: 'a$$b${NOBODY}'}]",
        &["--set=from=spaces-0123456-team", "--set=low=a$b"],
    ),
    (
        "parameters: [{name: from, value: $ARGOCD_APP_SOURCE_PATH}, {name: low, value: $ARGOCD_APP_SOURCE_TARGET_REVISION}, {name: url, value: $ARGOCD_APP_SOURCE_REPO_URL}]",
        &[
            "--set=from=apps/main",
            "--set=low=stable",
            "--set=url=https://git.example/x.git",
        ],
    ),
    (
        "fileParameters: [{name: from, path: text.txt}, {name: low, path: /apps/main/text.txt}]",
        &["--set-file=from=text.txt", "--set-file=low=text.txt"],
    ),
    (
        "valueFiles: [env/a.yaml], values: 'low: values', parameters: [{name: map.set, value: parameter}], fileParameters: [{name: b, path: text.txt}]",
        &[
            "-f=env/a.yaml",
            "--set=low=values",
            "--set=map.set=parameter",
            "--set-file=b=text.txt",
        ],
    ),
    ("skipCrds: true", &["--skip-crds"]),
    ("skipTests: true", &["--skip-tests"]),
    (
        "valueFiles: [bad.yaml], skipSchemaValidation: true",
        &["-f=bad.yaml", "--skip-schema-validation"],
    ),
    ("kubeVersion: '1.28.3'", &["--kube-version=1.28.3"]),
    (
        "apiVersions: [example.com/v1/Widget]",
        &["--api-versions=example.com/v1/Widget"],
    ),
];

#[test]
fn each_helm_field_means_what_helms_flag_means() {
    let Some(helm) = program("helm") else { return };
    let folder = tempfile::tempdir().expect("a temporary directory");
    for (path, text) in FILES {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().expect("it has one")).expect("creates");
        fs::write(path, text).expect("writes");
    }
    for (fields, flags) in CASES {
        let (ours, theirs) = (ours(fields), of_helm(&helm, folder.path(), flags));
        let theirs = theirs.unwrap_or_else(|error| panic!("{flags:?}: {error}"));
        assert_eq!(ours, Ok(theirs), "{fields}");
    }
}

#[test]
fn what_a_field_leads_to_must_be_there_and_fit() {
    for (fields, told) in [
        ("valueFiles: [none.yaml]", "none.yaml"),
        ("valueFiles: ['none/*.yaml']", "matches no file"),
        ("valueFiles: [bad.yaml]", "number"),
        ("valueFiles: ['$nowhere/values.yaml']", "nowhere"),
        ("fileParameters: [{name: a, path: none.txt}]", "none.txt"),
        ("kubeVersion: latest", "latest"),
        ("values: 'a: ['", "values"),
    ] {
        let error = ours(fields).expect_err(fields);
        assert!(error.contains(told), "{fields}: {error}");
    }
}
