//! `drupelet install --systemd` on a real cluster: only there somebody makes
//! the tokens of accounts.

use crate::support::apiserver::{ApiServer, Options};
use crate::{read, systemd};
use drupelet::agent::{Settings, bootstrap};
use drupelet::kube::{Client, Config, DeleteOptions, Resource};
use drupelet::object::Gvk;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// The cluster, for one test at a time: what is installed is the cluster's.
fn cluster() -> Option<(&'static ApiServer, MutexGuard<'static, ()>)> {
    static REAL: OnceLock<Option<ApiServer>> = OnceLock::new();
    static TURN: Mutex<()> = Mutex::new(());
    let options = Options {
        controller_manager: true,
        rbac: true,
        ..Options::default()
    };
    let real = REAL.get_or_init(|| ApiServer::start(options)).as_ref()?;
    Some((real, TURN.lock().unwrap_or_else(PoisonError::into_inner)))
}

fn install(program: &Path, root: &Path, kubeconfig: &Path, more: &[&str]) -> Output {
    Command::new(program)
        .args(["install", "--systemd", "--kubeconfig"])
        .arg(kubeconfig)
        .arg("--root")
        .arg(root)
        .args(more)
        .env_clear()
        .output()
        .expect("it starts")
}

fn mode(path: &Path) -> u32 {
    let metadata = std::fs::metadata(path).expect("it was written");
    metadata.permissions().mode() & 0o7777
}

#[track_caller]
fn installed(root: &Path, kubeconfig: &Path, more: &[&str]) -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_drupelet"));
    let output = install(program, root, kubeconfig, more);
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{words}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn client(kubeconfig: &Path) -> Client {
    let config = Config::find(Some(kubeconfig), None, &|_| None);
    Client::new(config.expect("the kubeconfig is sound")).expect("the settings are sound")
}

fn resource(kubeconfig: &Path, gvk: &Gvk) -> Arc<Resource> {
    let discovery = client(kubeconfig).discover(None).expect("it answers");
    discovery.resource(gvk).expect("it is served").clone()
}

/// Whether an agent with this kubeconfig could begin its work.
fn begins(kubeconfig: &Path, namespace: &str) -> Result<(), String> {
    let settings = Settings {
        namespace: namespace.to_owned(),
        ..Settings::default()
    };
    let begun = bootstrap(&client(kubeconfig), &settings);
    begun.map(drop).map_err(|error| error.to_string())
}

#[test]
fn the_account_of_the_agent_is_its_own() {
    let Some((cluster, _turn)) = cluster() else {
        return;
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let root = folder.path();
    let said = installed(root, &cluster.kubeconfig(), &[]);
    let unit = root.join("etc/systemd/system/drupelet.service");
    let expected = read(&systemd("drupelet.service"))
        .replace("/usr/bin/drupelet", env!("CARGO_BIN_EXE_drupelet"));
    assert_eq!(read(&unit), expected);
    for (path, source) in [
        ("etc/sysusers.d/drupelet.conf", "drupelet.sysusers"),
        ("etc/tmpfiles.d/drupelet.conf", "drupelet.tmpfiles"),
    ] {
        assert_eq!(read(&root.join(path)), read(&systemd(source)));
        assert!(said.contains(path), "{said}");
    }
    let options = read(&root.join("etc/default/drupelet"));
    assert!(
        options.ends_with("DRUPELET_OPTIONS=--leader-elect\n"),
        "{options}"
    );
    let kubeconfig = root.join("etc/drupelet/kubeconfig");
    assert_eq!(
        (mode(&kubeconfig), mode(&root.join("etc/drupelet"))),
        (0o600, 0o700)
    );
    // Not the administrator's token, and as good as the Pod's.
    let text = read(&kubeconfig);
    assert!(!text.contains(&cluster.token), "the administrator's token");
    begins(&kubeconfig, "argocd").expect("it may do what an agent needs");
    // A second time nothing is in the way, and the token stays.
    installed(
        root,
        &cluster.kubeconfig(),
        &["--server", "https://127.0.0.1:6444", "--shard"],
    );
    let options = read(&root.join("etc/default/drupelet"));
    assert!(options.ends_with("DRUPELET_OPTIONS=--shard\n"), "{options}");
    let again = read(&kubeconfig);
    assert!(again.contains("server: https://127.0.0.1:6444"), "{again}");
    let token = |text: &str| text.split("token: ").nth(1).map(str::to_owned);
    assert_eq!(token(&text), token(&again));
}

#[test]
fn profiles_are_those_of_the_chart() {
    let Some((cluster, _turn)) = cluster() else {
        return;
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let root = folder.path();
    installed(
        root,
        &cluster.kubeconfig(),
        &["--profile", "read-only", "--namespace", "observed"],
    );
    let options = read(&root.join("etc/default/drupelet"));
    assert!(
        options.ends_with("DRUPELET_OPTIONS=--observe --namespace observed\n"),
        "{options}"
    );
    // All that an agent begins with is there: it need not write, and may not.
    let account = root.join("etc/drupelet/kubeconfig");
    begins(&account, "observed").expect("it finds what it needs");
    let project = Gvk::new("argoproj.io", "v1alpha1", "AppProject");
    let project = resource(&cluster.kubeconfig(), &project);
    let (admin, observer) = (client(&cluster.kubeconfig()), client(&account));
    let default = admin.get(&project, "observed", "default");
    let default = default.expect("the project is there").key().name;
    let refused = observer.delete(&project, "observed", &default, &DeleteOptions::default());
    let refused = refused.expect_err("it may not write").to_string();
    assert!(refused.contains("forbidden"), "{refused}");
    for profile in ["namespaced", "impersonating"] {
        let more = ["--profile", profile, "--namespace", profile];
        let more = [&more[..], &["--deploy-to", "default"]].concat();
        installed(root, &cluster.kubeconfig(), &more);
        begins(&account, profile).expect(profile);
    }
    let program = Path::new(env!("CARGO_BIN_EXE_drupelet"));
    let refused = install(
        program,
        root,
        &cluster.kubeconfig(),
        &["--profile", "namespaced"],
    );
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        !refused.status.success() && words.contains("--deploy-to NAMESPACE belong together"),
        "{words}"
    );
}

#[test]
fn the_unit_of_the_package_is_not_shadowed() {
    let Some((cluster, _turn)) = cluster() else {
        return;
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let root = folder.path();
    let packaged = root.join("usr/lib/systemd/system/drupelet.service");
    std::fs::create_dir_all(packaged.parent().expect("it has one")).expect("writable");
    std::fs::write(&packaged, "").expect("writable");
    installed(root, &cluster.kubeconfig(), &["--namespace", "packaged"]);
    assert!(!root.join("etc/systemd/system/drupelet.service").exists());
    assert!(root.join("etc/drupelet/kubeconfig").exists());
}

#[test]
fn a_program_that_the_service_could_not_see_is_not_installed() {
    let folder = tempfile::Builder::new()
        .tempdir_in("/tmp")
        .expect("a temporary folder");
    let program = folder.path().join("drupelet");
    std::fs::copy(env!("CARGO_BIN_EXE_drupelet"), &program).expect("writable");
    let output = install(&program, folder.path(), Path::new("/nowhere"), &[]);
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !output.status.success() && words.contains("move it to /usr/local/bin first"),
        "{words}"
    );
    assert!(!folder.path().join("etc").exists());
}
