//! An API server with RBAC, and the agent's account in it.

use crate::client_of;
use crate::support::apiserver::{ApiServer, Options};
use drupelet::kube::{
    ApplyOptions, Client, DeleteOptions, Discovery, FieldValidation, ListOptions, Resource,
    WriteOptions,
};
use drupelet::object::{Gvk, Object};
use drupelet::value::{Value, yaml};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);

pub struct Rig {
    server: ApiServer,
    pub admin: Client,
    folder: tempfile::TempDir,
}

/// For one test at a time: roles are the cluster's.
pub fn rig() -> Option<(&'static Rig, MutexGuard<'static, ()>)> {
    static RIG: OnceLock<Option<Rig>> = OnceLock::new();
    static TURN: Mutex<()> = Mutex::new(());
    let rig = RIG.get_or_init(|| {
        let server = ApiServer::start(Options {
            rbac: true,
            ..Options::default()
        })?;
        Some(Rig {
            admin: client_of(&server.kubeconfig()),
            server,
            folder: tempfile::tempdir().expect("a temporary folder"),
        })
    });
    Some((
        rig.as_ref()?,
        TURN.lock().unwrap_or_else(PoisonError::into_inner),
    ))
}

#[track_caller]
pub fn object(text: &str) -> Object {
    Object::new(yaml::parse_one(text).expect("the test writes YAML")).expect("it has a kind")
}

impl Rig {
    fn discovery(&self) -> Arc<Discovery> {
        self.admin.discover(None).expect("the API server answers")
    }

    /// A kind, once it is served.
    #[track_caller]
    fn resource(&self, gvk: &Gvk) -> Arc<Resource> {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(resource) = self.discovery().resource(gvk) {
                return resource.clone();
            }
            assert!(Instant::now() < until, "{} is not served", gvk.kind);
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// A new kind can be discovered before it can be listed.
    #[track_caller]
    pub fn await_storage(&self, kind: &str) {
        let resource = self.resource(&Gvk::new("argoproj.io", "v1alpha1", kind));
        let options = ListOptions {
            from_cache: true,
            ..ListOptions::default()
        };
        let until = Instant::now() + PATIENCE;
        while let Err(error) = self.admin.list(&resource, &options, &mut |_| {}) {
            assert!(Instant::now() < until, "{kind}: {error}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// As the administrator.
    #[track_caller]
    pub fn apply(&self, objects: &[Object]) {
        for object in objects {
            let options = ApplyOptions {
                force: true,
                field_validation: FieldValidation::Strict,
                ..ApplyOptions::by("admin")
            };
            let resource = self.resource(&object.gvk());
            let applied = self.admin.apply(&resource, object, &options);
            applied.unwrap_or_else(|error| panic!("{}: {error}", object.key()));
        }
    }

    #[track_caller]
    pub fn delete(&self, api_version: &str, kind: &str, namespace: &str, name: &str) {
        let gvk = Gvk::parse(api_version, kind).expect("the test names kinds");
        let resource = self.resource(&gvk);
        let deleted = self
            .admin
            .delete(&resource, namespace, name, &DeleteOptions::default());
        deleted.expect("an administrator may");
    }

    pub fn find(&self, gvk: &Gvk, namespace: &str, name: &str) -> Option<Object> {
        let discovery = self.discovery();
        let resource = discovery.resource(gvk)?;
        let found = self.admin.find(resource, namespace, name);
        found.expect("an administrator may")
    }

    /// A kubeconfig with a token of the account `argocd/drupelet`.
    pub fn kubeconfig(&self) -> PathBuf {
        let request = object(
            "apiVersion: authentication.k8s.io/v1\nkind: TokenRequest\n\
             metadata: {name: drupelet, namespace: argocd}\nspec: {audiences: []}",
        );
        let accounts = self.discovery();
        let accounts = accounts.resource(&Gvk::new("", "v1", "ServiceAccount"));
        let resource = Resource {
            kind: "TokenRequest".to_owned(),
            plural: "serviceaccounts/drupelet/token".to_owned(),
            ..Resource::clone(accounts.expect("accounts are served"))
        };
        let answer = self
            .admin
            .create(&resource, &request, &WriteOptions::by("admin"));
        let answer = answer.expect("the account is there");
        let token = answer.at(&["status", "token"]).and_then(Value::as_str);
        let token = token.expect("a token");
        let path = self.folder.path().join("kubeconfig");
        std::fs::write(self.folder.path().join("ca.crt"), &self.server.ca).expect("writable");
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: pod\n\
             clusters: [{{name: c, cluster: {{server: '{}', certificate-authority: ca.crt}}}}]\n\
             users: [{{name: u, user: {{token: '{token}'}}}}]\n\
             contexts: [{{name: pod, context: {{cluster: c, user: u}}}}]\n",
            self.server.url
        );
        std::fs::write(&path, text).expect("writable");
        path
    }

    /// Waits until the API server's authorizer knows of the roles: whether the
    /// account may do the first thing of a rule.
    pub fn await_permission(&self, agent: &Client, rule: &Value, namespace: &str, allowed: bool) {
        let first = |name: &str| {
            let list = rule.get(name).and_then(Value::as_seq);
            let text = list.and_then(|list| list[0].as_str());
            text.expect("rules are lists of strings").to_owned()
        };
        let review = object(&format!(
            "apiVersion: authorization.k8s.io/v1\nkind: SelfSubjectAccessReview\nmetadata: {{}}\n\
             spec: {{resourceAttributes: {{namespace: '{namespace}', verb: {}, group: '{}', resource: {}}}}}",
            first("verbs"),
            first("apiGroups"),
            first("resources"),
        ));
        let discovery = self.discovery();
        let resource = discovery.resource(&review.gvk()).expect("it is served");
        let until = Instant::now() + PATIENCE;
        loop {
            let answer = agent.create(resource, &review, &WriteOptions::by("agent"));
            let answer = answer.expect("everybody may ask that");
            if answer.at(&["status", "allowed"]).and_then(Value::as_bool) == Some(allowed) {
                return;
            }
            assert!(Instant::now() < until, "{rule:?} is not {allowed}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
