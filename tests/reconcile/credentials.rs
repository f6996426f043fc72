//! Credentials of repositories: taken from Secrets, live, and never shown.

use crate::support::git_server::{self, Behaviour, serve_plain};
use crate::support::lfs_server;
use crate::world::{World, on_each, wait_until};
use drupelet::app::SyncCode;
use drupelet::value::Value;

const MANIFEST: &str =
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: from-private}\ndata: {a: b}\n";

#[test]
fn a_secret_opens_a_private_repository_at_once() {
    on_each(|kubeconfig| {
        let mut world = World::new(kubeconfig, "private");
        world.commit(&[("app/cm.yaml", MANIFEST)]);
        let behaviour = Behaviour {
            credentials: Some(("ada".to_owned(), "s3cret-word".to_owned())),
            ..Behaviour::default()
        };
        let Some(server) = serve_plain(world.folder(), behaviour) else {
            return;
        };
        let name = world.name.clone();
        world.create_app("syncPolicy: {automated: {}}");
        let url = server.url("/repository");
        world.patch_app(&name, &format!("spec: {{source: {{repoURL: '{url}'}}}}"));
        world.start_agent();
        world.wait_app(&name, "refused without credentials", |app| {
            let told =
                |c: &drupelet::app::Condition| c.message.contains("authentication is required");
            app.status.conditions.iter().any(told)
        });
        let secret = |password: &str| {
            format!(
                "apiVersion: v1\nkind: Secret\nmetadata:\n  name: repo\n  namespace: {}\n  labels: {{argocd.argoproj.io/secret-type: repository}}\n\
                 stringData: {{type: git, url: '{}', username: ada, password: {password}}}\n",
                world.control_namespace(),
                url.to_uppercase()
                    .replace("HTTP://LOCALHOST", "http://LOCALHOST"),
            )
        };
        world.apply_text(&secret("wrong-word"));
        world.wait_app(&name, "refused with the wrong password", |app| {
            let told = |c: &drupelet::app::Condition| c.message.contains("were refused");
            app.status.conditions.iter().any(told)
        });
        world.apply_text(&secret("s3cret-word"));
        world.wait_app(&name, "Synced", |app| {
            app.status.sync.status == SyncCode::Synced
        });
        let status = Value::of(&world.app().status).expect("JSON").to_json();
        assert!(!status.contains("-word"), "{status}");
    });
}

#[test]
fn enable_lfs_brings_what_pointers_stand_for() {
    if !git_server::is_installed() || !lfs_server::is_installed() {
        return;
    }
    on_each(|kubeconfig| {
        let mut world = World::new(kubeconfig, "lfs");
        let work = world.folder().join("served/work");
        std::fs::create_dir_all(work.join("app")).expect("creates");
        let git = |arguments: &[&str]| {
            let done = std::process::Command::new("git")
                .env_clear()
                .env("PATH", std::env::var_os("PATH").unwrap_or_default())
                .env("HOME", world.folder())
                .arg("-C")
                .arg(&work)
                .args(["-c", "user.name=Ada", "-c", "user.email=ada@example.org"])
                .args(arguments)
                .output();
            assert!(
                done.expect("git is installed").status.success(),
                "{arguments:?}"
            );
        };
        git(&["init", "-q", "-b", "main", "."]);
        git(&["lfs", "install", "--local"]);
        git(&["lfs", "track", "*.yaml"]);
        std::fs::write(work.join("app/cm.yaml"), MANIFEST).expect("writes");
        git(&["add", "."]);
        git(&["commit", "-q", "-m", "large"]);
        let served = world.folder().join("served");
        let behaviour = Behaviour::default();
        let server = lfs_server::serve(&served, &work, behaviour, lfs_server::Deviation::default());
        let namespace = world.control_namespace();
        let secret = |lfs: bool| {
            format!(
                "apiVersion: v1\nkind: Secret\nmetadata:\n  name: repo\n  namespace: {}\n  labels: {{argocd.argoproj.io/secret-type: repository}}\n\
                 stringData: {{type: git, url: '{}', insecure: 'true', enableLfs: '{lfs}'}}\n",
                namespace,
                server.url("/work/.git"),
            )
        };
        world.apply_text(&secret(false));
        world.create_app("syncPolicy: {automated: {}}");
        let url = server.url("/work/.git");
        world.patch_app(
            &world.name,
            &format!("spec: {{source: {{repoURL: '{url}'}}}}"),
        );
        world.start_agent();
        // The pointer is a text that is no manifest.
        world.wait_synced();
        assert!(world.find("v1", "ConfigMap", "from-private").is_none());
        world.apply_text(&secret(true));
        wait_until("the object is applied", || {
            world.find("v1", "ConfigMap", "from-private").is_some()
        });
        world.wait_synced();
    });
}
