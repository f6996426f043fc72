//! The agent's own part of the permissions: each rule is needed, and all of
//! them together are enough.

use crate::account::{Rig, object, rig};
use crate::{client_of, profile};
use drupelet::agent::{Agent, Seed, Settings, Sources, bootstrap};
use drupelet::app::Application;
use drupelet::git::{Cache, Limits, Locator};
use drupelet::http;
use drupelet::kube::Client;
use drupelet::object::{Gvk, Object};
use drupelet::registry::Charts;
use drupelet::value::Value;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::repository::TestRepository;

const URL: &str = "https://example.com/rbac.git";
/// What has to happen happens within this.
const PATIENCE: Duration = Duration::from_secs(60);
/// What must not happen has not happened after this.
const BRIEFLY: Duration = Duration::from_secs(3);

type Check = fn(&Trial) -> Result<(), String>;

/// Each rule of the agent's own roles, by role and first resource, and what
/// fails without it.
const NEEDED_FOR: &[(&str, &str, Check)] = &[
    ("Role", "applications", an_app_of_apps_is_synced),
    ("Role", "appprojects", the_agent_starts),
    ("Role", "secrets", the_agent_starts),
    ("Role", "configmaps", argocd_cm_counts),
    ("Role", "leases", agents_work_beside_others),
    ("ClusterRole", "customresourcedefinitions", the_agent_starts),
    ("ClusterRole", "namespaces", the_agent_starts),
    ("ClusterRole", "deployments", a_running_argocd_is_noticed),
];

/// What the applications of these checks are made of, in place of the chart's
/// own list, which would hide that a rule is missing.
const OF_APPLICATIONS: &str = "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: drupelet-applications}
rules:
  - {apiGroups: [''], resources: [serviceaccounts], verbs: [get, list, watch]}
  - {apiGroups: [argoproj.io], resources: [applications], verbs: [list, watch]}
";

struct Trial<'a> {
    rig: &'a Rig,
    agent: &'a Client,
    kubeconfig: &'a Path,
    longest: Duration,
}

#[test]
fn each_rule_of_the_agents_own_part_is_needed() {
    let Some((rig, _turn)) = rig() else { return };
    let mut objects = profile(&["rbac.profile=namespaced", "rbac.namespaces={default}"]);
    objects.retain(|object| {
        object.kind() != "DaemonSet" && object.name() != "drupelet-applications"
            || object.kind().ends_with("Binding")
            || object.namespace() == "default"
    });
    objects.push(object(OF_APPLICATIONS));
    rig.apply(&objects);
    let kubeconfig = rig.kubeconfig();
    let agent = client_of(&kubeconfig);
    rig.await_storage("Application");
    rig.await_storage("AppProject");
    let trial = |longest| Trial {
        rig,
        agent: &agent,
        kubeconfig: &kubeconfig,
        longest,
    };
    let roles: Vec<&Object> = objects
        .iter()
        .filter(|it| matches!(it.kind(), "Role" | "ClusterRole") && it.name() == "drupelet")
        .collect();
    assert_eq!(roles.len(), 2);
    let mut n_rules = 0;
    for role in roles {
        let rules = role.at(&["rules"]).and_then(Value::as_seq).expect("rules");
        for (index, rule) in rules.iter().enumerate() {
            let resource = rule.get("resources").and_then(Value::as_seq);
            let resource = resource
                .and_then(|list| list[0].as_str())
                .expect("resources");
            let (.., check) = NEEDED_FOR
                .iter()
                .find(|(kind, name, _)| *kind == role.kind() && *name == resource)
                .unwrap_or_else(|| panic!("what is {resource} of the {} needed for?", role.kind()));
            n_rules += 1;
            rig.await_permission(&agent, rule, role.namespace(), true);
            if let Err(error) = check(&trial(PATIENCE)) {
                panic!("with all rules: {error}");
            }
            let mut less = rules.to_vec();
            less.remove(index);
            let mut reduced = role.clone();
            reduced.root_mut().insert("rules", less);
            rig.apply(&[reduced]);
            rig.await_permission(&agent, rule, role.namespace(), false);
            let without = check(&trial(BRIEFLY));
            rig.apply(std::slice::from_ref(role));
            rig.await_permission(&agent, rule, role.namespace(), true);
            let error = without.expect_err(&format!("without {resource} nothing is missing"));
            println!("without {resource}: {error}");
        }
    }
    assert_eq!(n_rules, NEEDED_FOR.len());
}

fn settings() -> Settings {
    Settings {
        namespace: "argocd".to_owned(),
        local_poll_interval: Duration::from_millis(100),
        retry_first: Duration::from_millis(300),
        ..Settings::default()
    }
}

/// Bootstrapped anew: without project and seed.
fn the_agent_starts(trial: &Trial) -> Result<(), String> {
    trial.rig.delete("v1", "Secret", "argocd", "drupelet-seed");
    trial
        .rig
        .delete("argoproj.io/v1alpha1", "AppProject", "argocd", "default");
    let begun = bootstrap(trial.agent, &settings());
    begun.map(drop).map_err(|error| error.to_string())
}

fn a_running_argocd_is_noticed(trial: &Trial) -> Result<(), String> {
    let labels = "app.kubernetes.io/name: argocd-application-controller";
    trial.rig.apply(&[object(&format!(
        "apiVersion: apps/v1\nkind: StatefulSet\n\
         metadata: {{name: argocd, namespace: default, labels: {{{labels}}}}}\n\
         spec: {{serviceName: a, selector: {{matchLabels: {{a: b}}}}, \
         template: {{metadata: {{labels: {{a: b}}}}, spec: {{containers: [{{name: c, image: i}}]}}}}}}"
    ))]);
    let begun = bootstrap(trial.agent, &settings());
    trial
        .rig
        .delete("apps/v1", "StatefulSet", "default", "argocd");
    match begun {
        Ok(_) => Err("it started beside Argo CD".to_owned()),
        Err(error) if error.to_string().contains("runs in this cluster") => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

/// A running agent with a repository of a few files.
struct Running<'a> {
    trial: &'a Trial<'a>,
    agent: Option<Agent>,
    _folder: tempfile::TempDir,
}

impl<'a> Running<'a> {
    fn start(trial: &'a Trial<'a>) -> Result<Self, String> {
        // By the administrator: this is not about the start.
        let installation =
            bootstrap(&trial.rig.admin, &settings()).map_err(|error| error.to_string())?;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let repository = TestRepository::create(&folder.path().join("repository"));
        let account =
            "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: leaf, namespace: default}\n";
        repository.commit(
            "main",
            &[
                ("root/leaf.yaml", &application("leaf", "leaf")),
                ("leaf/account.yaml", account),
            ],
        );
        let mut locator = Locator::default();
        locator.map(URL, repository.path.clone()).expect("a URL");
        let cache = Cache::open(&folder.path().join("cache"), Limits::default());
        locator.cache = Some(cache.expect("the folder is writable"));
        let http = http::Client::new(http::Settings::default()).expect("the settings are sound");
        let charts = Charts::open(&folder.path().join("charts"), Default::default());
        let charts = charts.expect("the folder is writable");
        let sources = Sources::new(locator, charts, http, Seed([7; 32]));
        let (client, discovery) = (trial.agent.clone(), installation.discovery);
        let agent = Agent::start(client, discovery, sources, settings());
        trial.rig.apply(&[object(&application("root", "root"))]);
        Ok(Running {
            trial,
            agent: Some(agent.map_err(|error| error.to_string())?),
            _folder: folder,
        })
    }

    fn await_application(
        &self,
        name: &str,
        what: &str,
        is_there: impl Fn(&Application) -> bool,
    ) -> Result<(), String> {
        let until = Instant::now() + self.trial.longest;
        let gvk = Gvk::new("argoproj.io", "v1alpha1", "Application");
        loop {
            let found = self.trial.rig.find(&gvk, "argocd", name);
            let found = found.and_then(|object| Application::read(&object).ok());
            if found.as_ref().is_some_and(&is_there) {
                return Ok(());
            }
            if Instant::now() > until {
                let status = |name: &str| {
                    let found = self.trial.rig.find(&gvk, "argocd", name);
                    found.map_or_else(String::new, |it| it.to_json())
                };
                return Err(format!(
                    "{what} of Application {name} is missing: {} {}",
                    status("root"),
                    status("leaf")
                ));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        drop(self.agent.take());
        let rig = self.trial.rig;
        for name in ["root", "leaf"] {
            rig.delete("argoproj.io/v1alpha1", "Application", "argocd", name);
        }
        rig.delete("v1", "ServiceAccount", "default", "leaf");
    }
}

fn application(name: &str, path: &str) -> String {
    format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\n\
         metadata: {{name: {name}, namespace: argocd}}\n\
         spec:\n  project: default\n  source: {{repoURL: '{URL}', path: {path}, targetRevision: main}}\n\
         \x20 destination: {{server: https://kubernetes.default.svc, namespace: argocd}}\n\
         \x20 syncPolicy: {{automated: {{}}}}\n"
    )
}

fn an_app_of_apps_is_synced(trial: &Trial) -> Result<(), String> {
    let running = Running::start(trial)?;
    running.await_application("leaf", "the success", |app| {
        let status = Value::of(&app.status).unwrap_or_default();
        let phase = status.at(&["operationState", "phase"]);
        phase.and_then(Value::as_str) == Some("Succeeded")
    })
}

fn argocd_cm_counts(trial: &Trial) -> Result<(), String> {
    trial.rig.apply(&[object(
        "apiVersion: v1\nkind: ConfigMap\n\
         metadata: {name: argocd-cm, namespace: argocd, labels: {app.kubernetes.io/part-of: argocd}}\n\
         data: {application.sync.impersonation.enabled: 'true'}",
    )]);
    let result = Running::start(trial).and_then(|running| {
        running.await_application("root", "the message about impersonation", |app| {
            let status = Value::of(&app.status).unwrap_or_default();
            status.to_json().contains("account to impersonate")
        })
    });
    trial.rig.delete("v1", "ConfigMap", "argocd", "argocd-cm");
    result
}

/// By this profile the agent may write nothing of what Applications are made
/// of: the accounts that projects name do.
#[test]
fn accounts_of_projects_write_where_the_agent_may_not() {
    let Some((rig, _turn)) = rig() else { return };
    let mut objects = profile(&["rbac.profile=impersonating", "rbac.namespaces={default}"]);
    objects.retain(|object| object.kind() != "DaemonSet");
    rig.apply(&objects);
    let switch = "apiVersion: v1\nkind: ConfigMap\n\
         metadata: {name: argocd-cm, namespace: argocd, labels: {app.kubernetes.io/part-of: argocd}}\n\
         data: {application.sync.impersonation.enabled: 'true'}";
    rig.apply(&[object(switch)]);
    let kubeconfig = rig.kubeconfig();
    let agent = client_of(&kubeconfig);
    rig.await_storage("Application");
    rig.await_storage("AppProject");
    let rule = |verb: &str| {
        let rule = format!("{{apiGroups: [''], resources: [serviceaccounts], verbs: [{verb}]}}");
        drupelet::value::yaml::parse_one(&rule).expect("the test writes YAML")
    };
    rig.await_permission(&agent, &rule("impersonate"), "default", true);
    rig.await_permission(&agent, &rule("create"), "default", false);
    rig.await_permission(&agent, &rule("impersonate"), "kube-system", false);
    let trial = Trial {
        rig,
        agent: &agent,
        kubeconfig: &kubeconfig,
        longest: PATIENCE,
    };
    let running = Running::start(&trial).expect("it may");
    let says = |app: &Application, words: &str| {
        let state = app.status.operation_state.as_ref();
        state.is_some_and(|state| state.message.contains(words))
    };
    let told = running.await_application("root", "the message", |app| {
        says(app, "no matching service account found")
    });
    told.unwrap_or_else(|why| panic!("{why}"));
    let project = "apiVersion: argoproj.io/v1alpha1\nkind: AppProject\n\
         metadata: {name: default, namespace: argocd}\n\
         spec: {destinationServiceAccounts: [{server: '*', namespace: '*', defaultServiceAccount: 'default:deployer'}]}";
    rig.apply(&[object(project)]);
    let told = running.await_application("root", "the refusal", |app| {
        says(
            app,
            "User \"system:serviceaccount:default:deployer\" cannot",
        )
    });
    told.unwrap_or_else(|why| panic!("{why}"));
    rig.apply(&[
        object(
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: deployer}\n\
             rules:\n  - {apiGroups: [''], resources: [serviceaccounts], verbs: [create, patch]}\n\
             \x20 - {apiGroups: [argoproj.io], resources: [applications], verbs: [create, patch]}",
        ),
        object(
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: deployer}\n\
             roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: deployer}\n\
             subjects: [{kind: ServiceAccount, namespace: default, name: deployer}]",
        ),
    ]);
    let gvk = Gvk::new("argoproj.io", "v1alpha1", "Application");
    let root = rig.find(&gvk, "argocd", "root").expect("it was applied");
    let mut wish = root.clone();
    wish.root_mut().remove("status");
    wish.metadata_mut().remove("managedFields");
    wish.metadata_mut().remove("resourceVersion");
    let operation = drupelet::value::yaml::parse_one("{sync: {}}").expect("the test writes YAML");
    wish.root_mut().insert("operation", operation);
    rig.apply(&[wish]);
    let done = running.await_application("leaf", "the success", |app| {
        says(app, "successfully synced")
    });
    done.unwrap_or_else(|why| panic!("{why}"));
    drop(running);
    rig.delete("v1", "ConfigMap", "argocd", "argocd-cm");
    rig.delete("argoproj.io/v1alpha1", "AppProject", "argocd", "default");
}

fn agents_work_beside_others(trial: &Trial) -> Result<(), String> {
    works(trial, "--leader-elect")?;
    // Killed: what it held is to be taken from it.
    works(trial, "--shard")?;
    works(trial, "--shard")
}

/// Starts an agent, and kills it as soon as it works.
fn works(trial: &Trial, flag: &str) -> Result<(), String> {
    let cache = tempfile::tempdir().expect("a temporary folder");
    let mut agent = Command::new(env!("CARGO_BIN_EXE_drupelet"))
        .args(["agent", flag, "--lease-duration=3s", "--kubeconfig"])
        .arg(trial.kubeconfig)
        .env_clear()
        .env("CACHE_DIRECTORY", cache.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let stdout = agent.stdout.take().expect("it is piped");
    let (said, heard) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            // Nobody listens any more once it has said enough.
            let _ = said.send(line);
        }
    });
    let until = Instant::now() + trial.longest;
    let mut result = Err(format!("no agent works with {flag}"));
    while let Ok(line) = heard.recv_timeout(until.saturating_duration_since(Instant::now())) {
        if line.contains("reconciles the Applications") {
            result = Ok(());
            break;
        }
    }
    let _ = agent.kill();
    let _ = agent.wait();
    result
}
