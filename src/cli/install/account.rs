//! The agent's account in the cluster: what the chart makes for its Pods, and
//! a token that does not end, since nobody is there to renew it.

use crate::cli::host::SystemHost;
use crate::gotmpl::Limits;
use crate::helm::{Capabilities, Chart, ReleaseOptions, RenderOptions, ValueOptions, render};
use crate::http::Roots;
use crate::kube::{ApplyOptions, Client, Config};
use crate::object::{Gvk, Object};
use crate::tree::MemoryTree;
use crate::value::{Map, Value, yaml};
use anyhow::{Context, anyhow};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::thread;
use std::time::{Duration, Instant};

macro_rules! files {
    ($($path:literal),* $(,)?) => {
        &[$(($path, include_bytes!(concat!("../../../deploy/chart/", $path)))),*]
    };
}

/// The part of the chart that is no Pod.
const CHART: &[(&str, &[u8])] = files![
    "Chart.yaml",
    "values.yaml",
    "templates/_helpers.tpl",
    "templates/namespace.yaml",
    "templates/rbac.yaml",
    "templates/serviceaccount.yaml",
];
/// Of the release, and of the account that it makes.
const NAME: &str = "drupelet";
const TOKEN_SECRET: &str = "drupelet-token";
const FIELD_MANAGER: &str = "drupelet-install";
const TOKEN_WAIT: Duration = Duration::from_secs(30);
const TOKEN_POLL: Duration = Duration::from_millis(200);

/// Namespace, account and permissions of a profile.
pub fn objects(
    namespace: &str,
    profile: &str,
    deploy_to: &[String],
) -> anyhow::Result<Vec<Object>> {
    let tree = MemoryTree {
        files: CHART
            .iter()
            .map(|(path, bytes)| ((*path).to_owned(), bytes.to_vec()))
            .collect(),
    };
    let host = SystemHost::new()?;
    let kind = match profile {
        "read-only" => "Deployment",
        _ => "DaemonSet",
    };
    let values = ValueOptions {
        set: vec![
            "namespace.create=true".to_owned(),
            format!("kind={kind}"),
            format!("rbac.profile={profile}"),
            format!("rbac.namespaces={{{}}}", deploy_to.join(",")),
        ],
        ..ValueOptions::default()
    };
    let release = render(
        Chart::from_tree(&tree, "")?,
        &RenderOptions {
            release: ReleaseOptions {
                name: NAME.to_owned(),
                namespace: namespace.to_owned(),
                is_upgrade: false,
            },
            capabilities: Capabilities::default(),
            values: values.merge(&|path| Err(format!("{path} is not in the chart")))?,
            skip_schema_validation: false,
            ignore_missing_dependencies: false,
            host: &host,
            limits: Limits::default(),
            ends_process: false,
        },
    )?;
    let mut objects = Vec::new();
    for manifest in &release.manifests {
        for document in yaml::parse_stream(&manifest.text)? {
            objects.push(Object::new(document.value)?);
        }
    }
    Ok(objects)
}

/// Makes the account and gives its token.
pub fn create(client: &Client, objects: &[Object], namespace: &str) -> anyhow::Result<String> {
    let secret = token_secret(namespace)?;
    let discovery = client.discover(None)?;
    let options = ApplyOptions {
        force: true,
        ..ApplyOptions::by(FIELD_MANAGER)
    };
    let resource_of = |object: &Object| {
        let found = discovery.resource(&object.gvk()).cloned();
        found.with_context(|| format!("{}: the cluster does not serve this kind", object.key()))
    };
    for object in objects.iter().chain([&secret]) {
        client.apply(&*resource_of(object)?, object, &options)?;
    }
    let resource = resource_of(&secret)?;
    let until = Instant::now() + TOKEN_WAIT;
    loop {
        let found = client.get(&resource, namespace, TOKEN_SECRET)?;
        if let Some(token) = found.at(&["data", "token"]).and_then(Value::as_str) {
            let token = STANDARD.decode(token).ok();
            let token = token.and_then(|token| String::from_utf8(token).ok());
            return token.with_context(|| format!("the token of {} is damaged", secret.key()));
        }
        if Instant::now() > until {
            return Err(anyhow!(
                "{}: no token after {TOKEN_WAIT:?}; kube-controller-manager makes it: does that run?",
                secret.key()
            ));
        }
        thread::sleep(TOKEN_POLL);
    }
}

fn token_secret(namespace: &str) -> anyhow::Result<Object> {
    let annotations = Map::from_iter([("kubernetes.io/service-account.name", NAME)]);
    let metadata = Map::from_iter([
        ("name", Value::from(TOKEN_SECRET)),
        ("namespace", Value::from(namespace)),
        ("annotations", Value::Map(annotations)),
    ]);
    let gvk = Gvk::new("", "v1", "Secret");
    Ok(Object::new(Value::Map(Map::from_iter([
        ("apiVersion", Value::from(gvk.api_version().as_str())),
        ("kind", Value::from(gvk.kind.as_str())),
        ("metadata", Value::Map(metadata)),
        ("type", Value::from("kubernetes.io/service-account-token")),
    ])))?)
}

/// The agent's kubeconfig: the way to the API server is the administrator's.
pub fn kubeconfig(config: &Config, server: Option<&str>, token: &str) -> anyhow::Result<String> {
    let mut cluster = Map::from_iter([(
        "server",
        Value::from(server.unwrap_or(config.server.as_str())),
    )]);
    match &config.roots {
        Roots::Only(pem) => {
            cluster.insert("certificate-authority-data", STANDARD.encode(pem).as_str());
        }
        Roots::Public => {}
        Roots::PublicAnd(_) => {
            return Err(anyhow!("a kubeconfig cannot add a CA to the public ones"));
        }
    }
    if config.insecure {
        cluster.insert("insecure-skip-tls-verify", true);
    }
    if let Some(name) = &config.server_name {
        cluster.insert("tls-server-name", name.as_str());
    }
    let named = |field: &str, value: Map| {
        Value::Seq(vec![Value::Map(Map::from_iter([
            ("name", Value::from(NAME)),
            (field, Value::Map(value)),
        ]))])
    };
    let context = Map::from_iter([("cluster", NAME), ("user", NAME)]);
    Ok(yaml::emit(&Value::Map(Map::from_iter([
        ("apiVersion", Value::from("v1")),
        ("kind", Value::from("Config")),
        ("current-context", Value::from(NAME)),
        ("clusters", named("cluster", cluster)),
        ("users", named("user", Map::from_iter([("token", token)]))),
        ("contexts", named("context", context)),
    ]))))
}
