//! A Raspberry Pi user's cluster from the corpus, with kube-prometheus-stack
//! added, on git's own server (https on loopback).

use super::{applications, config_maps, wait};
use crate::support::git_server;
use crate::support::serve::Server;
use drupelet::kube::{ApplyOptions, Client};
use drupelet::object::Object;
use drupelet::value::yaml;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const UPSTREAM: &str = "https://github.com/dixneuf19/brassberry-kubernetes-cluster-state";
/// Of the 21 Applications: four are in repositories that cannot be reached.
pub const EXPECTED: usize = 17;

pub struct Brassberry {
    /// Ends with it.
    _server: Server,
    pub url: String,
    /// A clone whose Applications name the loopback server.
    pub clone: PathBuf,
    /// What agents trust: `SSL_CERT_FILE`.
    pub certificate: PathBuf,
}

impl Brassberry {
    /// `None`, with a line that says why, where the corpus or git is missing.
    pub fn serve(folder: &Path) -> Option<Self> {
        let corpus = std::env::var_os("DRUPELET_CORPUS").map_or_else(
            || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"),
            PathBuf::from,
        );
        let bundle = corpus.join("repos/brassberry-kubernetes-cluster-state.bundle");
        if !bundle.exists() {
            println!("not run: no {}", bundle.display());
            return None;
        }
        let served = folder.join("served");
        fs::create_dir(&served).expect("the folder is writable");
        let server = git_server::serve(&served, git_server::Behaviour::default())?;
        let url = server.url("/brassberry.git");
        prepare(&corpus, &bundle, folder, &served, &url);
        let certificate = folder.join("ca.pem");
        fs::write(&certificate, &server.certificate).expect("the folder is writable");
        Some(Brassberry {
            _server: server,
            url,
            clone: folder.join("clone"),
            certificate,
        })
    }

    /// Creates the Application that brings the others.
    pub fn apply_root(&self, client: &Client) {
        let text = fs::read_to_string(self.clone.join("argocd/apps/argocd-apps.yaml"));
        let text = text.expect("the root of the repository");
        let value = yaml::parse_one(&text.replace(UPSTREAM, &self.url)).expect("YAML");
        let mut root = Object::new(value).expect("an Application");
        root.set_namespace("argocd");
        let options = ApplyOptions::by("kubectl");
        wait(|| client.apply(&applications(), &root, &options).ok());
    }

    /// Takes out the Applications whose repositories are not served here.
    pub fn drop_unreachable(&self) {
        let mut folders = vec![self.clone.join("argocd/apps")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("a folder of the clone") {
                let path = entry.expect("a folder of the clone").path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let text = fs::read_to_string(&path).unwrap_or_default();
                if text.contains("kind: Application") && !text.contains(&self.url) {
                    fs::remove_file(path).expect("the clone is writable");
                }
            }
        }
        self.commit("what is served");
    }

    /// Commits one more object in one file, which one application reads;
    /// the time from the push until the cluster has it.
    pub fn commit_one_file(&self, client: &Client) -> Duration {
        let file = self.clone.join("default/whoami/whoami.yaml");
        let text = fs::read_to_string(&file).expect("it is in the repository");
        let more =
            "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: footprint}\ndata: {a: b}\n";
        fs::write(&file, format!("{}\n{more}", text.trim_end())).expect("the clone is writable");
        self.commit("one file");
        let began = Instant::now();
        let maps = config_maps();
        wait(|| client.find(&maps, "default", "footprint").ok()?);
        began.elapsed()
    }

    /// Commits what stands in the clone, to the server; its id.
    pub fn commit(&self, message: &str) -> String {
        let git =
            |arguments: &[&str]| git_server::git(&self.clone, arguments).expect("git does it");
        git(&["add", "-A"]);
        git(&[&AUTHOR[..], &["commit", "-qm", message]].concat());
        git(&["push", "-q", "served", "HEAD"]);
        git(&["rev-parse", "HEAD"]).trim().to_owned()
    }
}

const AUTHOR: [&str; 4] = [
    "-c",
    "user.name=bench",
    "-c",
    "user.email=bench@example.com",
];

fn prepare(corpus: &Path, bundle: &Path, folder: &Path, served: &Path, url: &str) {
    let git = |directory: &Path, arguments: &[&str]| {
        git_server::git(directory, arguments).expect("git does it")
    };
    let clone = folder.join("clone");
    git(
        folder,
        &["clone", "-q", &bundle.display().to_string(), "clone"],
    );
    let added = corpus.join("repos/kube-prometheus-stack-app.yaml");
    let added = fs::read_to_string(added).expect("it is in the corpus");
    let apps = clone.join("argocd/apps");
    fs::write(apps.join("kube-prometheus-stack.yaml"), added).expect("the clone is writable");
    rewrite(&apps, url);
    git(&clone, &["add", "-A"]);
    git(
        &clone,
        &[&AUTHOR[..], &["commit", "-qm", "loopback"]].concat(),
    );
    let bare = served.join("brassberry.git").display().to_string();
    git(folder, &["clone", "-q", "--bare", "clone", &bare]);
    git(&clone, &["remote", "add", "served", &bare]);
}

fn rewrite(directory: &Path, url: &str) {
    for entry in fs::read_dir(directory).expect("a folder of the clone") {
        let path = entry.expect("a folder of the clone").path();
        if path.is_dir() {
            rewrite(&path, url);
        } else if let Ok(text) = fs::read_to_string(&path) {
            fs::write(&path, text.replace(UPSTREAM, url)).expect("the clone is writable");
        }
    }
}
