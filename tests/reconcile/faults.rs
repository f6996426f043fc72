//! What goes wrong around a sync: the end is right, nothing is wrongly
//! pruned, and in between the status says what is the matter.

use crate::manifests::{config, object};
use crate::support::git_server;
use crate::support::proxy::{Harm, Hold, Proxy};
use crate::world::{PATIENCE, World, client, holds_for, on_each, wait_until};
use drupelet::app::SyncCode;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

pub const N: usize = 9;
const WORKLOAD: &str = "spec:
  selector: {matchLabels: {app: w}}
  template:
    metadata: {labels: {app: w}}
    spec: {containers: [{name: main, image: example.com/a}]}
";
/// How long the connection is cut.
const CUT: Duration = Duration::from_secs(60);
/// Long enough for a watch to fail twice.
const OUTAGE: Duration = Duration::from_secs(6);
pub const POLICY: &str = "syncPolicy:
  automated: {prune: true, selfHeal: true}
  retry: {limit: -1, backoff: {duration: 200ms, factor: 1, maxDuration: 200ms}}";

/// Some ConfigMaps with the same value, each in its document.
pub fn configs(value: &str) -> String {
    let some = (0..N).map(|n| config(&format!("c{n}"), ""));
    some.collect::<String>()
        .replace("{a: x}", &format!("{{a: {value}}}"))
}

pub fn world(cluster: &Path, name: &str) -> World {
    let world = World::new(cluster, name);
    world.commit(&[("app/all.yaml", &configs("one"))]);
    world.create_app(POLICY);
    world
}

pub fn all_are(world: &World, value: &str) -> bool {
    (0..N).all(|n| {
        let found = world.value("v1", "ConfigMap", &format!("c{n}"), &["data", "a"]);
        found
            .and_then(|found| found.as_str().map(str::to_owned))
            .as_deref()
            == Some(value)
    })
}

#[track_caller]
pub fn ends_at(world: &World, commit: &str, value: &str) {
    world.wait_synced_at(commit);
    wait_until("all objects are as in git", || all_are(world, value));
}

/// Every third apply meets a conflict.
fn meets_conflicts(name: &str, harm: Harm) {
    on_each(|cluster| {
        let mut world = world(cluster, name);
        let proxy = Proxy::start(cluster);
        let n = AtomicUsize::new(0);
        proxy.harm(harm, usize::MAX, move |passed| {
            let is_object = passed.path.contains("/configmaps/");
            is_object && passed.is_write() && n.fetch_add(1, Ordering::Relaxed) % 3 == 2
        });
        world.start_agent_on(client(&proxy.kubeconfig()));
        world.wait_synced();
        let commit = world.commit(&[("app/all.yaml", &configs("two"))]);
        ends_at(&world, &commit, "two");
    });
}

#[test]
fn a_version_conflict_on_every_third_write() {
    meets_conflicts("versions", Harm::VersionConflict);
}

#[test]
fn a_field_conflict_on_every_third_write() {
    meets_conflicts("managers", Harm::FieldConflict);
}

#[test]
fn watches_that_close_all_the_time() {
    on_each(|cluster| {
        let mut world = world(cluster, "closing");
        let proxy = Proxy::start(cluster);
        world.start_agent_on(client(&proxy.kubeconfig()));
        world.wait_synced();
        let mut commit = String::new();
        for value in ["two", "three", "four"] {
            proxy.cut_watches();
            commit = world.commit(&[("app/all.yaml", &configs(value))]);
            wait_until("the next value is there", || {
                proxy.cut_watches();
                all_are(&world, value)
            });
            world.delete("v1", "ConfigMap", "c3");
            wait_until("what was deleted comes back", || {
                world.find("v1", "ConfigMap", "c3").is_some()
            });
        }
        ends_at(&world, &commit, "four");
    });
}

#[test]
fn the_api_server_goes_away_in_mid_sync() {
    on_each(|cluster| {
        let mut world = world(cluster, "midsync");
        let proxy = Proxy::start(cluster);
        world.start_agent_on(client(&proxy.kubeconfig()));
        world.wait_synced();
        world.settle();
        proxy.hold_at_write(4, Hold::BeforeAnswer);
        let commit = world.commit(&[("app/all.yaml", &configs("two"))]);
        assert!(proxy.wait_until_held(PATIENCE), "a sync is under way");
        proxy.harm(Harm::DropBefore, 40, |_| true);
        proxy.release();
        ends_at(&world, &commit, "two");
        world.wait_app(&world.name, "content", |app| {
            app.status.conditions.is_empty()
        });
    });
}

#[test]
fn a_connection_that_is_cut_for_a_minute() {
    on_each(|cluster| {
        let mut world = world(cluster, "cut");
        let proxy = Proxy::start(cluster);
        world.start_agent_on(client(&proxy.kubeconfig()));
        world.wait_synced();
        world.settle();
        proxy.harm(Harm::DropBefore, usize::MAX, |_| true);
        proxy.cut_watches();
        world.delete("v1", "ConfigMap", "c1");
        world.edit("v1", "ConfigMap", "c2", "data: {a: drifted}");
        let mut rest: String = configs("two");
        rest = rest.replacen(&config("c0", "").replace("{a: x}", "{a: two}"), "", 1);
        let commit = world.commit(&[("app/all.yaml", &rest)]);
        holds_for("nobody can write", CUT, || {
            world.find("v1", "ConfigMap", "c1").is_none()
                && world.find("v1", "ConfigMap", "c0").is_some()
        });
        proxy.mend();
        world.wait_synced_at(&commit);
        wait_until("what left git is pruned", || {
            world.find("v1", "ConfigMap", "c0").is_none()
        });
        for name in ["c1", "c2", "c8"] {
            let value = world.value("v1", "ConfigMap", name, &["data", "a"]);
            assert_eq!(
                value.and_then(|v| v.as_str().map(str::to_owned)).as_deref(),
                Some("two")
            );
        }
    });
}

/// A watch that goes on at its old version says nothing of what did not change.
#[test]
fn applications_without_news_are_kept_through_an_outage() {
    on_each(|cluster| {
        let mut world = world(cluster, "quiet");
        world.start_agent();
        world.wait_synced();
        world.settle();
        world.stop_agent();
        // Now all is compared without a word to the status.
        let proxy = Proxy::start(cluster);
        world.start_agent_on(client(&proxy.kubeconfig()));
        world.settle();
        let n_apps = || world.agent().handle().apps().len();
        assert_eq!(n_apps(), 1);
        proxy.harm(Harm::DropBefore, usize::MAX, |_| true);
        proxy.cut_watches();
        holds_for("some attempts fail", OUTAGE, || true);
        proxy.mend();
        world.edit("v1", "ConfigMap", "c2", "data: {a: drifted}");
        wait_until("what drifted is healed", || all_are(&world, "one"));
        assert_eq!(n_apps(), 1);
    });
}

#[test]
fn a_server_that_says_429_with_retry_after() {
    on_each(|cluster| {
        let mut world = world(cluster, "slower");
        let proxy = Proxy::start(cluster);
        proxy.harm(Harm::TooManyRequests(1), 8, |passed| {
            passed.path.contains("/configmaps")
        });
        world.start_agent_on(client(&proxy.kubeconfig()));
        world.wait_synced();
        wait_until("all is there", || all_are(&world, "one"));
    });
}

/// As kube-apiserver answers for a moment where the CRD is new.
#[test]
fn a_first_list_of_applications_that_fails() {
    on_each(|cluster| {
        let mut world = world(cluster, "firstlist");
        let proxy = Proxy::start(cluster);
        proxy.harm(Harm::TooManyRequests(1), 2, |passed| {
            passed.verb == "list" && passed.path.ends_with("/applications")
        });
        world.start_agent_on(client(&proxy.kubeconfig()));
        world.wait_synced();
        wait_until("all is there", || all_are(&world, "one"));
    });
}

/// What an admission plugin says is told, and the sync ends well once it
/// allows.
fn is_told_and_mended(name: &str, words: &'static str) {
    on_each(|cluster| {
        let mut world = world(cluster, name);
        let proxy = Proxy::start(cluster);
        proxy.harm(Harm::Forbidden(words), usize::MAX, |passed| {
            passed.verb == "apply" && passed.path.ends_with("/c5")
        });
        world.start_agent_on(client(&proxy.kubeconfig()));
        world.wait_app(&world.name, "telling it", |app| {
            let state = app.status.operation_state.as_ref();
            state.is_some_and(|state| state.message.contains(words) && state.message.contains("c5"))
        });
        assert!(world.find("v1", "ConfigMap", "c5").is_none());
        proxy.mend();
        world.wait_synced();
        wait_until("all is there", || all_are(&world, "one"));
    });
}

#[test]
fn a_webhook_that_denies() {
    let words = "admission webhook \"deny.example.com\" denied the request: not today";
    is_told_and_mended("denied", words);
}

#[test]
fn a_quota_that_is_exceeded() {
    let words = "exceeded quota: objects, requested: count/configmaps=1, used: count/configmaps=5";
    is_told_and_mended("quota", words);
}

#[test]
fn a_namespace_stuck_in_terminating() {
    on_each(|cluster| {
        let mut world = World::new(cluster, "stuck");
        let namespace = format!("{}-going", world.name);
        world.apply_text(&format!(
            "apiVersion: v1\nkind: Namespace\nmetadata: {{name: {namespace}}}"
        ));
        world.apply_text(&format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: holds, namespace: {namespace}, finalizers: [example.com/holds]}}"
        ));
        let namespaces = world.resource("v1", "Namespace");
        world
            .client
            .delete(
                &namespaces,
                "",
                &namespace,
                &drupelet::kube::DeleteOptions::default(),
            )
            .expect("the API server answers");
        world.commit(&[("app/all.yaml", &configs("one"))]);
        world.create_app(
            "syncPolicy:\n  automated: {prune: true}\n  syncOptions: [CreateNamespace=true]\n  retry: {limit: -1, backoff: {duration: 200ms, factor: 1, maxDuration: 200ms}}",
        );
        world.patch_app(
            &world.name,
            &format!("spec: {{destination: {{namespace: {namespace}}}}}"),
        );
        world.start_agent();
        world.wait_app(&world.name, "telling it", |app| {
            let state = app.status.operation_state.as_ref();
            state.is_some_and(|state| state.message.contains("being terminated"))
        });
        let configs = world.resource("v1", "ConfigMap");
        world
            .client
            .patch(
                &configs,
                &namespace,
                "holds",
                &drupelet::kube::Patch::Merge(
                    drupelet::value::yaml::parse_one("metadata: {finalizers: null}")
                        .expect("a constant"),
                ),
                &drupelet::kube::WriteOptions::by("somebody"),
            )
            .expect("the patch is accepted");
        world.wait_synced();
        let found = world.client.find(&configs, &namespace, "c0");
        assert!(found.expect("the API server answers").is_some());
    });
}

/// Health comes while the report before it is still being written.
#[test]
fn what_changes_while_a_status_is_written_is_told_too() {
    on_each(|cluster| {
        let mut world = World::new(cluster, "late");
        world.commit(&[(
            "app/all.yaml",
            &object("apps/v1", "Deployment", "w", "", WORKLOAD),
        )]);
        world.create_app(POLICY);
        let proxy = Proxy::start(cluster);
        proxy.harm(
            Harm::Late(Duration::from_millis(900)),
            usize::MAX,
            |passed| passed.is_write() && passed.path.contains("/applications/"),
        );
        world.start_agent_on(client(&proxy.kubeconfig()));
        world.wait_app(&world.name, "Healthy", |app| {
            app.status.health.status == "Healthy"
        });
        world.settle();
    });
}

#[test]
fn a_history_that_is_rewritten_by_a_force_push() {
    on_each(|cluster| {
        let mut world = World::new(cluster, "forced");
        let first = world.commit(&[("app/all.yaml", &configs("one"))]);
        world.create_app(POLICY);
        world.start_agent();
        world.wait_synced_at(&first);
        let more = configs("two") + &config("more", "");
        let second = world.commit(&[("app/all.yaml", &more)]);
        ends_at(&world, &second, "two");
        // The branch goes back: `more` is not in git any more.
        world.repository.set_reference("refs/heads/main", &first);
        ends_at(&world, &first, "one");
        wait_until("what that commit had is pruned", || {
            world.find("v1", "ConfigMap", "more").is_none()
        });
    });
}

#[test]
fn flipped_bytes_in_the_cache_change_nothing() {
    on_each(|cluster| {
        let mut world = World::new(cluster, "flipped");
        let Some(served) = git_server::serve_plain(world.folder(), Default::default()) else {
            return;
        };
        world.commit(&[("app/all.yaml", &configs("one"))]);
        world.create_app(POLICY);
        let url = served.url("/repository");
        world.patch_app(
            &world.name,
            &format!("spec: {{source: {{repoURL: '{url}'}}}}"),
        );
        world.start_agent();
        world.wait_synced();
        wait_until("all is there", || all_are(&world, "one"));
        world.stop_agent();
        assert!(flip(&world.folder().join("cache")) > 0, "nothing is cached");
        world.start_agent();
        world.delete("v1", "ConfigMap", "c4");
        let commit = world.commit(&[("app/all.yaml", &configs("two"))]);
        ends_at(&world, &commit, "two");
        assert_eq!(world.app().status.sync.status, SyncCode::Synced);
    });
}

/// Flips a byte in the middle of every pack and loose object.
fn flip(folder: &Path) -> usize {
    let mut n = 0;
    for entry in std::fs::read_dir(folder).expect("the cache is readable") {
        let path = entry.expect("the cache is readable").path();
        if path.is_dir() {
            n += flip(&path);
            continue;
        }
        let is_object = path.components().any(|part| part.as_os_str() == "objects");
        let mut bytes = std::fs::read(&path).expect("the cache is readable");
        if is_object && bytes.len() > 40 {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 0xff;
            // Packs are read-only: a new file takes their place.
            let _ = std::fs::remove_file(&path);
            std::fs::write(&path, bytes).expect("the cache is writable");
            n += 1;
        }
    }
    n
}

#[test]
fn a_commit_that_comes_in_mid_sync_is_not_taken_for_what_was_synced() {
    on_each(|cluster| {
        let mut world = world(cluster, "between");
        let proxy = Proxy::start(cluster);
        world.start_agent_on(client(&proxy.kubeconfig()));
        world.wait_synced();
        world.settle();
        let first = world.app().status.sync.revision;
        proxy.hold_at_write(4, Hold::BeforeAnswer);
        let second = world.commit(&[("app/all.yaml", &configs("two"))]);
        assert!(proxy.wait_until_held(PATIENCE), "a sync is under way");
        let third = world.commit(&[("app/all.yaml", &configs("three"))]);
        let polls = &world.agent().handle().metrics.polls;
        let seen = polls.get() + 3;
        wait_until("the new commit is known", || polls.get() >= seen);
        proxy.release();
        ends_at(&world, &third, "three");
        world.settle();
        let history = world.app().status.history;
        let revisions: Vec<String> = history.iter().map(|one| one.revision.clone()).collect();
        assert_eq!(revisions, [first, second, third]);
    });
}
