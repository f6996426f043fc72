//! `lookup` of charts: off unless it is turned on, and then as far as the
//! project goes.

use crate::world::{World, holds_for, on_each};
use drupelet::object::Object;
use std::path::Path;
use std::time::Duration;

const CHART: &str = "apiVersion: v2\nname: asking\nversion: 1.0.0\n";
const FOUND: &str = r#"
apiVersion: v1
kind: ConfigMap
metadata: {name: found}
data:
  one: {{ dig "data" "a" "nothing" (lookup "v1" "ConfigMap" .Release.Namespace "known") }}
  none: {{ lookup "v1" "ConfigMap" .Release.Namespace "none" | toJson | quote }}
  list: {{ range (lookup "v1" "ConfigMap" .Release.Namespace "").items }}{{ if eq .metadata.name "known" }}{{ .kind }}{{ end }}{{ else }}empty{{ end }}
"#;
const PASSWORD: &str = r#"
{{- $old := lookup "v1" "Secret" .Release.Namespace "password" }}
apiVersion: v1
kind: Secret
metadata: {name: password}
data:
  it: {{ if $old }}{{ $old.data.it }}{{ else }}{{ randAlphaNum 12 | b64enc }}{{ end }}
"#;

/// A world over a chart with one template, whose agent may look things up.
fn world(cluster: &Path, name: &str, template: &str, is_on: bool, more: &str) -> World {
    let mut world = World::new(cluster, name);
    world.apply_text(&format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: known, namespace: {}}}\ndata: {{a: live}}\n",
        world.name
    ));
    world.commit(&[
        ("app/Chart.yaml", CHART),
        ("app/templates/a.yaml", template),
    ]);
    world.create_app(more);
    let sources = world.sources();
    if is_on {
        sources.allow_lookups();
    }
    world.start_agent_from(sources);
    world
}

fn text(world: &World, kind: &str, name: &str, key: &str) -> String {
    let found = world.value("v1", kind, name, &["data", key]);
    let found = found.expect("it was synced");
    found.as_str().expect("it is a text").to_owned()
}

#[test]
fn a_chart_finds_what_is_in_the_cluster() {
    on_each(|cluster| {
        let world = world(
            cluster,
            "look-on",
            FOUND,
            true,
            "syncPolicy: {automated: {}}",
        );
        world.wait_synced();
        assert_eq!(text(&world, "ConfigMap", "found", "one"), "live");
        assert_eq!(text(&world, "ConfigMap", "found", "none"), "{}");
        assert_eq!(text(&world, "ConfigMap", "found", "list"), "ConfigMap");
    });
}

#[test]
fn without_the_switch_a_chart_finds_nothing() {
    on_each(|cluster| {
        let world = world(
            cluster,
            "look-off",
            FOUND,
            false,
            "syncPolicy: {automated: {}}",
        );
        world.wait_synced();
        assert_eq!(text(&world, "ConfigMap", "found", "one"), "nothing");
        assert_eq!(text(&world, "ConfigMap", "found", "none"), "{}");
        assert_eq!(text(&world, "ConfigMap", "found", "list"), "empty");
    });
}

#[test]
fn what_is_live_wins_over_what_was_drawn() {
    on_each(|cluster| {
        let policy = "syncPolicy: {automated: {selfHeal: true}}";
        let world = world(cluster, "look-live", PASSWORD, true, policy);
        world.wait_synced();
        let drawn = text(&world, "Secret", "password", "it");
        assert_eq!(drawn.len(), 16, "{drawn}");
        // Somebody rotates it. What is rendered from now on has the new one.
        world.edit("v1", "Secret", "password", "data: {it: bmV3}");
        let commit = world.commit(&[
            ("app/Chart.yaml", CHART),
            ("app/templates/a.yaml", PASSWORD),
            (
                "app/templates/b.yaml",
                "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: beside}\n",
            ),
        ]);
        world.wait_synced_at(&commit);
        let is_new = || text(&world, "Secret", "password", "it") == "bmV3";
        holds_for("the rotated password", Duration::from_secs(2), is_new);
    });
}

#[track_caller]
fn check_refusal(name: &str, project: &str, template: &str, wanted: &[&str]) {
    on_each(|cluster| {
        let mut world = World::new(cluster, name);
        let spec = project.replace("WORLD", &world.name);
        let project: Object = world.apply_text(&format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {{name: team, namespace: {}}}\nspec: {spec}\n",
            world.control_namespace()
        ));
        assert_eq!(project.name(), "team");
        world.commit(&[
            ("app/Chart.yaml", CHART),
            ("app/templates/a.yaml", template),
        ]);
        world.create_app("project: team\nsyncPolicy: {automated: {}}");
        let sources = world.sources();
        sources.allow_lookups();
        world.start_agent_from(sources);
        world.wait_app(&world.name, "refused", |app| {
            app.status.conditions.iter().any(|condition| {
                condition.kind == "ComparisonError"
                    && wanted.iter().all(|word| condition.message.contains(word))
            })
        });
        assert!(world.find("v1", "ConfigMap", "found").is_none());
    });
}

/// CVE-2020-11013: a chart reads what is no business of its owner.
#[test]
fn kinds_that_the_project_does_not_allow_are_not_read() {
    check_refusal(
        "look-kind",
        "{sourceRepos: ['*'], destinations: [{server: '*', namespace: '*'}], namespaceResourceWhitelist: [{group: '', kind: ConfigMap}]}",
        "{{ $s := lookup \"v1\" \"Secret\" .Release.Namespace \"\" }}apiVersion: v1\nkind: ConfigMap\nmetadata: {name: found}\ndata: {n: {{ len $s | quote }}}\n",
        &["lookup of v1 Secret in ", "team"],
    );
}

#[test]
fn namespaces_that_the_project_does_not_allow_are_not_read() {
    check_refusal(
        "look-place",
        "{sourceRepos: ['*'], destinations: [{server: '*', namespace: WORLD}]}",
        "{{ $s := lookup \"v1\" \"Secret\" \"kube-system\" \"x\" }}apiVersion: v1\nkind: ConfigMap\nmetadata: {name: found}\ndata: {n: {{ len $s | quote }}}\n",
        &["lookup of v1 Secret kube-system/x", "kube-system", "team"],
    );
}

#[test]
fn a_kind_that_is_not_served_is_an_error() {
    check_refusal(
        "look-none",
        "{sourceRepos: ['*'], destinations: [{server: '*', namespace: '*'}]}",
        "{{ $s := lookup \"example.com/v1\" \"Nothing\" \"\" \"x\" }}apiVersion: v1\nkind: ConfigMap\nmetadata: {name: found}\ndata: {n: {{ len $s | quote }}}\n",
        &["lookup of example.com/v1 Nothing x", "does not serve"],
    );
}
