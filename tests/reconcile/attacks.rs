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

const ASKS: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: hosts}\ndata: {host: {{ getHostByName \"localhost\" | quote }}}\n";

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
    let mut all = paths_of_charts();
    all.extend(paths_of_kustomizations());
    all.extend([
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
    ]);
    all
}

fn paths_of_charts() -> Vec<Attack> {
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
            "chart-named-here",
            vec![("Chart.yaml", "apiVersion: v2\nname: .\nversion: 1.0.0\n")],
            "",
            &["name"],
        ),
        // CVE-2024-25620
        attack(
            "dependency-named-up",
            vec![(
                "Chart.yaml",
                "apiVersion: v2\nname: harmful\nversion: 1.0.0\ndependencies: [{name: ../../x, version: 1.0.0, repository: 'http://127.0.0.1:1'}]\n",
            )],
            "",
            &["../../x"],
        ),
    ]
}

/// CVE-2026-113709: of `configHome` comes a plugin of helm's, whose program
/// would fetch the chart.
fn paths_of_kustomizations() -> Vec<Attack> {
    const PLUGIN: &str = "name: pwn\nversion: 1.0.0\ndownloaders: [{command: run.sh, protocols: [pwn]}]\nhooks: {install: 'touch PWNED'}\n";
    const RUN: &str = "#!/bin/sh\ntouch PWNED\n";
    let inflated =
        |chart: &str| format!("helmGlobals: {{configHome: ./home}}\nhelmCharts: [{chart}]\n");
    let fetched = inflated("{name: evil, repo: 'pwn://x', version: 1.0.0, releaseName: a}");
    // kustomize#6241: a name that is an option of helm's.
    let option = inflated("{name: evil, releaseName: '--post-renderer=./home/plugins/pwn/run.sh'}");
    vec![
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
            "kustomize-helm-home",
            vec![
                ("kustomization.yaml", &fetched),
                ("home/plugins/pwn/plugin.yaml", PLUGIN),
                ("home/plugins/pwn/run.sh", RUN),
            ],
            "",
            &["pwn"],
        ),
        attack(
            "kustomize-release-is-option",
            vec![
                ("kustomization.yaml", &option),
                ("home/plugins/pwn/run.sh", RUN),
                (
                    "charts/evil/Chart.yaml",
                    "apiVersion: v2\nname: evil\nversion: 1.0.0\n",
                ),
                ("charts/evil/templates/a.yaml", "kind: ConfigMap\n"),
            ],
            "",
            &["releaseName may start with '-'"],
        ),
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
    // Each place leads to the next: 20,000 of them, or 40 that do so twice.
    let chain = |length: usize, link: fn(&str) -> String| {
        let places = (0..length).map(|at| {
            let next = format!(r##"{{"$ref": "#/definitions/a{}"}}"##, at + 1);
            format!(r#""a{at}": {}, "#, link(&next))
        });
        let places: String = places.collect();
        format!(
            r##"{{"$ref": "#/definitions/a0", "definitions": {{{places}"a{length}": false}}}}"##
        )
    };
    let references = chain(20_000, str::to_owned);
    let alternatives = chain(40, |next| format!(r#"{{"anyOf": [{next}, {next}]}}"#));
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
            "schema-of-references",
            vec![("Chart.yaml", CHART), ("values.schema.json", &references)],
            "",
            &["harmful", "takes too much", "400 deep"],
        ),
        attack(
            "schema-of-alternatives",
            vec![("Chart.yaml", CHART), ("values.schema.json", &alternatives)],
            "",
            &["harmful", "takes too much", "1000000 schemas"],
        ),
        // CVE-2025-55199
        attack(
            "schema-of-a-device",
            vec![
                ("Chart.yaml", CHART),
                ("values.schema.json", r#"{"$ref": "file:///dev/zero"}"#),
            ],
            "",
            &["harmful", "file:///dev/zero"],
        ),
        // CVE-2025-55198
        attack(
            "null-maintainer",
            vec![(
                "Chart.yaml",
                "apiVersion: v2\nname: harmful\nversion: 1.0.0\nmaintainers: [null]\n",
            )],
            "",
            &["maintainers must not contain empty or null nodes"],
        ),
        attack(
            "null-dependency",
            vec![(
                "Chart.yaml",
                "apiVersion: v2\nname: harmful\nversion: 1.0.0\ndependencies: [null]\n",
            )],
            "",
            &["dependencies must not contain empty or null nodes"],
        ),
        chart(
            "long-words",
            "{{ fail (repeat 5000000 \"x\") }}",
            &["a.yaml", "execution error", "bytes are left out"],
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
const REPOSITORIES: [(&str, &str, &[&str]); 5] = [
    ("repository-runs", "ext::sh -c touch% PWNED", &[]),
    (
        "repository-is-option",
        "ssh://-oProxyCommand=touch%20PWNED/x.git",
        &[],
    ),
    ("repository-is-a-file", "file:///etc", &[]),
    ("repository-is-a-path", "/etc", &[]),
    ("repository-by-socks", BY_SOCKS, &["socks"]),
];
/// CVE-2026-55797: its Secret has a proxy that is a command for a shell.
const BY_SOCKS: &str = "ssh://git@127.0.0.1:1/x.git";
const SOCKS: &str = "socks5://$(touch PWNED):`touch PWNED`@x;touch PWNED:1";

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
        for (path, text) in [
            ("asks-for-hosts/Chart.yaml", CHART),
            ("asks-for-hosts/templates/a.yaml", ASKS),
        ] {
            files.push((path.to_owned(), text.into()));
        }
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
        world.apply_text(&format!(
            "apiVersion: v1\nkind: Secret\nmetadata:\n  name: socks\n  namespace: {}\n  labels: {{argocd.argoproj.io/secret-type: repository}}\n\
             stringData: {{type: git, url: '{BY_SOCKS}', sshPrivateKey: x, proxy: '{}'}}\n",
            world.control_namespace(),
            fill(SOCKS),
        ));
        // CVE-2023-25165: what a chart knows leaves by a name that is looked up.
        world.create_app_at("asks-for-hosts", "asks-for-hosts", automated);
        for (name, url, _) in REPOSITORIES {
            world.create_app_at(name, "x", automated);
            let url = fill(url);
            world.patch_app(name, &format!("spec: {{source: {{repoURL: '{url}'}}}}"));
        }
        world.start_agent();
        let mut faults = Vec::new();
        let until = Instant::now() + PATIENCE;
        let expected = attacks.iter().map(|attack| (attack.name, attack.told));
        for (name, told) in expected.chain(REPOSITORIES.map(|(name, _, told)| (name, told))) {
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
        world.wait_app("asks-for-hosts", "Synced", |app| {
            app.status.sync.status == SyncCode::Synced
        });
        let found = world.value("v1", "ConfigMap", "hosts", &["data", "host"]);
        assert_eq!(found.as_ref().and_then(|host| host.as_str()), Some(""));
        assert!(
            !fs::exists(&pwned).expect("the folder is readable"),
            "a program was run"
        );
        let found = world.find("v1", "ConfigMap", "x");
        assert!(found.is_none(), "an attack got through: {found:?}");
    });
}
