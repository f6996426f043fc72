//! The Application's `kustomize` fields beside what Argo CD does with them: the
//! real `kustomize edit`, and then `kustomize build`.

use crate::support::program::program;
use drupelet::value::{Value, yaml};
use std::fs;
use std::path::Path;
use std::process::Command;

const DEPLOYMENT: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  labels: {own: label}\nspec:\n  replicas: 1\n  selector: {matchLabels: {app: web}}\n  template:\n    metadata:\n      labels: {app: web}\n      annotations: {seen: 'yes'}\n    spec:\n      containers:\n      - name: web\n        image: nginx:1\n        envFrom:\n        - configMapRef: {name: settings}\n      - name: side\n        image: registry.example:5000/side@sha256:24a0c4b4a4c0eb97a1aabb8e29f18e917d05abfe1b7a7c07857230879ce7d3d3\n---\napiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: elsewhere}\nspec:\n  selector: {app: web}\n";
const KUSTOMIZATION: &str = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [web.yaml]\nconfigMapGenerator:\n- name: settings\n  literals: [a=b]\n";

/// Fields of an Application, what Argo CD runs for them, and what the kustomization
/// has beside its resources. Patches have no subcommand: they are appended.
const CASES: &[(&str, &[&[&str]], &str)] = &[
    (
        "namePrefix: a-",
        &[&["set", "nameprefix", "--", "a-"]],
        "namePrefix: own-\n",
    ),
    ("nameSuffix: -z", &[&["set", "namesuffix", "--", "-z"]], ""),
    (
        "namespace: there",
        &[&["set", "namespace", "--", "there"]],
        "namespace: own\n",
    ),
    (
        "images: ['nginx:2']",
        &[&["set", "image", "nginx:2"]],
        "images: [{name: nginx, newName: own, newTag: '1'}]\n",
    ),
    (
        "images: ['nginx=mine.example/nginx']",
        &[&["set", "image", "nginx=mine.example/nginx"]],
        "images: [{name: nginx, newTag: '3'}]\n",
    ),
    (
        "images: ['nginx=mine@sha256:24a0c4b4a4c0eb97a1aabb8e29f18e917d05abfe1b7a7c07857230879ce7d3d3', 'registry.example:5000/side:9']",
        &[&[
            "set",
            "image",
            "nginx=mine@sha256:24a0c4b4a4c0eb97a1aabb8e29f18e917d05abfe1b7a7c07857230879ce7d3d3",
            "registry.example:5000/side:9",
        ]],
        "",
    ),
    (
        "images: ['nginx=*:2']",
        &[&["set", "image", "nginx=*:2"]],
        "images: [{name: nginx, newName: own}]\n",
    ),
    (
        "replicas: [{name: web, count: 3}]",
        &[&["set", "replicas", "web=3"]],
        "replicas: [{name: web, count: 2}]\n",
    ),
    (
        "commonLabels: {team: edge}",
        &[&["add", "label", "team:edge"]],
        "",
    ),
    (
        "commonLabels: {own: mine}\n      forceCommonLabels: true",
        &[&["add", "label", "--force", "own:mine"]],
        "commonLabels: {own: before}\n",
    ),
    (
        "commonLabels: {team: edge}\n      labelWithoutSelector: true",
        &[&["add", "label", "--without-selector", "team:edge"]],
        "labels:\n- pairs: {other: label}\n",
    ),
    (
        "commonLabels: {team: edge}\n      labelWithoutSelector: true\n      labelIncludeTemplates: true",
        &[&[
            "add",
            "label",
            "--without-selector",
            "--include-templates",
            "team:edge",
        ]],
        "",
    ),
    (
        "commonAnnotations: {by: me}",
        &[&["add", "annotation", "by:me"]],
        "commonAnnotations: {other: one}\n",
    ),
    (
        "commonAnnotations: {by: me}\n      forceCommonAnnotations: true",
        &[&["add", "annotation", "--force", "by:me"]],
        "commonAnnotations: {by: them}\n",
    ),
    ("components: [part]", &[&["add", "component", "part"]], ""),
    (
        "namePrefix: a-\n      nameSuffix: -z\n      namespace: there\n      images: ['nginx:2']\n      replicas: [{name: web, count: '4'}]\n      commonLabels: {team: edge}\n      commonAnnotations: {by: me}\n      components: [part]",
        &[
            &["set", "nameprefix", "--", "a-"],
            &["set", "namesuffix", "--", "-z"],
            &["set", "image", "nginx:2"],
            &["set", "replicas", "web=4"],
            &["add", "label", "team:edge"],
            &["add", "annotation", "by:me"],
            &["set", "namespace", "--", "there"],
            &["add", "component", "part"],
        ],
        "",
    ),
    // What is refused by one is refused by the other.
    (
        "commonLabels: {own: mine}",
        &[&["add", "label", "own:mine"]],
        "commonLabels: {own: before}\n",
    ),
    (
        "commonAnnotations: {by: me}",
        &[&["add", "annotation", "by:me"]],
        "commonAnnotations: {by: them}\n",
    ),
];

fn lay(folder: &Path, more: &str) {
    fs::create_dir_all(folder.join("part")).expect("a folder can be made");
    let write = |name: &str, text: &str| fs::write(folder.join(name), text).expect("it is written");
    write("web.yaml", DEPLOYMENT);
    write("kustomization.yaml", &format!("{KUSTOMIZATION}{more}"));
    write(
        "part/kustomization.yaml",
        "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\npatches:\n- target: {kind: Service}\n  patch: '[{op: add, path: /spec/type, value: NodePort}]'\n",
    );
}

/// What a command prints; its error where it fails.
fn run(command: &mut Command) -> Result<String, String> {
    let output = command.output().expect("it starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match output.status.success() {
        true => Ok(text(&output.stdout)),
        false => Err(text(&output.stderr)),
    }
}

/// The objects in the order of their kinds and names.
fn objects(text: &str) -> Vec<Value> {
    let documents = yaml::parse_stream(text).expect("it is YAML");
    let mut all: Vec<Value> = documents.into_iter().map(|it| it.value).collect();
    all.iter_mut().for_each(untracked);
    all.sort_by_key(|value| {
        let kind = value.get("kind").map(Value::to_json);
        let name = value.get("metadata").and_then(|m| m.get("name"));
        (kind, name.map(Value::to_json))
    });
    all
}

/// Whose an object is stands in an annotation of ours.
fn untracked(object: &mut Value) {
    const TRACKING: &str = "argocd.argoproj.io/tracking-id";
    let Value::Map(object) = object else { return };
    let Some(Value::Map(metadata)) = object.get_mut("metadata") else {
        return;
    };
    if let Some(Value::Map(annotations)) = metadata.get_mut("annotations") {
        annotations.remove(TRACKING);
        if annotations.iter().next().is_none() {
            metadata.remove("annotations");
        }
    }
}

#[test]
fn the_fields_of_an_application_are_what_kustomize_edit_makes_of_them() {
    let Some(kustomize) = program("kustomize") else {
        return;
    };
    let mut faults = Vec::new();
    for (fields, commands, more) in CASES {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let folder = folder.path();
        lay(&folder.join("theirs"), more);
        lay(&folder.join("repo/ours"), more);
        let application = format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: web, namespace: argocd}}\nspec:\n  project: default\n  destination: {{server: 'https://kubernetes.default.svc', namespace: apps}}\n  source:\n    repoURL: https://example.com/x.git\n    path: ours\n    kustomize:\n      {fields}\n"
        );
        fs::write(folder.join("app.yaml"), application).expect("it is written");
        let real = |arguments: &[&str]| {
            let mut command = Command::new(&kustomize);
            command.args(arguments).current_dir(folder.join("theirs"));
            run(command.env_clear().env("HOME", folder))
        };
        let edited = commands.iter().try_for_each(|command| {
            let arguments: Vec<&str> = ["edit"]
                .into_iter()
                .chain(command.iter().copied())
                .collect();
            real(&arguments).map(drop)
        });
        let theirs = edited.and_then(|()| real(&["build", "."]));
        let mut command = Command::new(env!("CARGO_BIN_EXE_drupelet"));
        command.args(["render", "app", "app.yaml", "--repo", "repo"]);
        let ours = run(command.current_dir(folder).env_clear().env("HOME", folder));
        match (theirs, ours) {
            (Ok(theirs), Ok(ours)) if objects(&theirs) == objects(&ours) => {}
            (Err(_), Err(_)) => {}
            (theirs, ours) => {
                faults.push(format!("{fields}\ntheirs: {theirs:#?}\nours: {ours:#?}"))
            }
        }
    }
    let faults: Vec<String> = faults
        .iter()
        .map(|text| text.replace("\\n", "\n"))
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}
