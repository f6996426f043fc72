//! Kubeconfig files as kubectl reads them, credential plugins, pods.

use crate::support::serve::{Answer, Server};
use drupelet::http::{ProxyChoice, Roots};
use drupelet::kube::{Client, Config};
use std::fs;
use std::path::{Path, PathBuf};

fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, text).expect("the folder is writable");
    path
}

fn read(paths: &[PathBuf]) -> Result<Config, String> {
    Config::from_files(paths, None, ProxyChoice::Direct).map_err(|error| error.to_string())
}

/// One cluster, one user, whose text is given.
fn file(server: &str, cluster: &str, user: &str) -> String {
    format!(
        "current-context: c\n\
         clusters: [{{name: c, cluster: {{server: '{server}', {cluster}}}}}]\n\
         users: [{{name: u, user: {{{user}}}}}]\n\
         contexts: [{{name: c, context: {{cluster: c, user: u, namespace: n}}}}]\n"
    )
}

#[test]
fn files_are_merged_and_the_first_wins() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = write(
        folder.path(),
        "first",
        "contexts:\n- name: c\n  context: {cluster: one, user: u}\nclusters: null\nusers:\n",
    );
    let second = write(
        folder.path(),
        "second",
        "current-context: c\n\
         contexts: [{name: c, context: {cluster: two}}]\n\
         clusters: [{name: one, cluster: {server: 'https://one/'}}]\n\
         users: [{name: u, user: {tokenFile: token}}]\n",
    );
    let config = read(&[first, second]).expect("they are complete together");
    assert_eq!(config.server, "https://one");
    assert_eq!(config.namespace, "default");
    let token = folder.path().join("token");
    assert_eq!(config.user.token_file, Some(token), "beside its file");
}

#[test]
fn the_places_are_looked_at_in_order() {
    let folder = tempfile::tempdir().expect("a folder");
    let named = write(folder.path(), "named", &file("https://named", "", ""));
    let listed = write(folder.path(), "listed", &file("https://listed", "", ""));
    let list = format!("/nowhere:{}", listed.display());
    let variable = |name: &str| (name == "KUBECONFIG").then(|| list.clone());
    let server = |named: Option<&Path>| {
        let config = Config::find(named, None, &variable).expect("is there");
        config.server
    };
    assert_eq!(server(Some(&named)), "https://named");
    assert_eq!(server(None), "https://listed");
    let error = Config::find(None, None, &|_| None).expect_err("nothing is there");
    assert_eq!(
        error.to_string(),
        "no cluster: no --kubeconfig, no file of KUBECONFIG or ~/.kube/config, and not in a pod"
    );
}

#[test]
fn what_is_wrong_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    #[track_caller]
    fn check(folder: &Path, text: &str, expected: &str) {
        let path = write(folder, "config", text);
        let error = read(std::slice::from_ref(&path)).expect_err("must be refused");
        let error = error.replace(&format!("{}/", folder.display()), "");
        assert_eq!(error, expected);
    }
    let folder = folder.path();
    check(folder, "", "no cluster: config names no current-context");
    check(
        folder,
        "current-context: x",
        "no cluster: no context \"x\" in config",
    );
    check(
        folder,
        "{current-context: c, contexts: [{name: c, context: {cluster: d}}]}",
        "config: context \"c\" names the cluster \"d\", which is not there",
    );
    check(
        folder,
        &file("https://x", "certificate-authority-data: '???'", ""),
        "config: \"c\": certificate-authority-data is not base64: Invalid symbol 63, offset 0.",
    );
    check(
        folder,
        &file("https://x", "certificate-authority: ca.pem", ""),
        "cannot read ca.pem: No such file or directory (os error 2)",
    );
    check(
        folder,
        &file("https://x", "", "client-certificate-data: eA=="),
        "config: user \"u\": a client certificate without its key",
    );
    check(
        folder,
        &file("https://x", "", "auth-provider: {name: gcp}"),
        "config: user \"u\": auth-provider is gone since Kubernetes 1.26: use an exec credential \
         plugin",
    );
    check(
        folder,
        &file(
            "https://x",
            "",
            "exec: {command: x, apiVersion: client.authentication.k8s.io/v1alpha1}",
        ),
        "config: user \"u\": exec: apiVersion \"client.authentication.k8s.io/v1alpha1\" is none of \
         client.authentication.k8s.io/v1, client.authentication.k8s.io/v1beta1",
    );
}

const VERSION: &str = r#"{"gitVersion":"v1.34.4","major":"1","minor":"34"}"#;

/// Answers `/version` to those who say who they are, as given, 401 to others.
fn guarded(expected: &'static str) -> Server {
    Server::plain(move |asked| {
        if asked.header("authorization") == Some(expected) {
            Answer::ok(VERSION)
        } else {
            Answer::status(401, r#"{"kind":"Status","status":"Failure","code":401}"#)
        }
    })
}

fn client(config: Config) -> Client {
    Client::new(config).expect("the settings are usable")
}

#[test]
fn credentials_are_sent() {
    let folder = tempfile::tempdir().expect("a folder");
    #[track_caller]
    fn check(folder: &Path, user: &str, expected: &'static str) {
        let server = guarded(expected);
        let path = write(folder, "config", &file(&server.url(""), "", user));
        let config = read(&[path]).expect("is usable");
        client(config).version().expect("is let in");
    }
    let folder = folder.path();
    write(folder, "token", "from-file\n");
    check(folder, "token: secret", "Bearer secret");
    check(folder, "tokenFile: token", "Bearer from-file");
    check(
        folder,
        "token: secret, tokenFile: token",
        "Bearer from-file",
    );
    check(folder, "username: me, password: it", "Basic bWU6aXQ=");
}

#[test]
fn a_token_file_that_changed_is_read_again_after_a_refusal() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = guarded("Bearer new");
    let token = write(folder.path(), "token", "old");
    let path = write(
        folder.path(),
        "config",
        &file(&server.url(""), "", "tokenFile: token"),
    );
    let client = client(read(&[path]).expect("is usable"));
    let error = client.version().expect_err("the old one is refused");
    assert!(error.is_unauthorized(), "{error}");
    fs::write(token, "new").expect("writable");
    client.version().expect("the new one is taken");
}

#[test]
fn a_pod_speaks_as_its_service_account() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let server = Server::tls(|asked| match asked.header("authorization") {
        Some("Bearer mounted") => Answer::ok(VERSION),
        _ => Answer::status(401, r#"{"status":"Failure"}"#),
    });
    write(folder, "ca.crt", &server.certificate);
    write(folder, "token", "mounted");
    write(folder, "namespace", "argocd\n");
    let port = server.port.to_string();
    let variable = |name: &str| match name {
        "KUBERNETES_SERVICE_HOST" => Some("127.0.0.1".to_owned()),
        "KUBERNETES_SERVICE_PORT" => Some(port.clone()),
        _ => None,
    };
    let config = Config::service_account(folder, &variable).expect("all is there");
    assert_eq!(config.namespace, "argocd");
    client(config).version().expect("is let in");
    let error = Config::service_account(folder, &|_| None).expect_err("no pod");
    assert_eq!(
        error.to_string(),
        "no cluster: KUBERNETES_SERVICE_HOST is not set: not in a pod"
    );
}

#[test]
fn an_authority_that_changed_is_read_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let (old, new) = (
        Server::tls(|_| Answer::ok("")),
        Server::tls(|_| Answer::ok(VERSION)),
    );
    let ca = write(folder.path(), "ca.crt", &old.certificate);
    let path = write(
        folder.path(),
        "config",
        &file(&new.url(""), "certificate-authority: ca.crt", ""),
    );
    let client = client(read(&[path]).expect("is usable"));
    client.version().expect_err("signed by another");
    fs::write(ca, &new.certificate).expect("writable");
    client.version().expect("now it is known");
}

#[test]
fn a_plugin_is_asked_again_when_its_answer_expires() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = guarded("Bearer t");
    let script = "echo x >>runs; echo '{\"apiVersion\":\"client.authentication.k8s.io/v1\",\
         \"kind\":\"ExecCredential\",\"status\":{\"token\":\"t\",\
         \"expirationTimestamp\":\"2020-01-01T00:00:00Z\"}}'";
    let script = script.replace("runs", &folder.path().join("runs").display().to_string());
    let script = write(folder.path(), "script", &script);
    let user = format!(
        "exec: {{apiVersion: client.authentication.k8s.io/v1, command: sh, args: ['{}']}}",
        script.display()
    );
    let path = write(folder.path(), "config", &file(&server.url(""), "", &user));
    let client = client(read(&[path]).expect("is usable"));
    client.version().expect("is let in");
    client.version().expect("is let in");
    let runs = fs::read_to_string(folder.path().join("runs")).expect("it ran");
    assert_eq!(runs.lines().count(), 2);
}

#[test]
fn a_plugin_is_asked_once_and_again_after_a_refusal() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let server = guarded("Bearer t2");
    // Each run gives the next token, and writes down what it was told.
    // By the shell alone: a small machine may lack dirname and wc.
    let script = "#!/bin/sh\ncd \"${0%/*}\" || exit\necho x >>runs\n\
         n=0; while read -r _; do n=$((n + 1)); done <runs\n\
         echo \"$KUBERNETES_EXEC_INFO $1 $EXTRA\" >told\n\
         echo '{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\
         \"status\":{\"token\":\"t'$n'\"}}'\n";
    let plugin = write(folder, "plugin", script);
    let mut rights = fs::metadata(&plugin).expect("is there").permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut rights, 0o755);
    fs::set_permissions(&plugin, rights).expect("is ours");
    let user = "exec: {apiVersion: client.authentication.k8s.io/v1, command: ./plugin, \
         args: [one], env: [{name: EXTRA, value: two}], provideClusterInfo: true}";
    let path = write(folder, "config", &file(&server.url(""), "", user));
    let client = client(read(&[path]).expect("is usable"));
    client.version().expect("the second token is good");
    client.version().expect("is kept");
    let runs = fs::read_to_string(folder.join("runs")).expect("it ran");
    assert_eq!(runs.lines().count(), 2);
    let told = fs::read_to_string(folder.join("told")).expect("it ran");
    let expected = format!(
        "{{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\
         \"spec\":{{\"cluster\":{{\"server\":\"{}\"}},\"interactive\":false}}}} one two\n",
        server.url("")
    );
    assert_eq!(told, expected);
}

#[test]
fn a_plugin_that_fails_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let user = |command: &str| {
        format!(
            "exec: {{apiVersion: client.authentication.k8s.io/v1, command: {command}, \
             args: ['-c', 'echo no luck >&2; exit 3'], installHint: ask Ann}}"
        )
    };
    let error = |command: &str| {
        let path = write(
            folder.path(),
            "config",
            &file("https://127.0.0.1:1", "", &user(command)),
        );
        let config = read(&[path]).expect("is usable");
        client(config).version().expect_err("fails").to_string()
    };
    assert_eq!(
        error("sh"),
        "cannot get /version: credential plugin sh: ended with exit status: 3: no luck"
    );
    assert_eq!(
        error("no-such-plugin"),
        "cannot get /version: credential plugin no-such-plugin: cannot start: \
         No such file or directory (os error 2). ask Ann"
    );
}

#[test]
fn names_and_authorities_of_certificates_are_heeded() {
    let server = Server::tls(|_| Answer::ok(VERSION));
    let ours = Roots::Only(server.certificate.clone().into_bytes());
    let mut config = Config::new(&server.url(""), ours);
    client(config.clone()).version().expect("is trusted");
    config.server_name = Some("elsewhere.example".to_owned());
    let error = client(config.clone()).version().expect_err("another name");
    assert!(error.to_string().contains("elsewhere.example"), "{error}");
    config.server_name = None;
    config.roots = Roots::Public;
    let error = client(config.clone())
        .version()
        .expect_err("unknown issuer");
    assert!(
        error
            .to_string()
            .starts_with("cannot get /version: GET https://localhost:"),
        "{error}"
    );
    config.insecure = true;
    client(config).version().expect("whoever it is");
}
