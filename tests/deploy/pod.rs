//! The Pod as the manifests start it: the binary with its arguments, its user,
//! its token and a root that is read-only.

use crate::account::rig;
use crate::support::apiserver::free_ports;
use crate::support::cluster;
use crate::{PROFILES, profile, workload};
use drupelet::http::{self, Roots};
use drupelet::kube::Config;
use drupelet::object::Object;
use drupelet::value::Value;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);

/// Stands for container runtime and kubelet: a mount namespace in which only
/// the volumes are writable, then the user and no capabilities.
const CONTAINER: &str = r#"
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs /run
mkdir -p /run/secrets/kubernetes.io/serviceaccount
printf %s "$TOKEN" > /run/secrets/kubernetes.io/serviceaccount/token
printf %s "$CA" > /run/secrets/kubernetes.io/serviceaccount/ca.crt
printf argocd > /run/secrets/kubernetes.io/serviceaccount/namespace
mount -t tmpfs tmpfs /var/cache
mkdir "/var/cache/$VOLUME"
chown "$ID:$ID" "/var/cache/$VOLUME"
mount -t tmpfs -o ro tmpfs /tmp
mount -o remount,bind,ro /
unset TOKEN CA
exec setpriv --reuid "$ID" --regid "$ID" --clear-groups --no-new-privs \
  --inh-caps=-all --bounding-set=-all "$@"
"#;

#[track_caller]
fn text(object: &Object, path: &[&str]) -> String {
    match object.at(path) {
        Some(Value::Str(text)) => text.clone(),
        Some(Value::Int(number)) => number.to_string(),
        other => panic!("{path:?} is {other:?}"),
    }
}

fn container(workload: &Object) -> &Value {
    let containers = workload.at(&["spec", "template", "spec", "containers"]);
    let containers = containers.and_then(Value::as_seq).expect("it has some");
    assert_eq!(containers.len(), 1);
    &containers[0]
}

#[test]
fn the_pod_may_do_nothing_that_it_need_not() {
    for (values, _) in PROFILES {
        let objects = profile(values);
        let workload = workload(&objects);
        let flag = |path: &[&str]| {
            let pod = workload.at(&["spec", "template", "spec"]);
            pod.and_then(|pod| pod.at(path)).and_then(Value::as_bool)
        };
        assert_eq!(flag(&["securityContext", "runAsNonRoot"]), Some(true));
        for name in ["hostNetwork", "hostPID", "hostIPC"] {
            assert_eq!(flag(&[name]), None, "{name}");
        }
        let container = container(workload);
        let flag = |name| container.at(&["securityContext", name])?.as_bool();
        assert_eq!(flag("readOnlyRootFilesystem"), Some(true));
        assert_eq!(flag("allowPrivilegeEscalation"), Some(false));
        let memory = container.at(&["resources", "limits", "memory"]);
        assert_eq!(memory.and_then(Value::as_str), Some("64Mi"));
    }
}

#[test]
fn the_agent_runs_with_the_pods_arguments_user_token_and_root() {
    if !may_unshare() {
        println!("not run: a mount namespace of its own needs root, unshare and setpriv");
        return;
    }
    let sandbox = cluster::sandbox();
    for (values, name) in PROFILES {
        run(values, name, &sandbox.kubeconfig);
    }
}

/// Where RBAC rules, each profile is enough for the arguments that come with it.
#[test]
fn the_agent_runs_with_the_pods_own_account() {
    let Some((rig, _turn)) = rig() else { return };
    if !may_unshare() {
        println!("not run: a mount namespace of its own needs root, unshare and setpriv");
        return;
    }
    for (values, name) in PROFILES {
        rig.apply(&profile(values));
        run(values, name, &rig.kubeconfig());
    }
}

fn run(values: &[&str], name: &str, kubeconfig: &Path) {
    let [port] = free_ports();
    let port_value = format!("service.port={port}");
    let objects = profile(&[values, &[port_value.as_str()][..]].concat());
    let mut agent = start(workload(&objects), kubeconfig);
    wait_until_ready(&mut agent, port, name);
    assert_confined(&agent);
    stop(agent, name);
}

fn may_unshare() -> bool {
    let mut probe = Command::new("unshare");
    probe.args(["--mount", "setpriv", "--clear-groups", "true"]);
    probe.stderr(Stdio::null());
    probe.status().is_ok_and(|status| status.success())
}

fn start(workload: &Object, kubeconfig: &Path) -> Child {
    let pod = ["spec", "template", "spec"];
    let of_pod = |path: &[&str]| text(workload, &[&pod, path].concat());
    let container = container(workload);
    let arguments = container.at(&["args"]).and_then(Value::as_seq);
    let arguments = arguments.expect("it has some").iter();
    let mounts = container.at(&["volumeMounts"]).and_then(Value::as_seq);
    let [mount] = mounts.expect("it has some") else {
        panic!("there is a volume that CONTAINER does not mount");
    };
    let mount = mount.get("mountPath").and_then(Value::as_str);
    let volume = mount.and_then(|path| path.strip_prefix("/var/cache/"));
    let id = of_pod(&["securityContext", "runAsUser"]);
    assert_eq!(id, of_pod(&["securityContext", "runAsGroup"]));

    let config = Config::find(Some(kubeconfig), None, &|_| None);
    let config = config.expect("the kubeconfig is sound");
    let server = config.server.strip_prefix("https://");
    let (host, port) = server
        .and_then(|server| server.split_once(':'))
        .expect("an address on loopback");
    let Roots::Only(ca) = &config.roots else {
        panic!("the kubeconfig has a CA");
    };
    Command::new("unshare")
        .args(["--mount", "sh", "-c", CONTAINER, "container"])
        .arg(env!("CARGO_BIN_EXE_drupelet"))
        .args(arguments.map(|argument| argument.as_str().expect("arguments are strings")))
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env("TOKEN", config.user.token.as_deref().unwrap_or_default())
        .env("CA", String::from_utf8_lossy(ca).as_ref())
        .env("ID", id)
        .env("VOLUME", volume.expect("a path below /var/cache"))
        .env("KUBERNETES_SERVICE_HOST", host)
        .env("KUBERNETES_SERVICE_PORT", port)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("unshare was there a moment ago")
}

/// As the kubelet asks.
fn wait_until_ready(agent: &mut Child, port: u16, name: &str) {
    let client = http::Client::new(http::Settings::default()).expect("the settings are sound");
    let until = Instant::now() + PATIENCE;
    loop {
        let answer = client.get(&format!("http://127.0.0.1:{port}/readyz"), &[]);
        if answer.is_ok() {
            return;
        }
        let ended = agent.try_wait().expect("it is our child");
        if ended.is_some() || Instant::now() > until {
            // Its errors can be read to their end then.
            let _ = agent.kill();
            panic!("{name} is not ready: {ended:?} {}", errors(agent));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn errors(agent: &mut Child) -> String {
    let mut words = String::new();
    let stderr = agent.stderr.take().expect("it is piped");
    std::io::Read::read_to_string(&mut { stderr }, &mut words).expect("UTF-8");
    words
}

fn assert_confined(agent: &Child) {
    let process = Path::new("/proc").join(agent.id().to_string());
    let status = std::fs::read_to_string(process.join("status")).expect("it runs");
    for line in [
        "Uid:\t65532\t65532\t65532\t65532",
        "CapEff:\t0000000000000000",
        "NoNewPrivs:\t1",
    ] {
        assert!(status.contains(line), "no {line:?} in {status}");
    }
    let mounts = std::fs::read_to_string(process.join("mounts")).expect("it runs");
    let root = mounts
        .lines()
        .rfind(|line| line.split(' ').nth(1) == Some("/"));
    let options = root.and_then(|line| line.split(' ').nth(3));
    assert!(
        options.is_some_and(|options| options.starts_with("ro")),
        "{mounts}"
    );
}

fn stop(mut agent: Child, name: &str) {
    let asked = Command::new("kill").arg(agent.id().to_string()).status();
    assert!(asked.expect("kill is there").success());
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = agent.try_wait().expect("it is our child") {
            assert!(status.success(), "{name}: {status} {}", errors(&mut agent));
            return;
        }
        assert!(Instant::now() < until, "{name} does not stop");
        std::thread::sleep(Duration::from_millis(20));
    }
}
