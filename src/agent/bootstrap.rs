//! What the agent needs in the cluster before it can work: its CRDs, the
//! default project; and nobody else who does the same work.

use super::host::Seed;
use super::resources::{application_resource, project_resource, secret_resource};
use super::settings::Settings;
use super::writes::create_if_missing;
use crate::app::{API_VERSION, APP_PROJECT, DEFAULT_PROJECT, application_crd, appproject_crd};
use crate::kube::{self, Client, Discovery, ListOptions};
use crate::object::{Gvk, Object};
use crate::value::Value;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::io::Read;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// Holds the seed of all random values that charts ask for.
const SEED_SECRET: &str = "drupelet-seed";
const ESTABLISHED_WAIT: Duration = Duration::from_secs(30);
const ESTABLISHED_POLL: Duration = Duration::from_millis(50);

#[derive(Debug, thiserror::Error)]
pub enum BootstrapError {
    #[error(transparent)]
    Kube(#[from] kube::Error),
    #[error("the CRD applications.argoproj.io is not served {0:?} after it was created")]
    NotEstablished(Duration),
    #[error(
        "{0} runs in this cluster and reconciles the same Applications; scale it down first, or start with --beside-argocd"
    )]
    ArgoCdRuns(String),
    #[error(
        "--observe writes nothing, and the CRD applications.argoproj.io is missing: install it first"
    )]
    NoCrd,
    #[error("the system refuses: {0}")]
    System(#[from] std::io::Error),
}

/// What an agent begins with.
pub struct Installation {
    pub seed: Seed,
    /// What the API server serves, once the agent's own kinds are there.
    pub discovery: Arc<Discovery>,
}

/// Installs what is missing; what is there stays as it is.
pub fn bootstrap(client: &Client, settings: &Settings) -> Result<Installation, BootstrapError> {
    let mut discovery = client.discover(None)?;
    if !settings.beside_argocd && !settings.observe {
        refuse_beside_argocd(client, &discovery)?;
    }
    let application = Gvk::parse(API_VERSION, crate::app::APPLICATION).expect("a constant");
    if settings.observe {
        return match discovery.resource(&application) {
            Some(_) => Ok(Installation {
                seed: installed_seed(client, &settings.namespace)?,
                discovery,
            }),
            None => Err(BootstrapError::NoCrd),
        };
    }
    let crd = Gvk::new("apiextensions.k8s.io", "v1", "CustomResourceDefinition");
    let mut created = false;
    if let Some(resource) = discovery.resource(&crd).cloned() {
        for definition in [application_crd(), appproject_crd()] {
            let object = Object::new(definition).expect("our CRDs are objects");
            created |= create_if_missing(client, &resource, &object)?;
        }
    }
    let until = Instant::now() + ESTABLISHED_WAIT;
    while discovery.resource(&application).is_none() || (created && !is_served(client)) {
        if Instant::now() > until {
            return Err(BootstrapError::NotEstablished(ESTABLISHED_WAIT));
        }
        thread::sleep(ESTABLISHED_POLL);
        discovery = client.discover(Some(&discovery))?;
    }
    ensure_namespace(client, &discovery, &settings.namespace)?;
    create_if_missing(
        client,
        &project_resource(),
        &default_project(&settings.namespace),
    )?;
    Ok(Installation {
        seed: seed(client, &settings.namespace)?,
        discovery,
    })
}

/// The seed of the installation in a namespace; where there is none (nothing
/// was installed), one that is good for this process.
pub fn installed_seed(client: &Client, namespace: &str) -> Result<Seed, BootstrapError> {
    let found = client.find(&secret_resource(), namespace, SEED_SECRET)?;
    match found.as_ref().and_then(read_seed) {
        Some(seed) => Ok(seed),
        None => Ok(Seed(random_bytes()?)),
    }
}

fn seed(client: &Client, namespace: &str) -> Result<Seed, BootstrapError> {
    let bytes = random_bytes()?;
    let text = format!(
        r#"{{"apiVersion":"v1","kind":"Secret","metadata":{{"name":"{SEED_SECRET}","namespace":"{namespace}"}},
            "data":{{"seed":"{}"}}}}"#,
        STANDARD.encode(bytes)
    );
    let value = Value::from_json(text.as_bytes()).expect("base64 needs no escape");
    let secret = Object::new(value).expect("apiVersion and kind are set");
    create_if_missing(client, &secret_resource(), &secret)?;
    installed_seed(client, namespace)
}

fn read_seed(secret: &Object) -> Option<Seed> {
    let text = secret.at(&["data", "seed"])?.as_str()?;
    let bytes = STANDARD.decode(text).ok()?;
    Some(Seed(bytes.try_into().ok()?))
}

fn random_bytes() -> std::io::Result<[u8; 32]> {
    let mut bytes = [0; 32];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn is_served(client: &Client) -> bool {
    [application_resource(), project_resource()]
        .iter()
        .all(|resource| {
            let options = ListOptions {
                limit: 1,
                ..ListOptions::default()
            };
            client.list(resource, &options, &mut |_| {}).is_ok()
        })
}

fn ensure_namespace(
    client: &Client,
    discovery: &Discovery,
    namespace: &str,
) -> Result<(), BootstrapError> {
    let Some(resource) = discovery.resource(&Gvk::new("", "v1", "Namespace")) else {
        return Ok(());
    };
    let text =
        format!(r#"{{"apiVersion":"v1","kind":"Namespace","metadata":{{"name":"{namespace}"}}}}"#);
    let value = Value::from_json(text.as_bytes()).expect("a DNS label needs no escape");
    create_if_missing(
        client,
        resource,
        &Object::new(value).expect("apiVersion and kind are set"),
    )?;
    Ok(())
}

/// The project of Applications that name none: it allows everything.
fn default_project(namespace: &str) -> Object {
    let text = format!(
        r#"{{"apiVersion":"{API_VERSION}","kind":"{APP_PROJECT}",
            "metadata":{{"name":"{DEFAULT_PROJECT}","namespace":"{namespace}"}},
            "spec":{{"sourceRepos":["*"],"destinations":[{{"namespace":"*","server":"*"}}],
                     "clusterResourceWhitelist":[{{"group":"*","kind":"*"}}]}}}}"#
    );
    let value = Value::from_json(text.as_bytes()).expect("a DNS label needs no escape");
    Object::new(value).expect("apiVersion and kind are set")
}

/// Two controllers on the same Applications would undo each other's work.
fn refuse_beside_argocd(client: &Client, discovery: &Discovery) -> Result<(), BootstrapError> {
    for kind in ["StatefulSet", "Deployment"] {
        let Some(resource) = discovery.preferred("apps", kind) else {
            continue;
        };
        let options = ListOptions {
            label_selector: "app.kubernetes.io/name=argocd-application-controller".to_owned(),
            ..ListOptions::default()
        };
        let mut found = None;
        let listed = client.list(resource, &options, &mut |object| {
            let replicas = object.at(&["spec", "replicas"]).and_then(Value::as_i64);
            if replicas.unwrap_or(1) > 0 {
                found = Some(object.key().to_string());
            }
        });
        match listed {
            Ok(_) => {}
            // Whoever may not look cannot tell: the operator's own business.
            Err(error) if error.is_forbidden() => continue,
            Err(error) => return Err(error.into()),
        }
        if let Some(found) = found {
            return Err(BootstrapError::ArgoCdRuns(found));
        }
    }
    Ok(())
}
