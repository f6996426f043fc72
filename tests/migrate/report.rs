//! What is said before anything is written.

use crate::command::drupelet;
use crate::world::{World, on_each};
use drupelet::value::Value;

/// (verdict, subject, message) as `-o json` has them.
fn findings(json: &str) -> Vec<[String; 3]> {
    let list = Value::from_json(json.as_bytes()).expect("JSON");
    let items = list.get("items").and_then(Value::as_seq).expect("a List");
    let text = |item: &Value, key: &str| {
        let text = item.get(key).and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    items
        .iter()
        .map(|item| ["verdict", "subject", "message"].map(|key| text(item, key)))
        .collect()
}

#[test]
fn what_does_not_carry_over_is_named_and_nothing_is_written() {
    on_each(|cluster| {
        let world = World::new(cluster, "survey");
        let namespace = world.control_namespace();
        world.commit(&[
            ("app/a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"),
            (
                "stale/Chart.yaml",
                "apiVersion: v2\nname: stale\nversion: 1.0.0\ndependencies:\n- {name: web, version: 2.1.0, repository: 'https://charts.example.com'}\n",
            ),
            (
                "stale/charts/web/Chart.yaml",
                "apiVersion: v2\nname: web\nversion: 2.0.0\n",
            ),
        ]);
        world.create_app("syncPolicy: {}");
        let [plugin, stale, lost] =
            ["plugin", "stale", "lost"].map(|what| format!("{}-{what}", world.name));
        world.create_app_at(&plugin, "app", "");
        world.patch_app(&plugin, "spec: {source: {plugin: {name: cue}}}");
        world.create_app_at(&stale, "stale", "");
        world.create_app_at(&lost, "app", "");
        world.patch_app(&lost, "spec: {destination: {name: elsewhere}}");
        for text in [
            "kind: ConfigMap\nmetadata: {name: argocd-cm, namespace: NS, labels: {app.kubernetes.io/part-of: argocd}}\ndata:\n  timeout.reconciliation: 60s\n  kustomize.buildOptions: --enable-helm\n  application.resourceTrackingMethod: by-name\n  url: https://argocd.example.com\n",
            "kind: ConfigMap\nmetadata: {name: argocd-cmd-params-cm, namespace: NS}\ndata:\n  application.namespaces: team-a, team-b\n  controller.status.processors: '50'\n",
            "kind: ConfigMap\nmetadata: {name: argocd-rbac-cm, namespace: NS}\ndata:\n  policy.csv: 'p, role:x, applications, get, */*, allow'\n",
            "kind: Secret\nmetadata: {name: eks, namespace: NS, labels: {argocd.argoproj.io/secret-type: cluster}}\nstringData:\n  server: https://eks.example.com\n  name: elsewhere\n  config: '{\"execProviderConfig\": {\"command\": \"aws\"}}'\n",
            "kind: Secret\nmetadata: {name: gcp, namespace: NS, labels: {argocd.argoproj.io/secret-type: repository}}\nstringData:\n  url: https://source.example.com/a.git\n  gcpServiceAccountKey: '{}'\n",
            "kind: Secret\nmetadata: {name: fine, namespace: NS, labels: {argocd.argoproj.io/secret-type: repository}}\nstringData:\n  url: https://git.example.com/a.git\n  password: swordfish\n",
        ] {
            world.apply_text(&format!("apiVersion: v1\n{text}").replace("NS", &namespace));
        }
        let map = format!("{}={}", world.url(), world.repository.path.display());
        let cache = world.folder().join("migrate-cache").display().to_string();
        let arguments = [
            "migrate",
            "-o",
            "json",
            "--map",
            &map,
            "--cache-dir",
            &cache,
        ];
        let before = world.client.counts().writes;
        let ended = drupelet(&world, cluster, &arguments);
        assert!(!ended.out.contains("swordfish") && !ended.err.contains("swordfish"));
        let found = findings(&ended.ends_with(2));
        assert_eq!(world.client.counts().writes, before);
        let check = |verdict: &str, subject: &str, message: &str| {
            assert!(
                found
                    .iter()
                    .any(|[v, s, m]| v == verdict && s.ends_with(subject) && m.contains(message)),
                "no {verdict} {subject} {message:?} in {found:#?}"
            );
        };
        check("CarriesOver", &format!("/{}", world.name), "objects");
        check("NotSupported", &plugin, "plugin \"cue\"");
        check(
            "Changes",
            &stale,
            "charts/ holds web 2.0.0, Chart.yaml asks for 2.1.0: 2.1.0 is rendered",
        );
        check("NotSupported", &lost, "execProviderConfig");
        check(
            "NotSupported",
            &format!("{namespace}/eks"),
            "execProviderConfig",
        );
        check(
            "NotSupported",
            &format!("{namespace}/gcp"),
            "gcpServiceAccountKey",
        );
        check(
            "CarriesOver",
            &format!("{namespace}/fine"),
            "git.example.com",
        );
        let cm = format!("{namespace}/argocd-cm");
        check("CarriesOver", &cm, "timeout.reconciliation");
        check("NotSupported", &cm, "application.resourceTrackingMethod");
        check("Changes", &cm, "without effect: kustomize.buildOptions");
        let parameters = format!("{namespace}/argocd-cmd-params-cm");
        check(
            "Changes",
            &parameters,
            "--application-namespaces team-a,team-b",
        );
        check("Changes", &parameters, "controller.status.processors");
        check("Changes", "argocd-rbac-cm", "no effect");
        check("CarriesOver", &format!("{namespace}/default"), "");

        let names = ["migrate", "-o", "name", "--no-fetch"];
        let names = drupelet(&world, cluster, &names).ends_with(2);
        assert!(
            names.contains(&plugin) && !names.contains("/fine"),
            "{names}"
        );
        let table = drupelet(&world, cluster, &["migrate", "--no-fetch"]).ends_with(2);
        assert!(table.contains("are not supported"), "{table}");
        assert!(!table.contains("CarriesOver"), "{table}");
    });
}
