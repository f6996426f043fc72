//! Credentials of repositories: taken from Secrets, live, and never shown.

use crate::signatures::packed;
use crate::support::git_server::{self, Behaviour, serve_plain};
use crate::support::lfs_server;
use crate::support::serve::{Answer, Server};
use crate::support::ssh_server::keygen;
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

/// A Secret of a repository, with the lines that make it special.
fn repository(world: &World, url: &str, lines: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: repo\n  namespace: {}\n  labels: {{argocd.argoproj.io/secret-type: repository}}\n\
         stringData:\n  url: '{url}'\n{lines}",
        world.control_namespace(),
    )
}

fn has_condition(app: &drupelet::app::Application, words: &str) -> bool {
    let mut conditions = app.status.conditions.iter();
    conditions.any(|condition| condition.message.contains(words))
}

#[test]
fn helm_pass_credentials_sends_them_to_the_archives_host() {
    let chart = packed("passed");
    on_each(|kubeconfig| {
        let mut world = World::new(kubeconfig, "pass-credentials");
        // "ada:s3cret-word"
        const ADA: &str = "Basic YWRhOnMzY3JldC13b3Jk";
        let bytes = chart.clone();
        let elsewhere = Server::plain(move |asked| match asked.header("authorization") {
            Some(ADA) => Answer::ok(bytes.clone()),
            _ => Answer::status(401, ""),
        });
        let archive = format!("http://127.0.0.1:{}/app-1.0.0.tgz", elsewhere.port);
        let server = Server::plain(move |asked| match asked.header("authorization") {
            Some(ADA) => Answer::ok(format!(
                "apiVersion: v1\nentries:\n  app:\n  - {{version: 1.0.0, urls: ['{archive}']}}\n"
            )),
            _ => Answer::status(401, ""),
        });
        let url = server.url("");
        let lines = "  type: helm\n  name: charts\n  username: ada\n  password: s3cret-word\n";
        world.apply_text(&repository(&world, &url, lines));
        world.commit(&[("app/cm.yaml", MANIFEST)]);
        world.create_app("syncPolicy: {automated: {}}");
        let source = |pass: bool| {
            format!(
                "spec: {{source: {{repoURL: '{url}', chart: app, targetRevision: 1.0.0, path: null, helm: {{passCredentials: {pass}}}}}}}"
            )
        };
        world.patch_app(&world.name, &source(false));
        world.start_agent();
        world.wait_app(&world.name, "refused by the other host", |app| {
            has_condition(app, "pull chart app 1.0.0: authentication is required")
        });
        let given = |asked: crate::support::serve::Asked| asked.header("authorization").is_some();
        assert!(!elsewhere.asked().into_iter().any(given));
        world.patch_app(&world.name, &source(true));
        world.wait_app(&world.name, "Synced", |app| {
            app.status.sync.status == SyncCode::Synced
        });
    });
}

/// As in Go, this machine itself is never asked through a proxy: the host is one that
/// nobody has.
#[test]
fn no_proxy_of_a_repository_is_asked_without_its_proxy() {
    on_each(|kubeconfig| {
        let mut world = World::new(kubeconfig, "no-proxy");
        world.commit(&[("app/cm.yaml", MANIFEST)]);
        let proxy = Server::plain(|_| Answer::status(403, ""));
        let url = "http://git.drupelet.invalid/repository";
        let secret = |no_proxy: &str| {
            let proxy = format!("http://127.0.0.1:{}", proxy.port);
            let lines = format!("  type: git\n  proxy: '{proxy}'\n  noProxy: '{no_proxy}'\n");
            repository(&world, url, &lines)
        };
        let (through, beside) = (secret("elsewhere.example"), secret("a.example,.invalid"));
        world.apply_text(&through);
        world.create_app("syncPolicy: {automated: {}}");
        let source = format!("spec: {{source: {{repoURL: '{url}'}}}}");
        world.patch_app(&world.name, &source);
        world.start_agent();
        world.wait_app(&world.name, "refused by the proxy", |app| {
            has_condition(app, "403")
        });
        assert!(!proxy.asked().is_empty());
        world.apply_text(&beside);
        world.wait_app(&world.name, "looked up by name", |app| {
            has_condition(app, "git.drupelet.invalid") && !has_condition(app, "403")
        });
    });
}

#[test]
fn a_github_app_of_an_enterprise_server_gets_its_token_there() {
    if std::process::Command::new("ssh-keygen").output().is_err() {
        println!("not run: ssh-keygen is not installed (Debian: openssh-client)");
        return;
    }
    on_each(|kubeconfig| {
        let mut world = World::new(kubeconfig, "github-app");
        world.commit(&[("app/cm.yaml", MANIFEST)]);
        let behaviour = Behaviour {
            credentials: Some(("x-access-token".to_owned(), "t0ken-word".to_owned())),
            ..Behaviour::default()
        };
        let Some(server) = serve_plain(world.folder(), behaviour) else {
            return;
        };
        let github = Server::plain(|asked| {
            let bears = asked
                .header("authorization")
                .is_some_and(|value| value.starts_with("Bearer ") && value.split('.').count() == 3);
            match (asked.method.as_str(), asked.target.as_str(), bears) {
                ("POST", "/api/v3/app/installations/7/access_tokens", true) => {
                    Answer::status(201, r#"{"token": "t0ken-word"}"#)
                }
                _ => Answer::status(404, ""),
            }
        });
        let path = world.folder().join("github-key");
        keygen(&path, &["-t", "rsa", "-b", "2048", "-m", "PEM"]);
        let key = std::fs::read_to_string(&path).expect("it was made");
        let key = key.trim().replace('\n', "\n    ");
        let url = server.url("/repository");
        let base = github.url("/api/v3");
        let lines = format!(
            "  type: git\n  githubAppID: '12'\n  githubAppInstallationID: '7'\n  githubAppEnterpriseBaseUrl: '{base}'\n  githubAppPrivateKey: |\n    {key}\n"
        );
        world.apply_text(&repository(&world, &url, &lines));
        world.create_app("syncPolicy: {automated: {}}");
        let source = format!("spec: {{source: {{repoURL: '{url}'}}}}");
        world.patch_app(&world.name, &source);
        world.start_agent();
        world.wait_app(&world.name, "Synced", |app| {
            app.status.sync.status == SyncCode::Synced
        });
        assert_eq!(github.asked().len(), 1, "the token is kept");
        let status = Value::of(&world.app().status).expect("JSON").to_json();
        assert!(!status.contains("-word"), "{status}");
    });
}
