use crate::command::{drupelet, run};
use crate::support::git_server::{Behaviour, serve_plain};
use crate::world::{World, on_each, wait_until};
use drupelet::app::{OperationPhase, SyncCode};
use drupelet::value::Value;

const CONFIG: &str =
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {colour: red}\n";
const SECRET: &str =
    "apiVersion: v1\nkind: Secret\nmetadata: {name: key}\nstringData: {password: swordfish}\n";

fn map(world: &World) -> String {
    format!("{}={}", world.url(), world.repository.path.display())
}

fn create(world: &World, kubeconfig: &std::path::Path, more: &[&str]) {
    let url = world.url();
    let mut arguments = vec![
        "app",
        "create",
        &world.name,
        "--repo",
        &url,
        "--path",
        "app",
        "--revision",
        "main",
        "--dest-name",
        "in-cluster",
        "--dest-namespace",
        &world.name,
    ];
    arguments.extend(more);
    let said = drupelet(world, kubeconfig, &arguments).ok();
    assert_eq!(
        said,
        format!("application.argoproj.io/{} created\n", world.name)
    );
}

#[test]
fn create_makes_an_application_once_and_changes_it_only_with_upsert() {
    on_each(|kubeconfig| {
        let world = World::new(kubeconfig, "create");
        create(
            &world,
            kubeconfig,
            &["--sync-policy", "auto", "--self-heal", "-l", "team=blue"],
        );
        let app = world.app();
        assert_eq!(app.labels["team"], "blue");
        let automated = app.spec.automated().expect("it is automated");
        assert!(automated.self_heal && !automated.prune);
        let object = world.app_object(&world.name).expect("it is there");
        let text = drupelet::value::yaml::emit(&{
            let mut bare = object.clone();
            bare.root_mut().remove("status");
            for field in [
                "managedFields",
                "resourceVersion",
                "uid",
                "generation",
                "creationTimestamp",
            ] {
                bare.metadata_mut().remove(field);
            }
            bare.into_value()
        });
        let file = world.folder().join("app.yaml");
        std::fs::write(&file, text).expect("the folder is writable");
        let file = file.display().to_string();
        let same = drupelet(&world, kubeconfig, &["app", "create", "-f", &file]).ok();
        assert!(same.ends_with(" unchanged\n"), "{same}");
        let other = ["app", "create", "-f", &file, "--path", "other"];
        drupelet(&world, kubeconfig, &other).fails("--upsert");
        let mut upsert = other.to_vec();
        upsert.push("--upsert");
        let changed = drupelet(&world, kubeconfig, &upsert).ok();
        assert!(changed.ends_with(" configured\n"), "{changed}");
        assert_eq!(world.app().spec.sources()[0].path, "other");
        drupelet(&world, kubeconfig, &["app", "create", "nothing"]).fails("no source");
    });
}

#[test]
fn set_changes_what_was_named_and_keeps_the_rest() {
    on_each(|kubeconfig| {
        let world = World::new(kubeconfig, "set");
        create(
            &world,
            kubeconfig,
            &["--sync-option", "CreateNamespace=true"],
        );
        world.patch_app(
            &world.name,
            "spec: {source: {helm: {valuesObject: {a: 1}}}}",
        );
        let set = |more: &[&str]| {
            let mut arguments = vec!["app", "set", world.name.as_str()];
            arguments.extend(more);
            drupelet(&world, kubeconfig, &arguments)
        };
        set(&[
            "-p",
            "image.tag=2",
            "--helm-set-string",
            "port=80",
            "--revision",
            "v2",
        ])
        .ok();
        set(&[
            "-p",
            "image.tag=3",
            "--sync-option",
            "!CreateNamespace",
            "--sync-option",
            "PruneLast=true",
        ])
        .ok();
        let app = world.app();
        let source = app.spec.sources()[0].clone();
        assert_eq!(source.target_revision, "v2");
        let helm = source.helm.expect("it has parameters");
        let parameters: Vec<_> = helm
            .parameters
            .iter()
            .map(|p| (p.name.as_str(), p.value.as_str(), p.force_string))
            .collect();
        assert_eq!(
            parameters,
            [("port", "80", true), ("image.tag", "3", false)]
        );
        assert!(helm.values_object.is_some(), "what was not named stays");
        let policy = app.spec.sync_policy.clone().expect("it has options");
        assert_eq!(policy.sync_options, ["PruneLast=true"]);
        set(&["--auto-prune"]).fails("--sync-policy auto");
        set(&["--sync-policy", "auto", "--auto-prune"]).ok();
        assert!(world.app().spec.automated().expect("on").prune);
        assert!(set(&["--auto-prune"]).ok().ends_with(" unchanged\n"));
        set(&["--source-position", "2", "--path", "x"]).fails("there is one source");
    });
}

#[test]
fn resources_manifests_and_events_are_shown_and_secrets_are_masked() {
    on_each(|kubeconfig| {
        let mut world = World::new(kubeconfig, "show");
        world.commit(&[("app/config.yaml", CONFIG), ("app/secret.yaml", SECRET)]);
        create(&world, kubeconfig, &["--sync-policy", "auto"]);
        world.start_agent();
        world.wait_synced();
        let app = world.name.as_str();
        let names = drupelet(&world, kubeconfig, &["app", "resources", app, "-o", "name"]).ok();
        assert_eq!(names, "configmap/settings\nsecret/key\n");
        let one = drupelet(
            &world,
            kubeconfig,
            &["app", "resources", app, "--kind", "secret", "-o", "json"],
        )
        .json();
        assert_eq!(one.as_seq().map(<[Value]>::len), Some(1));
        let table = drupelet(&world, kubeconfig, &["app", "resources", app, "-o", "wide"]).ok();
        assert!(table.starts_with("GROUP"), "{table}");
        for source in ["git", "live"] {
            let map = map(&world);
            let mut arguments = vec!["app", "manifests", app, "--source", source];
            arguments.extend(["--map", &map]);
            let text = drupelet(&world, kubeconfig, &arguments).ok();
            assert!(text.contains("colour: red"), "{text}");
            assert!(text.contains("++++++++"), "{text}");
            for secret in ["swordfish", "c3dvcmRmaXNo"] {
                assert!(!text.contains(secret), "{source}: {text}");
            }
        }
        world.apply_text(&format!(
            "apiVersion: v1\nkind: Event\nmetadata: {{name: e1, namespace: {0}}}\ntype: Warning\nreason: Odd\nmessage: it is red\n\
             lastTimestamp: '2026-01-01T00:00:00Z'\ninvolvedObject: {{apiVersion: v1, kind: ConfigMap, namespace: {0}, name: settings}}\n",
            world.name
        ));
        let events = drupelet(&world, kubeconfig, &["app", "events", app]).ok();
        assert!(
            events.contains("Odd") && events.contains("configmap/settings"),
            "{events}"
        );
        let none = drupelet(
            &world,
            kubeconfig,
            &["app", "events", app, "--kind", "Secret", "-o", "name"],
        )
        .ok();
        assert_eq!(none, "");
        drupelet(&world, kubeconfig, &["app", "resources", "nobody"])
            .fails("no Application nobody");
    });
}

/// CVE-2026-42880
#[test]
fn diff_masks_secrets_and_ends_with_2() {
    on_each(|kubeconfig| {
        let mut world = World::new(kubeconfig, "diff");
        world.commit(&[("app/secret.yaml", SECRET)]);
        create(&world, kubeconfig, &["--sync-policy", "auto"]);
        world.start_agent();
        world.wait_synced();
        world.stop_agent();
        let map = map(&world);
        let diff = ["app", "diff", &world.name, "--map", &map];
        assert_eq!(drupelet(&world, kubeconfig, &diff).ok(), "");
        world.edit("v1", "Secret", "key", "data: {password: b3RoZXI=}");
        for format in ["yaml", "json", "wide"] {
            let mut arguments = diff.to_vec();
            arguments.extend(["-o", format]);
            let text = drupelet(&world, kubeconfig, &arguments).ends_with(2);
            assert!(
                text.contains("password") && text.contains("++++++++"),
                "{text}"
            );
            for secret in ["swordfish", "c3dvcmRmaXNo", "b3RoZXI="] {
                assert!(!text.contains(secret), "{format}: {text}");
            }
        }
    });
}

/// What is rendered here is fetched as the agent would fetch it.
#[test]
fn manifests_and_diff_ask_private_repositories_with_the_clusters_secrets() {
    on_each(|kubeconfig| {
        let world = World::new(kubeconfig, "private");
        world.commit(&[("app/config.yaml", CONFIG)]);
        let behaviour = Behaviour {
            credentials: Some(("ada".to_owned(), "s3cret".to_owned())),
            ..Behaviour::default()
        };
        let Some(server) = serve_plain(world.folder(), behaviour) else {
            return;
        };
        let url = server.url("/repository");
        create(&world, kubeconfig, &[]);
        let name = world.name.clone();
        world.patch_app(&name, &format!("spec: {{source: {{repoURL: '{url}'}}}}"));
        let cache = world.folder().join("cli-cache").display().to_string();
        let manifests = [
            "app",
            "manifests",
            &name,
            "--source",
            "git",
            "--cache-dir",
            &cache,
        ];
        let diff = ["app", "diff", &name, "--cache-dir", &cache];
        for arguments in [&manifests[..], &diff] {
            drupelet(&world, kubeconfig, arguments).fails("authentication is required");
        }
        world.apply_text(&format!(
            "apiVersion: v1\nkind: Secret\nmetadata:\n  name: repo\n  namespace: {}\n  labels: {{argocd.argoproj.io/secret-type: repository}}\n\
             stringData: {{type: git, url: '{url}', username: ada, password: s3cret}}\n",
            world.control_namespace(),
        ));
        let text = drupelet(&world, kubeconfig, &manifests).ok();
        assert!(text.contains("kind: ConfigMap"), "{text}");
        let text = drupelet(&world, kubeconfig, &diff).ends_with(2);
        assert!(
            text.contains("ConfigMap") && !text.contains("s3cret"),
            "{text}"
        );
    });
}

#[test]
fn history_lists_the_syncs_and_rollback_asks_for_one_of_them() {
    on_each(|kubeconfig| {
        let mut world = World::new(kubeconfig, "history");
        let first = world.commit(&[("app/config.yaml", CONFIG)]);
        create(&world, kubeconfig, &["--sync-policy", "auto"]);
        world.start_agent();
        world.wait_synced_at(&first);
        let second = world.commit(&[("app/config.yaml", &CONFIG.replace("red", "blue"))]);
        world.wait_synced_at(&second);
        world.settle();
        let app = world.name.clone();
        let app = app.as_str();
        let table = drupelet(&world, kubeconfig, &["app", "history", app]).ok();
        assert!(table.contains(&first) && table.contains(&second), "{table}");
        let ids = drupelet(&world, kubeconfig, &["app", "history", app, "-o", "name"]).ok();
        let ids: Vec<&str> = ids.lines().collect();
        assert_eq!(ids.len(), 2, "{table}");
        drupelet(&world, kubeconfig, &["app", "rollback", app]).fails("--sync-policy none");
        drupelet(
            &world,
            kubeconfig,
            &["app", "set", app, "--sync-policy", "none"],
        )
        .ok();
        world.stop_agent();
        drupelet(&world, kubeconfig, &["app", "rollback", app, "99"]).fails("no entry 99");
        drupelet(&world, kubeconfig, &["app", "rollback", app, "--async"]).ok();
        let operation = world.app().operation.expect("it is asked for");
        let sync = operation.sync.expect("a sync");
        assert_eq!(sync.revision, first);
        assert_eq!(sync.source.expect("with its source").path, "app");
        assert_eq!(operation.initiated_by.username, "ada");
        drupelet(&world, kubeconfig, &["app", "sync", app]).fails("in progress");
        // Nobody has begun: it is taken back.
        drupelet(&world, kubeconfig, &["app", "terminate", app]).ok();
        assert!(world.app().operation.is_none());
        drupelet(&world, kubeconfig, &["app", "terminate", app]).fails("no operation");
    });
}

#[test]
fn terminate_ends_a_sync_that_waits() {
    on_each(|kubeconfig| {
        let mut world = World::new(kubeconfig, "terminate");
        // A hook that stays: suspended Jobs never end.
        let hook = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: before, annotations: {argocd.argoproj.io/hook: PreSync}}\n\
                    spec: {suspend: true, template: {spec: {restartPolicy: Never, containers: [{name: main, image: busybox}]}}}\n";
        world.commit(&[("app/config.yaml", CONFIG), ("app/hook.yaml", hook)]);
        create(&world, kubeconfig, &[]);
        world.start_agent();
        drupelet(&world, kubeconfig, &["app", "sync", &world.name, "--async"]).ok();
        wait_until("the hook is there", || {
            world.find("batch/v1", "Job", "before").is_some()
        });
        drupelet(&world, kubeconfig, &["app", "terminate", &world.name]).ok();
        world.wait_app(&world.name, "terminated", |app| {
            app.status
                .operation_state
                .as_ref()
                .is_some_and(|s| s.phase == OperationPhase::Failed)
        });
        assert!(world.find("v1", "ConfigMap", "settings").is_none());
    });
}

#[test]
fn delete_takes_the_objects_along_unless_told_not_to() {
    on_each(|kubeconfig| {
        for cascade in [true, false] {
            let mut world = World::new(kubeconfig, "delete");
            world.commit(&[("app/config.yaml", CONFIG)]);
            create(
                &world,
                kubeconfig,
                &["--sync-policy", "auto", "--set-finalizer"],
            );
            world.start_agent();
            world.wait_app(&world.name, "Synced", |app| {
                app.status.sync.status == SyncCode::Synced && app.operation.is_none()
            });
            world.settle();
            // Without a terminal nobody can be asked.
            drupelet(&world, kubeconfig, &["app", "delete", &world.name]).fails("--yes");
            let cascade_text = format!("--cascade={cascade}");
            drupelet(
                &world,
                kubeconfig,
                &[
                    "app",
                    "delete",
                    &world.name,
                    "--yes",
                    "--wait",
                    &cascade_text,
                ],
            )
            .ok();
            assert!(world.app_object(&world.name).is_none());
            let left = world.find("v1", "ConfigMap", "settings");
            assert_eq!(left.is_none(), cascade);
        }
    });
}

/// The commands that a help lists, and the first line of what each is about.
fn commands(help: &str) -> impl Iterator<Item = (&str, &str)> {
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    listed
        .take_while(|line| line.starts_with("  "))
        .filter(|line| !line.starts_with("   "))
        .filter_map(|line| line.trim().split_once(' '))
        .map(|(name, about)| (name, about.trim()))
        .filter(|(name, _)| *name != "help")
}

#[test]
fn every_command_explains_itself_and_can_be_completed() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let top = run(home.path(), &["--help"], "").ok();
    assert!(top.contains("Exit codes"), "{top}");
    for (name, about) in commands(&top) {
        let help = run(home.path(), &[name, "--help"], "").ok();
        let words: Vec<&str> = help.split_whitespace().collect();
        assert!(words.join(" ").starts_with(about), "{name}: {help}");
    }
    let app = run(home.path(), &["app", "--help"], "").ok();
    for (name, _) in commands(&app) {
        let help = run(home.path(), &["app", name, "--help"], "").ok();
        assert!(help.contains("Usage: drupelet app"), "{help}");
    }
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = run(home.path(), &["completion", shell], "").ok();
        for word in ["rollback", "manifests", "actions", "propagation-policy"] {
            assert!(script.contains(word), "{shell}: {word} is not completed");
        }
    }
    // A fault of the user's is 1 too: 2 says something about applications.
    assert_eq!(run(home.path(), &["app", "nonsense"], "").code, 1);
}
