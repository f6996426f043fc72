//! `drupelet render kustomize`, `render DIR`, and an Application's own fields.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn write(folder: &Path, path: &str, text: &str) {
    let path = folder.join(path);
    fs::create_dir_all(path.parent().expect("it is in a folder")).expect("it can be made");
    fs::write(path, text).expect("it can be written");
}

fn drupelet(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_drupelet"))
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder)
        .output()
        .expect("it starts")
}

#[track_caller]
fn printed(folder: &Path, arguments: &[&str]) -> String {
    let output = drupelet(folder, arguments);
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{words}");
    String::from_utf8(output.stdout).expect("it is UTF-8")
}

#[track_caller]
fn refused(folder: &Path, arguments: &[&str], why: &str) {
    let output = drupelet(folder, arguments);
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && words.contains(why), "{words}");
}

const CONFIG: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n";

#[test]
fn files_outside_of_the_folder_are_refused_unless_allowed() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let folder = folder.path();
    write(folder, "a.yaml", CONFIG);
    write(folder, "app/kustomization.yaml", "resources: [../a.yaml]\n");
    write(folder, "link/kustomization.yaml", "resources: [b.yaml]\n");
    std::os::unix::fs::symlink("../a.yaml", folder.join("link/b.yaml")).expect("a link");
    for path in ["app", "link"] {
        refused(folder, &["render", "kustomize", path], "security; file");
        let open = [
            "render",
            "kustomize",
            path,
            "--load-restrictor",
            "LoadRestrictionsNone",
        ];
        assert_eq!(printed(folder, &open), CONFIG);
    }
}

#[test]
fn a_folder_says_itself_what_it_is() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let folder = folder.path();
    write(folder, "k/kustomization.yaml", "resources: [a.yaml]\n");
    write(folder, "k/a.yaml", CONFIG);
    write(
        folder,
        "c/Chart.yaml",
        "apiVersion: v2\nname: c\nversion: 1.0.0\n",
    );
    write(folder, "c/templates/a.yaml", CONFIG);
    fs::create_dir(folder.join("none")).expect("a folder");
    assert_eq!(printed(folder, &["render", "k"]), CONFIG);
    assert!(printed(folder, &["render", "c"]).contains("name: a"));
    refused(
        folder,
        &["render", "none"],
        "neither a kustomization.yaml nor a Chart.yaml",
    );
    refused(
        folder,
        &["render", "missing"],
        "neither a command nor a folder",
    );
}

#[test]
fn a_chart_is_inflated_and_patched() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let folder = folder.path();
    write(
        folder,
        "kustomization.yaml",
        "namespace: apps\nhelmCharts:\n- name: c\n  releaseName: r\n  valuesInline: {text: inline}\n\
         patches:\n- target: {kind: ConfigMap}\n  patch: '- {op: add, path: /data/more, value: x}'\n",
    );
    write(
        folder,
        "charts/c/Chart.yaml",
        "apiVersion: v2\nname: c\nversion: 1.0.0\n",
    );
    write(folder, "charts/c/values.yaml", "text: default\n");
    let template = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\n  \
                    namespace: {{ .Release.Namespace }}\ndata:\n  text: {{ .Values.text }}\n";
    write(folder, "charts/c/templates/a.yaml", template);
    refused(folder, &["render", "kustomize"], "--enable-helm");
    let expected = "apiVersion: v1\ndata:\n  more: x\n  text: inline\nkind: ConfigMap\nmetadata:\n  \
                    name: r\n  namespace: apps\n";
    assert_eq!(
        printed(folder, &["render", "kustomize", "--enable-helm"]),
        expected
    );
    let kustomization = fs::read_to_string(folder.join("kustomization.yaml")).expect("it is there");
    let merge = kustomization.replace(
        "  releaseName: r\n",
        "  releaseName: r\n  valuesMerge: merge\n",
    );
    write(folder, "kustomization.yaml", &merge);
    assert_eq!(
        printed(folder, &["render", "kustomize", "--enable-helm"]),
        expected.replace("inline", "default")
    );
}

#[test]
fn a_loop_of_kustomizations_is_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let folder = folder.path();
    write(folder, "a/kustomization.yaml", "resources: [../b]\n");
    write(folder, "b/kustomization.yaml", "resources: [../a]\n");
    refused(folder, &["render", "kustomize", "a"], "cycle detected");
    write(
        folder,
        "r/kustomization.yaml",
        "resources: ['https://example.com/o/r//x?ref=v1']\n",
    );
    refused(
        folder,
        &["render", "kustomize", "r"],
        "https://example.com/o/r at v1",
    );
}

#[test]
fn the_fields_of_an_application_are_on_top() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let folder = folder.path();
    write(
        folder,
        "repo/app/kustomization.yaml",
        "resources: [d.yaml]\nnamePrefix: own-\nimages:\n- {name: nginx, newTag: '1'}\n",
    );
    write(
        folder,
        "repo/app/d.yaml",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n  template:\n    spec:\n      containers:\n      - name: web\n        image: nginx\n",
    );
    write(
        folder,
        "repo/app/c/kustomization.yaml",
        "kind: Component\napiVersion: kustomize.config.k8s.io/v1alpha1\nnameSuffix: -c\n",
    );
    write(
        folder,
        "app.yaml",
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: web, namespace: argocd}\nspec:\n  project: default\n  destination: {server: 'https://kubernetes.default.svc', namespace: apps}\n  source:\n    repoURL: https://example.com/x.git\n    path: app\n    kustomize:\n      namePrefix: top-\n      namespace: apps\n      images: ['nginx=mine:2']\n      replicas: [{name: web, count: '3'}]\n      commonLabels: {app: $ARGOCD_APP_NAME}\n      labelWithoutSelector: true\n      commonAnnotations: {by: me}\n      components: [c, none]\n      ignoreMissingComponents: true\n      patches:\n      - target: {kind: Deployment}\n        patch: '- {op: add, path: /spec/paused, value: true}'\n",
    );
    let text = printed(folder, &["render", "app", "app.yaml", "--repo", "repo"]);
    for wanted in [
        "name: top-web-c\n",
        "namespace: apps\n",
        "image: mine:2\n",
        "replicas: 3\n",
        "app: web\n",
        "by: me\n",
        "paused: true\n",
    ] {
        assert!(text.contains(wanted), "no {wanted:?} in:\n{text}");
    }
    assert!(!text.contains("matchLabels"), "{text}");
}
