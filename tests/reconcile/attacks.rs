//! Repositories that mean harm, side by side with a good one in one agent:
//! nothing outside of them is read or run, each is refused by a named limit
//! or rule, and the good one is synced.
//!
//! The numbers are those of the cases known elsewhere.

use crate::support::repository::Content;
use crate::world::{PATIENCE, World, on_each};
use drupelet::app::SyncCode;
use std::fs;
use std::time::Instant;

const CHART: &str = "apiVersion: v2\nname: harmful\nversion: 1.0.0\n";
/// What stands outside of the repository.
const CANARY: &str = "swordfish";

struct Attack {
    /// Name of the application, and its folder in the repository.
    name: &'static str,
    files: Vec<(&'static str, Content)>,
    /// Fields of its source, as YAML in braces without the braces.
    source: &'static str,
    /// Fields of its spec.
    spec: &'static str,
    /// The condition has each of these.
    told: &'static [&'static str],
}

fn attack(
    name: &'static str,
    files: Vec<(&'static str, &str)>,
    source: &'static str,
    told: &'static [&'static str],
) -> Attack {
    Attack {
        name,
        files: files
            .into_iter()
            .map(|(path, text)| (path, text.into()))
            .collect(),
        source,
        spec: "",
        told,
    }
}

/// A chart with one template.
fn chart(name: &'static str, template: &str, told: &'static [&'static str]) -> Attack {
    let object = format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: x}}\ndata: {{a: {template}}}\n"
    );
    attack(
        name,
        vec![("Chart.yaml", CHART), ("templates/a.yaml", &object)],
        "",
        told,
    )
}

/// CANARY-PATH stands for the file outside.
fn attacks() -> Vec<Attack> {
    let link = |target: &str| Content::Symlink(target.to_owned());
    let mut all = paths();
    all.extend(bombs());
    let mut linked = attack(
        "symlinked-values",
        vec![("Chart.yaml", CHART)],
        "",
        &["values.yaml"],
    );
    linked.files.push(("values.yaml", link("CANARY-PATH")));
    all.push(linked);
    // CVE-2025-53547
    let mut lock = attack(
        "symlinked-lock",
        vec![(
            "Chart.yaml",
            "apiVersion: v2\nname: harmful\nversion: 1.0.0\ndependencies: [{name: b, version: 1.0.0, repository: 'file://../b'}]\n",
        )],
        "",
        &["Chart.lock"],
    );
    lock.files.push(("Chart.lock", link("CANARY-PATH")));
    all.push(lock);
    let mut manifest = attack("symlinked-manifest", vec![], "", &["outside"]);
    manifest
        .files
        .push(("a.yaml", link("../../../../../../CANARY-PATH")));
    all.push(manifest);
    all
}

/// CVE-2022-24348, CVE-2022-31036, CVE-2022-24877, CVE-2026-35206 and the
/// ways to programs.
fn paths() -> Vec<Attack> {
    vec![
        attack(
            "values-above",
            vec![("Chart.yaml", CHART)],
            "helm: {valueFiles: ['../../../../../../../CANARY-PATH']}",
            &["outside"],
        ),
        attack(
            "values-by-file-url",
            vec![("Chart.yaml", CHART)],
            "helm: {valueFiles: ['file:///CANARY-PATH']}",
            &["file:"],
        ),
        attack(
            "parameter-file-above",
            vec![("Chart.yaml", CHART)],
            "helm: {fileParameters: [{name: a, path: '/CANARY-PATH'}]}",
            &["CANARY-PATH"],
        ),
        attack(
            "chart-named-up",
            vec![("Chart.yaml", "apiVersion: v2\nname: ..\nversion: 1.0.0\n")],
            "",
            &["name"],
        ),
        attack(
            "kustomize-above",
            vec![(
                "kustomization.yaml",
                "resources: ['../../../../../../CANARY-PATH']\n",
            )],
            "",
            &["CANARY-PATH"],
        ),
        attack(
            "kustomize-generator-above",
            vec![(
                "kustomization.yaml",
                "configMapGenerator: [{name: a, files: ['k=/CANARY-PATH']}]\n",
            )],
            "",
            &["CANARY-PATH"],
        ),
        // CVE-2026-113708
        attack(
            "kustomize-remote-as-argument",
            vec![(
                "kustomization.yaml",
                "resources: ['git::ssh://-oProxyCommand=touch%20PWNED/x?ref=--upload-pack=touch%20PWNED']\n",
            )],
            "",
            &["-oProxyCommand"],
        ),
        attack(
            "kustomize-plugin",
            vec![
                ("kustomization.yaml", "generators: [a.yaml]\n"),
                (
                    "a.yaml",
                    "apiVersion: v1\nkind: Exec\nmetadata: {name: a, annotations: {config.kubernetes.io/function: 'exec: {path: ./pwn}'}}\n",
                ),
            ],
            "",
            &["Exec"],
        ),
        attack(
            "jsonnet-import-above",
            vec![("a.jsonnet", "importstr '../../../../../../CANARY-PATH'")],
            "",
            &["CANARY-PATH"],
        ),
        attack(
            "jsonnet-library-above",
            vec![("a.jsonnet", "import 'passwd'")],
            "directory: {jsonnet: {libs: ['../../../../../etc']}}",
            &["passwd"],
        ),
        attack("path-above", vec![], "path: '../../../../etc'", &["path"]),
    ]
}

/// CVE-2022-31016, CVE-2022-24878, CVE-2022-36055, CVE-2025-32387 and more.
fn bombs() -> Vec<Attack> {
    let mut aliases = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..12 {
        let before = format!("*a{}", n - 1);
        aliases.push_str(&format!(
            "a{n}: &a{n} [{}]\n",
            [before.as_str(); 10].join(", ")
        ));
    }
    let schema = format!(
        "{}{{}}{}",
        "{\"properties\": {\"a\": ".repeat(20_000),
        "}}".repeat(20_000)
    );
    let deep = format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: x}}\ndata: {}",
        "[".repeat(200_000)
    );
    let manifest = format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: x}}\n{aliases}");
    let mut jq = attack(
        "jq-loop",
        vec![(
            "a.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: jq}\ndata: {a: b}\n",
        )],
        "",
        &["jq"],
    );
    jq.spec = "ignoreDifferences: [{kind: ConfigMap, jqPathExpressions: ['def f: f; f']}]";
    vec![
        attack(
            "yaml-aliases",
            vec![("a.yaml", &manifest)],
            "",
            &["a.yaml", "alias"],
        ),
        attack("yaml-depth", vec![("a.yaml", &deep)], "", &["a.yaml"]),
        attack(
            "values-aliases",
            vec![("Chart.yaml", CHART), ("values.yaml", &aliases)],
            "",
            &["values.yaml", "aliasing"],
        ),
        attack(
            "deep-schema",
            vec![("Chart.yaml", CHART), ("values.schema.json", &schema)],
            "",
            &["harmful", "recursion limit"],
        ),
        attack(
            "set-index",
            vec![("Chart.yaml", CHART)],
            "helm: {parameters: [{name: 'a[99999999]', value: x}]}",
            &["99999999"],
        ),
        chart("until", "{{ until 1000000000 | len }}", &["until", "steps"]),
        chart(
            "repeat",
            "{{ repeat 1000000000 \"abcdefgh\" | len }}",
            &["repeat", "bytes"],
        ),
        chart(
            "template-recursion",
            "{{ define \"r\" }}{{ include \"r\" . }}{{ end }}{{ include \"r\" . }}",
            &["include"],
        ),
        chart(
            "template-steps",
            "{{ range until 100000 }}{{ range until 100000 }}{{ end }}{{ end }}",
            &["a.yaml", "more than"],
        ),
        chart(
            "template-output",
            "{{ range until 100000 }}{{ repeat 100000 \"x\" }}{{ end }}",
            &["a.yaml", "bytes"],
        ),
        attack(
            "kustomize-loop",
            vec![
                ("kustomization.yaml", "resources: [b]\n"),
                ("b/kustomization.yaml", "resources: [../c]\n"),
                ("c/kustomization.yaml", "resources: [../b]\n"),
            ],
            "",
            &["cycle"],
        ),
        attack(
            "jsonnet-steps",
            vec![("a.jsonnet", "local f(x) = f(x + 1) tailstrict; f(0)")],
            "",
            &["a.jsonnet", "more than"],
        ),
        attack(
            "jsonnet-memory",
            vec![(
                "a.jsonnet",
                "std.length(std.makeArray(1000000000, function(i) [i]))",
            )],
            "",
            &["a.jsonnet", "more than"],
        ),
        jq,
    ]
}

/// Applications whose repository is the attack.
const REPOSITORIES: [(&str, &str); 4] = [
    ("repository-runs", "ext::sh -c touch% PWNED"),
    (
        "repository-is-option",
        "ssh://-oProxyCommand=touch%20PWNED/x.git",
    ),
    ("repository-is-a-file", "file:///etc"),
    ("repository-is-a-path", "/etc"),
];

#[test]
fn repositories_that_mean_harm_are_refused_and_hold_nobody_back() {
    on_each(|cluster| {
        let mut world = World::new(cluster, "attacks");
        let canary = world.folder().join("canary");
        let text = format!("{CANARY}: {CANARY}\n");
        fs::write(&canary, &text).expect("the folder is writable");
        let pwned = world.folder().join("pwned").display().to_string();
        let outside = canary.display().to_string();
        let outside = outside.trim_start_matches('/');
        let fill = |text: &str| {
            text.replace("CANARY-PATH", outside)
                .replace("PWNED", &pwned)
        };
        let attacks = attacks();
        let mut files: Vec<(String, Content)> = vec![(
            "good/a.yaml".to_owned(),
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: good}\ndata: {a: x}\n".into(),
        )];
        for attack in &attacks {
            // A folder without a file is none.
            files.push((format!("{}/README", attack.name), "".into()));
            for (path, content) in &attack.files {
                let content = match content {
                    Content::File(bytes) => {
                        let text = String::from_utf8(bytes.clone()).expect("a text of ours");
                        fill(&text).as_str().into()
                    }
                    Content::Symlink(target) => {
                        let target = fill(target);
                        // An absolute one, too.
                        let is_bare = target == outside;
                        Content::Symlink(if is_bare {
                            format!("/{target}")
                        } else {
                            target
                        })
                    }
                    other => other.clone(),
                };
                files.push((format!("{}/{path}", attack.name), content));
            }
        }
        let files = files
            .iter()
            .map(|(path, content)| (path.as_str(), content.clone()));
        world.repository.commit_content("main", files.collect());
        let automated = "syncPolicy: {automated: {prune: true, selfHeal: true}}";
        world.create_app_at("good", "good", automated);
        for attack in &attacks {
            let spec = format!("{automated}\n{}", fill(attack.spec));
            world.create_app_at(attack.name, attack.name, &spec);
            if !attack.source.is_empty() {
                let source = fill(attack.source);
                world.patch_app(attack.name, &format!("spec: {{source: {{{source}}}}}"));
            }
        }
        for (name, url) in REPOSITORIES {
            world.create_app_at(name, "x", automated);
            let url = fill(url);
            world.patch_app(name, &format!("spec: {{source: {{repoURL: '{url}'}}}}"));
        }
        world.start_agent();
        let mut faults = Vec::new();
        let until = Instant::now() + PATIENCE;
        let expected = attacks.iter().map(|attack| (attack.name, attack.told));
        for (name, told) in expected.chain(REPOSITORIES.map(|(name, _)| (name, &[][..]))) {
            let conditions = loop {
                let status = world.app_named(name).status;
                if !status.conditions.is_empty() || Instant::now() > until {
                    break status.conditions;
                }
                std::thread::sleep(std::time::Duration::from_millis(50));
            };
            let text: Vec<&str> = conditions.iter().map(|one| one.message.as_str()).collect();
            let text = text.join("\n");
            println!("{name}: {text}");
            let is_told = told.iter().all(|words| text.contains(&fill(words)));
            if text.is_empty() || !is_told {
                faults.push(format!("{name}: {told:?} is not told: {text}"));
            }
            if text.contains(CANARY) {
                faults.push(format!("{name} shows what it must not read: {text}"));
            }
        }
        assert!(faults.is_empty(), "{}", faults.join("\n"));
        world.wait_app("good", "Synced", |app| {
            app.status.sync.status == SyncCode::Synced
        });
        assert!(
            !fs::exists(&pwned).expect("the folder is readable"),
            "a program was run"
        );
        let found = world.find("v1", "ConfigMap", "x");
        assert!(found.is_none(), "an attack got through: {found:?}");
    });
}
