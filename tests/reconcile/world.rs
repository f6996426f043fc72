//! One test's world: a repository, a control namespace, an agent.

use crate::node;
use crate::support::apiserver::{ApiServer, Options};
use crate::support::cluster::{self, Cluster};
use crate::support::repository::TestRepository;
use drupelet::agent::{Agent, Seed, Settings, Sources, bootstrap};
use drupelet::app::{Application, SyncCode};
use drupelet::git::{Cache, Limits, Locator};
use drupelet::http;
use drupelet::kube::{
    ApplyOptions, Client, Config, DeleteOptions, Discovery, FieldValidation, Patch, Resource,
    WriteOptions,
};
use drupelet::object::{Gvk, Object};
use drupelet::registry::Charts;
use drupelet::value::{Value, yaml};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// Longer than anything here should take on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Runs a test on the sandbox and on a real cluster: with the controllers,
/// since deletion in the foreground needs them.
pub fn on_each(test: impl Fn(&Path)) {
    static SANDBOX: OnceLock<Cluster> = OnceLock::new();
    println!("on the sandbox:");
    test(&SANDBOX.get_or_init(cluster::sandbox).kubeconfig);
    on_real(test);
}

/// On the real one alone.
pub fn on_real(test: impl Fn(&Path)) {
    static REAL: OnceLock<Option<ApiServer>> = OnceLock::new();
    let real = REAL.get_or_init(|| {
        let real = ApiServer::start(Options {
            controller_manager: true,
            ..Options::default()
        })?;
        node::start(&real.kubeconfig());
        Some(real)
    });
    if let Some(real) = real {
        println!("on kube-apiserver:");
        test(&real.kubeconfig());
    }
}

static NUMBER: AtomicU32 = AtomicU32::new(0);

pub struct World {
    /// Unique: in the names of namespaces and applications.
    pub name: String,
    pub client: Client,
    pub discovery: Arc<Discovery>,
    pub repository: TestRepository,
    /// Further repositories: URL and folder.
    pub maps: Vec<(String, PathBuf)>,
    agent: Option<Agent>,
    folder: tempfile::TempDir,
}

impl World {
    pub fn new(kubeconfig: &Path, name: &str) -> Self {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let client = client(kubeconfig);
        let world = World {
            name: format!("{name}-{}-{number}", std::process::id()),
            discovery: client.discover(None).expect("the API server answers"),
            client,
            repository: TestRepository::create(&folder.path().join("repository")),
            maps: Vec::new(),
            agent: None,
            folder,
        };
        bootstrap(&world.client, &world.settings()).expect("the agent's own installation");
        world.create_namespace(&world.name);
        world
    }

    pub fn url(&self) -> String {
        format!("https://example.com/{}.git", self.name)
    }

    pub fn control_namespace(&self) -> String {
        format!("{}-argocd", self.name)
    }

    pub fn settings(&self) -> Settings {
        Settings {
            namespace: self.control_namespace(),
            local_poll_interval: Duration::from_millis(150),
            poll_interval: Duration::from_millis(500),
            poll_jitter: Duration::from_millis(1),
            retry_first: Duration::from_millis(500),
            retry_longest: Duration::from_secs(4),
            ..Settings::default()
        }
    }

    pub fn sources(&self) -> Sources {
        let mut locator = Locator::default();
        locator
            .map(&self.url(), self.repository.path.clone())
            .expect("a plain URL");
        for (url, path) in &self.maps {
            locator.map(url, path.clone()).expect("a plain URL");
        }
        // A job of an agent that was stopped may hold it for a moment.
        let until = Instant::now() + PATIENCE;
        let cache = loop {
            match Cache::open(&self.folder().join("cache"), Limits::default()) {
                Ok(cache) => break cache,
                Err(error) => assert!(Instant::now() < until, "the cache: {error}"),
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        locator.cache = Some(cache);
        let http = http::Client::new(http::Settings::default()).expect("the settings are sound");
        let charts = Charts::open(&self.folder.path().join("charts"), Default::default());
        let charts = charts.expect("the folder is writable");
        Sources::new(locator, charts, http, Seed([7; 32]))
    }

    pub fn start_agent(&mut self) {
        let client = self.client.clone();
        self.start_agent_on(client);
    }

    /// Over another way to the same API server.
    pub fn start_agent_on(&mut self, client: Client) {
        self.start(client, self.sources(), self.settings());
    }

    /// With other ways to its sources.
    pub fn start_agent_from(&mut self, sources: Sources) {
        self.start(self.client.clone(), sources, self.settings());
    }

    /// With other settings than those of most tests.
    pub fn start_agent_with(&mut self, settings: Settings) {
        self.start(self.client.clone(), self.sources(), settings);
    }

    fn start(&mut self, client: Client, sources: Sources, settings: Settings) {
        let discovery = client.discover(None).expect("the API server answers");
        let agent = Agent::start(client, discovery, sources, settings);
        self.agent = Some(agent.expect("the agent starts"));
    }

    pub fn agent(&self) -> &Agent {
        self.agent.as_ref().expect("the agent was started")
    }

    pub fn stop_agent(&mut self) {
        self.agent = None;
    }

    /// Puts these files, and no others, on the branch.
    pub fn commit(&self, files: &[(&str, &str)]) -> String {
        self.repository.commit("main", files)
    }

    fn create_namespace(&self, name: &str) {
        self.apply_text(&format!(
            "apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}}}"
        ));
    }

    /// An Application over the path `app`; `more` is YAML for its spec.
    pub fn create_app(&self, more: &str) {
        self.create_app_at(&self.name, "app", more);
    }

    pub fn create_app_at(&self, name: &str, path: &str, more: &str) {
        let mut text = format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata:\n  name: {name}\n  namespace: {}\n\
             spec:\n  project: default\n  source:\n    repoURL: {}\n    path: {path}\n    targetRevision: main\n\
             \x20 destination: {{name: in-cluster, namespace: {}}}\n",
            self.control_namespace(),
            self.url(),
            self.name,
        );
        for line in more.lines() {
            text.push_str(&format!("  {line}\n"));
        }
        self.apply_text(&text);
    }

    pub fn resource(&self, api_version: &str, kind: &str) -> Arc<Resource> {
        let gvk = Gvk::parse(api_version, kind).expect("a group and version");
        if let Some(resource) = self.discovery.resource(&gvk) {
            return resource.clone();
        }
        let fresh = self.client.discover(None).expect("the API server answers");
        fresh
            .resource(&gvk)
            .cloned()
            .unwrap_or_else(|| panic!("{gvk} is served"))
    }

    /// As somebody else than the agent.
    pub fn apply_text(&self, text: &str) -> Object {
        let value = yaml::parse_one(text).expect("the test writes YAML");
        let object = Object::new(value).expect("the test writes objects");
        let resource = self.resource(object.api_version(), object.kind());
        let options = ApplyOptions {
            force: true,
            field_validation: FieldValidation::Ignore,
            ..ApplyOptions::by("somebody")
        };
        self.client
            .apply(&resource, &object, &options)
            .expect("the apply is accepted")
    }

    pub fn find(&self, api_version: &str, kind: &str, name: &str) -> Option<Object> {
        let resource = self.resource(api_version, kind);
        self.client
            .find(&resource, &self.name, name)
            .expect("the API server answers")
    }

    /// A value of a live object in the world's namespace.
    pub fn value(&self, api_version: &str, kind: &str, name: &str, path: &[&str]) -> Option<Value> {
        self.find(api_version, kind, name)?.at(path).cloned()
    }

    /// A merge patch as `kubectl edit` sends it.
    pub fn edit(&self, api_version: &str, kind: &str, name: &str, patch: &str) -> Object {
        let patch = yaml::parse_one(patch).expect("the test writes YAML");
        self.client
            .patch(
                &self.resource(api_version, kind),
                &self.name,
                name,
                &Patch::Merge(patch),
                &WriteOptions::by("kubectl-edit"),
            )
            .expect("the patch is accepted")
    }

    pub fn delete(&self, api_version: &str, kind: &str, name: &str) {
        self.client
            .delete(
                &self.resource(api_version, kind),
                &self.name,
                name,
                &DeleteOptions::default(),
            )
            .expect("the API server answers");
    }

    pub fn app(&self) -> Application {
        self.app_named(&self.name)
    }

    pub fn app_object(&self, name: &str) -> Option<Object> {
        let resource = self.resource("argoproj.io/v1alpha1", "Application");
        self.client
            .find(&resource, &self.control_namespace(), name)
            .expect("the API server answers")
    }

    pub fn app_named(&self, name: &str) -> Application {
        let object = self
            .app_object(name)
            .unwrap_or_else(|| panic!("{name} is there"));
        Application::read(&object).expect("an Application that we wrote")
    }

    /// A merge patch of the Application itself.
    pub fn patch_app(&self, name: &str, patch: &str) {
        let patch = yaml::parse_one(patch).expect("the test writes YAML");
        self.client
            .patch(
                &self.resource("argoproj.io/v1alpha1", "Application"),
                &self.control_namespace(),
                name,
                &Patch::Merge(patch),
                &WriteOptions::by("kubectl-edit"),
            )
            .expect("the patch is accepted");
    }

    #[track_caller]
    pub fn wait_synced(&self) {
        self.wait_app(&self.name, "Synced at the newest commit", |app| {
            app.status.sync.status == SyncCode::Synced
        });
    }

    #[track_caller]
    pub fn wait_synced_at(&self, commit: &str) {
        self.wait_app(&self.name, "Synced at the commit", |app| {
            app.status.sync.status == SyncCode::Synced && app.status.sync.revision == commit
        });
    }

    #[track_caller]
    pub fn wait_app(&self, name: &str, what: &str, is_so: impl Fn(&Application) -> bool) {
        let until = Instant::now() + PATIENCE;
        loop {
            let app = self.app_named(name);
            if is_so(&app) {
                return;
            }
            assert!(
                Instant::now() < until,
                "{name} is not {what}; its status: {}",
                Value::of(&app.status).expect("JSON").to_json_pretty(2)
            );
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    #[track_caller]
    pub fn settle(&self) {
        assert!(
            self.agent().handle().await_settled(PATIENCE),
            "not settled: {:?}",
            self.agent().handle().apps()
        );
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

pub fn client(kubeconfig: &Path) -> Client {
    let config = Config::from_files(
        &[kubeconfig.to_owned()],
        None,
        drupelet::http::ProxyChoice::Direct,
    )
    .expect("a kubeconfig that we wrote");
    Client::new(config).expect("the settings are sound")
}

/// Waits until something holds; says how long it took.
#[track_caller]
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) -> Duration {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "in vain waited for: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
    start.elapsed()
}

/// Holds for a while; for what must not happen.
#[track_caller]
pub fn holds_for(what: &str, duration: Duration, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while start.elapsed() < duration {
        assert!(is_so(), "{what}: no longer after {:?}", start.elapsed());
        std::thread::sleep(Duration::from_millis(30));
    }
}
