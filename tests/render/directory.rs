use drupelet::app::Directory;
use drupelet::render::Evaluation;
use drupelet::render::directory::{MAX_MANIFEST_BYTES, Manifests, directory};
use drupelet::tree::MemoryTree;

const CONFIG_MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ";

fn tree(files: &[(&str, &str)]) -> MemoryTree {
    let files = files.iter();
    MemoryTree {
        files: files
            .map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()))
            .collect(),
    }
}

fn config_map(name: &str) -> String {
    format!("{CONFIG_MAP}{name}\n")
}

fn told(found: &Manifests) -> Vec<String> {
    let manifests = found.manifests.iter();
    manifests
        .map(|found| format!("{} {}:{}", found.object.key(), found.file, found.line))
        .collect()
}

#[track_caller]
fn check(files: &[(&str, &str)], options: &Directory, expected: &[&str]) {
    let found = directory(&tree(files), "app", options, &Evaluation::default())
        .map_err(|error| error.to_string());
    assert_eq!(
        found.map(|found| told(&found)).as_deref(),
        Ok(expected
            .iter()
            .map(|text| (*text).to_owned())
            .collect::<Vec<_>>()
            .as_slice())
    );
}

#[track_caller]
fn check_fault(files: &[(&str, &str)], options: &Directory, expected: &str) {
    let error = directory(&tree(files), "app", options, &Evaluation::default()).unwrap_err();
    assert_eq!(error.to_string(), expected);
}

#[test]
fn reads_yaml_and_json_in_walking_order() {
    let files = [
        ("app/b.yml", &*config_map("b")),
        (
            "app/a.yaml",
            &format!("# first\n\n{}---\n{}", config_map("a1"), config_map("a2")),
        ),
        (
            "app/c.json",
            r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"}}"#,
        ),
        ("app/d/e.yaml", &config_map("e")),
        ("app/notes.txt", "kind: x"),
        ("other/x.yaml", &config_map("x")),
    ];
    let flat = [
        "ConfigMap a1 app/a.yaml:3",
        "ConfigMap a2 app/a.yaml:8",
        "ConfigMap b app/b.yml:1",
        "ConfigMap c app/c.json:1",
    ];
    check(&files, &Directory::default(), &flat);
    let recurse = Directory {
        recurse: true,
        ..Directory::default()
    };
    let mut deep = flat.to_vec();
    deep.push("ConfigMap e app/d/e.yaml:1");
    check(&files, &recurse, &deep);
}

#[test]
fn include_and_exclude_match_the_path_below_the_source() {
    let (a, b) = (config_map("a"), config_map("b"));
    let files = [
        ("app/a.yaml", &*a),
        ("app/sub/b.yaml", &*b),
        ("app/sub/broken.yaml", "kind: ["),
    ];
    let options = |include: &str, exclude: &str| Directory {
        recurse: true,
        include: include.to_owned(),
        exclude: exclude.to_owned(),
        jsonnet: None,
    };
    let a = "ConfigMap a app/a.yaml:1";
    let b = "ConfigMap b app/sub/b.yaml:1";
    check(&files, &options("", "*broken*"), &[a, b]);
    check(&files, &options("sub/b*", ""), &[b]);
    check(&files, &options("{a,b}.yaml", ""), &[a]);
    check(&files, &options("*.yaml", "sub/*"), &[a]);
    check_fault(
        &files,
        &options("[", ""),
        r#"include of the source: glob "[": unexpected end of input"#,
    );
}

#[test]
fn lists_are_flattened() {
    let list = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: a}\n- apiVersion: v1\n  kind: SecretList\n  items:\n  - apiVersion: v1\n    kind: Secret\n    metadata: {name: b}\n---\nkind: ConfigMapList\napiVersion: v1\nitems:\n";
    check(
        &[("app/list.yaml", list)],
        &Directory::default(),
        &["ConfigMap a app/list.yaml:1", "Secret b app/list.yaml:1"],
    );
}

#[test]
fn what_is_no_manifest_is_passed_over() {
    let marked = format!("# +argocd:skip-file-rendering\n{}", config_map("x"));
    check(
        &[
            ("app/values.yaml", "replicas: 1\nimage:\n  tag: x\n"),
            (
                "app/Chart.yaml",
                "apiVersion: v2\nname: x\nversion: 1.0.0\n",
            ),
            (
                "app/template.yaml",
                "{{- if .Values.x }}\nkind: x\n{{- end }}\n",
            ),
            ("app/empty.yaml", "# nothing\n---\n"),
            ("app/marked.yaml", &marked),
        ],
        &Directory::default(),
        &[],
    );
}

#[test]
fn every_broken_file_is_named_with_its_place() {
    let broken = format!("{CONFIG_MAP}a\n  labels: [x\n");
    let partly = format!("{}---\na: b: c\n", config_map("fine"));
    check_fault(
        &[
            ("app/1.yaml", &broken),
            (
                "app/2.yaml",
                "apiVersion: v1\nmetadata:\n  name: kindless\n",
            ),
            ("app/3.yaml", &partly),
            ("app/4.json", "{\n  \"a\": \n}"),
            ("app/5.json", "{\"kind\": \"A\"}\n{\"kind\": \"B\"}"),
            ("app/6.yaml", "\n\nkind: Foo\n"),
            ("app/7.jsonnet", "{}"),
            ("app/8.yaml", "apiVersion: v1\nkind: List\nitems: [x]\n"),
            ("app/9.yaml", "fine: false\n"),
        ],
        &Directory::default(),
        "app/1.yaml: yaml: line 5, column 11: did not find expected ',' or ']'; \
         app/2.yaml:1: kind is missing; \
         app/3.yaml: yaml: line 6, column 5: mapping values are not allowed in this context; \
         app/4.json: invalid JSON: expected value at line 3 column 1; \
         app/5.json: only one object is allowed in a JSON file; \
         app/6.yaml:3: apiVersion is missing; \
         app/7.jsonnet:1: apiVersion is missing; \
         app/8.yaml:1: an object must be a mapping, not a string",
    );
    check_fault(
        &[("x", "")],
        &Directory::default(),
        r#"app path "app" does not exist"#,
    );
    check_fault(
        &[("app", "")],
        &Directory::default(),
        r#"app path "app" is not a directory"#,
    );
}

#[test]
fn manifests_are_bounded_together() {
    let large = format!("# {}\n", "x".repeat(MAX_MANIFEST_BYTES / 2));
    check_fault(
        &[("app/a.yaml", &large), ("app/b.yaml", &large)],
        &Directory::default(),
        r#"the manifests below "app" are larger than 10000000 bytes together"#,
    );
}

#[test]
fn json_objects_behind_one_another_are_read_from_yaml_files() {
    let object = |name: &str| {
        format!(
            "{{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\n\"metadata\":{{\"name\":\"{name}\"}}}}\n\n"
        )
    };
    check(
        &[("app/a.yaml", &(object("a") + &object("b")))],
        &Directory::default(),
        &["ConfigMap a app/a.yaml:1", "ConfigMap b app/a.yaml:4"],
    );
}
