//! What the contract says of an Application's spec, operation and status: a
//! case for each line.

use crate::case::{AUTOMATED, Case, MANUAL};
use crate::manifests::config;
use crate::world::{World, holds_for, on_each, wait_until};
use drupelet::app::{OperationPhase, SyncCode};
use drupelet::value::Value;
use std::time::Duration;

const CHART: &str = "apiVersion: v2\nname: chart\nversion: 1.0.0\n";
const VALUES: &str = "a: chart\nb: chart\nc: chart\n";
const TEMPLATE: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Release.Name }}}\ndata: {a: {{ .Values.a }}, b: {{ .Values.b }}, c: {{ .Values.c }}}\n";

/// `a`, `b` and `c` of a ConfigMap.
fn abc(world: &World, name: &str) -> Option<[String; 3]> {
    let found = world.find("v1", "ConfigMap", name)?;
    let text = |key: &str| found.at(&["data", key])?.as_str().map(str::to_owned);
    Some([text("a")?, text("b")?, text("c")?])
}

#[test]
fn in_repository_overrides_lie_over_the_source() {
    on_each(|cluster| {
        let world = World::new(cluster, "overrides");
        let name = world.name.clone();
        let (all, own) = (
            "path: elsewhere\nrepoURL: https://example.com/other.git\nhelm: {parameters: [{name: a, value: all}, {name: b, value: all}]}\n",
            "helm: {parameters: [{name: a, value: own}]}\n",
        );
        let file = format!("app/.argocd-source-{name}.yaml");
        let commit = |own: &str| {
            world.commit(&[
                ("app/Chart.yaml", CHART),
                ("app/values.yaml", VALUES),
                ("app/templates/cm.yaml", TEMPLATE),
                ("app/.argocd-source.yaml", all),
                (&file, own),
            ])
        };
        commit(own);
        world.create_app(AUTOMATED);
        world.create_app_at("other", "app", AUTOMATED);
        let case = Case::start(cluster, world);
        let wait = |name: &str, wanted: [&str; 3]| {
            wait_until("rendered with its overrides", || {
                abc(&case.world, name).is_some_and(|found| found == wanted)
            });
        };
        // A list is replaced as a whole, as by any merge patch.
        wait(&name, ["own", "chart", "chart"]);
        wait("other", ["all", "all", "chart"]);
        let source = case.world.app().status.sync.compared_to.expect("compared");
        assert_eq!(source.source.expect("one").path, "app");
        let commit = |own: &str| {
            case.world.commit(&[
                ("app/Chart.yaml", CHART),
                ("app/values.yaml", VALUES),
                ("app/templates/cm.yaml", TEMPLATE),
                ("app/.argocd-source.yaml", all),
                (&file, own),
            ])
        };
        commit("helm: {parameters: [{name: c, value: later}]}\n");
        wait(&name, ["chart", "chart", "later"]);
        commit("helm: [not, a, map]\n");
        case.wait_condition("ComparisonError", &format!(".argocd-source-{name}.yaml"));
        commit("kustomize: {namePrefix: x-}\n");
        case.wait_condition("ComparisonError", "multiple application sources defined");
        // What stands in the way is on the one application alone.
        let other = case.world.app_named("other");
        assert!(
            other.status.conditions.is_empty(),
            "{:?}",
            other.status.conditions
        );
    });
}

#[test]
fn several_sources_share_files_by_ref() {
    on_each(|cluster| {
        let world = World::new(cluster, "sources");
        world.commit(&[
            ("chart/Chart.yaml", CHART),
            ("chart/values.yaml", VALUES),
            ("chart/templates/cm.yaml", TEMPLATE),
            ("values/one.yaml", "a: one\nb: one\n"),
            ("values/two.yaml", "b: two\n"),
            ("plain/cm.yaml", &config("plain", "")),
        ]);
        world.create_app(AUTOMATED);
        let url = world.url();
        world.patch_app(
            &world.name,
            &format!(
                "spec:\n  source: null\n  sources:\n  - {{repoURL: {url}, path: chart, targetRevision: main, helm: {{valueFiles: [$values/values/one.yaml, $values/values/two.yaml]}}}}\n  - {{repoURL: {url}, path: plain, targetRevision: main}}\n  - {{repoURL: {url}, targetRevision: main, ref: values}}\n"
            ),
        );
        let case = Case::start(cluster, world);
        case.world.wait_synced();
        case.wait_phase(OperationPhase::Succeeded);
        let found = abc(&case.world, &case.world.name).expect("synced");
        assert_eq!(found, ["one", "two", "chart"]);
        assert!(case.config("plain").is_some());
        let status = case.world.app().status;
        assert_eq!(status.sync.revisions.len(), 3);
        assert_eq!(status.sync.revision, "");
        assert_eq!(status.source_types, ["Helm", "Directory"]);
        assert_eq!(status.history[0].sources.len(), 3);
    });
}

#[test]
fn info_of_the_spec_stays_and_that_of_an_operation_is_shown() {
    on_each(|cluster| {
        let case = Case::new(
            cluster,
            "info",
            &config("plain", ""),
            "info: [{name: url, value: 'https://example.com'}]\nsyncPolicy: {}",
        );
        case.operate("{info: [{name: Reason, value: drill}], sync: {}}");
        case.wait_phase(OperationPhase::Succeeded);
        let object = case
            .world
            .app_object(&case.world.name)
            .expect("it is there");
        let name = |path: &[&str]| {
            let list = object.at(path).and_then(Value::as_seq)?;
            list.first()?.get("name")?.as_str().map(str::to_owned)
        };
        assert_eq!(name(&["spec", "info"]).as_deref(), Some("url"));
        let shown = name(&["status", "operationState", "operation", "info"]);
        assert_eq!(shown.as_deref(), Some("Reason"));
    });
}

#[test]
fn revision_history_limit_keeps_the_newest() {
    on_each(|cluster| {
        let policy = "revisionHistoryLimit: 2\nsyncPolicy: {automated: {}}";
        let case = Case::new(cluster, "limit", &config("c0", ""), policy);
        case.world.wait_synced();
        let mut commits = Vec::new();
        for n in 1..4 {
            let commit = case.commit(&config(&format!("c{n}"), ""));
            case.wait("deployed", |app| {
                let last = app.status.history.last();
                last.is_some_and(|last| last.revision == commit)
            });
            commits.push(commit);
        }
        let history = case.world.app().status.history;
        let revisions: Vec<_> = history.iter().map(|one| &one.revision).collect();
        assert_eq!(revisions, [&commits[1], &commits[2]]);
        assert_eq!(history.last().expect("two").id, 3);
    });
}

#[test]
fn automated_that_is_not_enabled_syncs_nothing() {
    on_each(|cluster| {
        let policy = "syncPolicy: {automated: {enabled: false, prune: true}}";
        let case = Case::new(cluster, "disabled", &config("c", ""), policy);
        case.wait("compared", |app| {
            app.status.sync.status == SyncCode::OutOfSync
        });
        holds_for("nothing is synced", Duration::from_secs(2), || {
            case.config("c").is_none()
        });
        case.world.patch_app(
            &case.world.name,
            "spec: {syncPolicy: {automated: {enabled: true}}}",
        );
        case.world.wait_synced();
    });
}

#[test]
fn the_status_names_type_namespace_and_what_was_compared() {
    on_each(|cluster| {
        let case = Case::new(cluster, "status", &config("c", ""), MANUAL);
        case.operate("{initiatedBy: {username: ada}, sync: {}}");
        case.wait_phase(OperationPhase::Succeeded);
        let status = case.world.app().status;
        assert_eq!(status.source_type, "Directory");
        assert_eq!(status.controller_namespace, case.world.control_namespace());
        let compared = status.sync.compared_to.expect("compared");
        assert_eq!(compared.source.expect("one source").path, "app");
        assert_eq!(compared.destination.namespace, case.world.name);
        let [entry] = status.history.as_slice() else {
            panic!("{:?}", status.history);
        };
        assert_eq!(entry.initiated_by.username, "ada");
        assert!(!entry.deployed_at.is_empty() && !entry.deploy_started_at.is_empty());
        let [resource] = status.resources.as_slice() else {
            panic!("{:?}", status.resources);
        };
        assert_eq!(
            (
                resource.kind.as_str(),
                resource.name.as_str(),
                resource.version.as_str()
            ),
            ("ConfigMap", "c", "v1")
        );
        assert!(!status.health.last_transition_time.is_empty());
        assert!(!status.reconciled_at.is_empty());
    });
}
