//! Remote bases from real servers on loopback, beside `kustomize build`.

use crate::support::git_server::{self, Behaviour};
use crate::support::program::program;
use crate::support::repository::TestRepository;
use crate::support::serve::{Answer, Server};
use drupelet::value::{Value, yaml};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const CONFIG: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: web\ndata:\n  a: b\n";
const APPLICATION: &str = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: web, namespace: argocd}\nspec:\n  project: default\n  destination: {server: 'https://kubernetes.default.svc', namespace: apps}\n  source: {repoURL: 'https://example.com/x.git', path: .}\n";

struct World {
    folder: tempfile::TempDir,
    server: Server,
}

impl World {
    /// Repositories below `/git`, files elsewhere; `None` without git.
    fn new() -> Option<Self> {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let root = folder.path().join("git");
        fs::create_dir_all(root.join("git/o")).expect("a folder can be made");
        let base = TestRepository::create(&root.join("git/o/base.git"));
        let first = base.commit(
            "main",
            &[
                ("a/kustomization.yaml", "resources: [../c, c.yaml]\n"),
                ("a/c.yaml", &CONFIG.replace("web", "first")),
                (
                    "c/kustomization.yaml",
                    "resources: [c.yaml]\nnameSuffix: -c\n",
                ),
                ("c/c.yaml", CONFIG),
            ],
        );
        base.set_head("main");
        base.tag("v1", &first);
        base.commit(
            "main",
            &[
                ("a/kustomization.yaml", "resources: [c.yaml]\n"),
                ("a/c.yaml", &CONFIG.replace("web", "second")),
                ("kustomization.yaml", "resources: [a]\nnamePrefix: root-\n"),
            ],
        );
        if !git_server::is_installed() {
            return None;
        }
        let server = Server::tls(move |asked| match asked.target.as_str() {
            "/files/web.yaml" => Answer::ok(CONFIG),
            git if git.starts_with("/git/") => {
                git_server::answer(&root, &Behaviour::default(), asked)
            }
            _ => Answer::status(404, "nothing of that name"),
        });
        fs::write(folder.path().join("ca.pem"), &server.certificate).expect("writes");
        Some(World { folder, server })
    }

    fn kustomization(&self, text: &str) -> PathBuf {
        let app = self.folder.path().join("app");
        fs::create_dir_all(&app).expect("a folder can be made");
        let text = text.replace("SERVER", &format!("localhost:{}", self.server.port));
        fs::write(app.join("kustomization.yaml"), text).expect("writes");
        app
    }

    fn run(&self, program: &Path, arguments: &[&str]) -> Output {
        let folder = self.folder.path();
        Command::new(program)
            .args(arguments)
            .current_dir(folder)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", folder)
            .env("SSL_CERT_FILE", folder.join("ca.pem"))
            .env("GIT_SSL_CAINFO", folder.join("ca.pem"))
            .output()
            .expect("it starts")
    }

    fn ours(&self, app: &Path, more: &[&str]) -> Output {
        fs::write(self.folder.path().join("app.yaml"), APPLICATION).expect("writes");
        let app = app.to_str().expect("it is UTF-8");
        let mut arguments = vec!["render", "app", "app.yaml", "--repo", app];
        arguments.extend(["--cache-dir", "cache"]);
        arguments.extend(more);
        self.run(Path::new(env!("CARGO_BIN_EXE_drupelet")), &arguments)
    }
}

/// The objects of a stream, without the tracking id of the application.
fn objects(output: &Output) -> Vec<Value> {
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words}");
    let text = String::from_utf8_lossy(&output.stdout);
    let documents = yaml::documents(&text).map(|document| {
        let text = document.expect("it is a stream").text;
        let mut value = yaml::parse_one(text).expect("it is YAML");
        if let Value::Map(root) = &mut value {
            let metadata = root.entry_map("metadata");
            let annotations = metadata.entry_map("annotations");
            annotations.remove("argocd.argoproj.io/tracking-id");
            if annotations.is_empty() {
                metadata.remove("annotations");
            }
        }
        value
    });
    documents
        .filter(|value| value.get("kind").is_some())
        .collect()
}

#[test]
fn remote_resources_are_those_of_kustomize() {
    let Some(world) = World::new() else { return };
    let original = program("kustomize");
    for text in [
        "resources: ['https://SERVER/git/o/base.git//a?ref=v1']\n",
        "resources: ['https://SERVER/git/o/base.git/a?ref=v1&submodules=false']\n",
        "resources: ['https://SERVER/git/o/base.git?ref=main&timeout=20s']\n",
        "resources: ['https://SERVER/git/o/base.git//a?version=v1']\nnamePrefix: p-\n",
        "resources: ['git::https://SERVER/git/o/base.git//a']\n",
        "resources: ['https://SERVER/files/web.yaml']\nnamespace: apps\n",
        "resources: ['https://SERVER/git/o/base.git//a?ref=v1', 'https://SERVER/git/o/base.git']\nbuildMetadata: [originAnnotations]\n",
        "resources: ['https://SERVER/files/web.yaml']\npatches: [{path: 'https://SERVER/files/web.yaml'}]\n",
    ] {
        let app = world.kustomization(text);
        let ours = objects(&world.ours(&app, &[]));
        assert!(!ours.is_empty(), "{text}");
        if let Some(original) = &original {
            let app = app.to_str().expect("it is UTF-8");
            let theirs = objects(&world.run(original, &["build", app]));
            assert_eq!(ours, theirs, "{text}");
        }
    }
}

#[test]
fn remote_resources_that_are_not_there_are_errors() {
    let Some(world) = World::new() else { return };
    let original = program("kustomize");
    for (text, why) in [
        (
            "resources: ['https://SERVER/none.yaml']\n",
            "status code 404",
        ),
        (
            "resources: ['https://SERVER/git/o/base.git//none']\n",
            "no such file or directory",
        ),
        (
            "resources: ['https://SERVER/git/o/base.git//a?ref=v9']\n",
            "v9",
        ),
        ("resources: ['https://SERVER/git/o/none.git']\n", "none.git"),
    ] {
        let app = world.kustomization(text);
        if let Some(original) = &original {
            let app = app.to_str().expect("it is UTF-8");
            assert!(
                !world.run(original, &["build", app]).status.success(),
                "{text}"
            );
        }
        let ours = world.ours(&app, &[]);
        let words = String::from_utf8_lossy(&ours.stderr);
        assert!(
            !ours.status.success() && words.contains(why),
            "{text}: {words}"
        );
    }
}

#[test]
fn remote_resources_can_be_turned_off() {
    let Some(world) = World::new() else { return };
    for text in [
        "resources: ['https://SERVER/git/o/base.git//a']\n",
        "resources: ['https://SERVER/files/web.yaml']\n",
    ] {
        let app = world.kustomization(text);
        let ours = world.ours(&app, &["--no-remote-bases"]);
        let words = String::from_utf8_lossy(&ours.stderr);
        assert!(
            !ours.status.success() && words.contains("turned off"),
            "{words}"
        );
    }
    assert!(world.server.asked().is_empty());
}
