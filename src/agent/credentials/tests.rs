use super::*;
use crate::http::{Client, Settings};
use crate::value::yaml;

fn object(text: &str) -> Object {
    let value = yaml::parse_one(text).expect("the test writes YAML");
    Object::new(value).expect("the test writes objects")
}

/// A Secret with these keys; values as text.
fn secret(name: &str, kind: &str, keys: &[(&str, &str)]) -> Object {
    use base64::Engine;
    let mut text = format!(
        "{{apiVersion: v1, kind: Secret, metadata: {{name: {name}, namespace: argocd, labels: {{argocd.argoproj.io/secret-type: {kind}}}}}, data: {{"
    );
    for (key, value) in keys {
        let encoded = base64::engine::general_purpose::STANDARD.encode(value);
        text.push_str(&format!("{key}: '{encoded}', "));
    }
    text.push_str("}}");
    object(&text)
}

fn repositories(secrets: &[Object]) -> Repositories {
    let client = Client::new(Settings::default()).expect("is usable");
    let repositories = Repositories::new(client);
    for secret in secrets {
        repositories.put(secret);
    }
    repositories
}

fn basic(user: &str, password: &str) -> Option<Credentials> {
    Some(Credentials::Basic {
        user: user.into(),
        password: password.into(),
    })
}

#[track_caller]
fn check(known: &Repositories, url: &str, project: &str, expected: Option<Credentials>) {
    let way = known.way(url, project).expect("is usable");
    assert!(
        way.credentials == expected,
        "{url} of {project}: {:?}",
        way.credentials
    );
}

const URL: &str = "https://git.example/org/repo.git";

#[test]
fn a_repository_is_matched_whatever_its_case_and_suffix() {
    let known = repositories(&[secret(
        "a",
        "repository",
        &[
            ("url", "https://Git.example/Org/repo"),
            ("username", "u"),
            ("password", "p\n"),
        ],
    )]);
    check(&known, URL, "default", basic("u", "p"));
    check(&known, "https://git.example/org/other", "default", None);
    check(&known, "http://git.example/org/repo", "default", None);
}

#[test]
fn templates_serve_repositories_without_credentials_of_their_own() {
    let template = |name: &str, url: &str, user: &str| {
        secret(
            name,
            "repo-creds",
            &[("url", url), ("username", user), ("password", "p")],
        )
    };
    let known = repositories(&[
        template("short", "https://git.example", "short"),
        template("long", "https://git.example/org", "long"),
        secret(
            "own",
            "repository",
            &[("url", "https://git.example/org/own"), ("password", "own")],
        ),
        secret(
            "bare",
            "repository",
            &[
                ("url", "https://git.example/org/bare"),
                ("insecure", "true"),
            ],
        ),
    ]);
    check(&known, URL, "default", basic("long", "p"));
    check(
        &known,
        "https://git.example/x/y",
        "default",
        basic("short", "p"),
    );
    check(
        &known,
        "https://git.example/org/own",
        "default",
        basic("", "own"),
    );
    check(
        &known,
        "https://git.example/org/bare",
        "default",
        basic("long", "p"),
    );
    check(&known, "https://git.example.evil/org/x", "default", None);
    let way = known
        .way("https://git.example/org/bare", "default")
        .expect("is usable");
    assert!(way.client.settings().insecure);
}

#[test]
fn a_project_s_repository_serves_no_other_project() {
    let of = |name: &str, project: &str| {
        secret(
            name,
            "repository",
            &[
                ("url", URL),
                ("project", project),
                ("username", name),
                ("password", "p"),
            ],
        )
    };
    let known = repositories(&[of("mine", "a")]);
    check(&known, URL, "a", basic("mine", "p"));
    check(&known, URL, "b", None);
    let known = repositories(&[of("everybody", ""), of("mine", "a")]);
    check(&known, URL, "a", basic("mine", "p"));
    check(&known, URL, "b", basic("everybody", "p"));
}

#[test]
fn tokens_go_before_passwords_unless_basic_is_forced() {
    let keys = [
        ("url", URL),
        ("username", "u"),
        ("password", "p"),
        ("bearerToken", "t"),
    ];
    let known = repositories(&[secret("a", "repository", &keys)]);
    check(&known, URL, "", Some(Credentials::Bearer("t".into())));
    let forced: Vec<_> = keys
        .into_iter()
        .chain([("forceHttpBasicAuth", "true")])
        .collect();
    let known = repositories(&[secret("a", "repository", &forced)]);
    check(&known, URL, "", basic("u", "p"));
}

#[test]
fn what_cannot_be_used_is_named_and_its_value_is_not_shown() {
    for (key, value, told) in [
        ("insecure", "hunter2", "insecure must be true or false"),
        ("githubAppID", "hunter2", "githubAppID must be a number"),
        ("type", "hunter2", "type must be git, helm or oci"),
        ("depth", "hunter2", "depth must be a number"),
        (
            "gcpServiceAccountKey",
            "hunter2",
            "gcpServiceAccountKey is not supported",
        ),
        (
            "useAzureWorkloadIdentity",
            "true",
            "useAzureWorkloadIdentity is not supported",
        ),
        (
            "proxy",
            "socks5://hunter2@proxy:1080",
            "only http and https proxies are served",
        ),
        ("tlsClientCertData", "hunter2", "client key"),
        (
            "githubAppPrivateKey",
            "hunter2",
            "needs githubAppID and githubAppInstallationID",
        ),
    ] {
        let known = repositories(&[secret("bad", "repository", &[("url", URL), (key, value)])]);
        let Err(error) = known.way(URL, "default") else {
            panic!("{key} is taken");
        };
        assert!(error.contains(told), "{error}");
        assert!(error.contains("Secret argocd/bad"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
        // One that is broken keeps no other away.
        check(&known, "https://git.example/org/other", "default", None);
    }
}

#[test]
fn the_older_lists_of_argocd_cm_are_read() {
    let known = repositories(&[]);
    let config = object(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: argocd-cm, namespace: argocd}\ndata:\n\
         \x20 repositories: |\n    - url: https://git.example/plain\n      insecure: true\n\
         \x20   - {type: helm, name: stable, url: https://charts.example/stable}\n\
         \x20   - {url: https://git.example/closed, passwordSecret: {name: s, key: p}}\n\
         \x20 helm.repositories: |\n    - {name: old, url: https://charts.example/old}\n\
         \x20 repository.credentials: |\n    - {url: https://git.example/org, usernameSecret: {name: s, key: u}}\n",
    );
    assert!(known.configure("argocd-cm", Some(&config)));
    assert!(!known.configure("argocd-cm", Some(&config)), "no news");
    let way = known
        .way("https://git.example/plain", "x")
        .expect("is usable");
    assert!(way.client.settings().insecure);
    let stable = known.url_of("stable", "x");
    assert_eq!(stable.as_deref(), Some("https://charts.example/stable"));
    let old = known.url_of("old", "x");
    assert_eq!(old.as_deref(), Some("https://charts.example/old"));
    for url in ["https://git.example/closed", URL] {
        let error = known.way(url, "x").err().expect("there is no cluster");
        assert!(
            error.contains("ConfigMap argocd-cm") && error.contains("Secret s"),
            "{error}"
        );
    }
    assert!(known.configure("argocd-cm", None));
    check(&known, URL, "x", None);
}

#[test]
fn lists_that_are_no_lists_are_passed_over() {
    for text in [
        "x",
        "{a: b}",
        "- [",
        "- null\n    - 7\n    - {url: 5}",
        "",
        "[]",
    ] {
        let known = repositories(&[]);
        let config = object(&format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: argocd-cm}}\ndata:\n  repositories: |\n    {text}\n"
        ));
        known.configure("argocd-cm", Some(&config));
        check(&known, URL, "default", None);
    }
}

#[test]
fn certificates_are_for_their_host() {
    let known = repositories(&[]);
    let config = object(
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: argocd-tls-certs-cm}, data: {git.example: not a certificate}}",
    );
    assert!(known.configure("argocd-tls-certs-cm", Some(&config)));
    assert!(known.way("https://git.example:8443/a", "").is_err());
    assert!(known.way("https://other.example/a", "").is_ok());
}

fn config_map(name: &str, key: &str, text: &str) -> Object {
    let text = format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: argocd}}\ndata:\n  {key}: {text:?}\n"
    );
    object(&text)
}

#[test]
fn ssh_repositories_get_the_key_and_the_known_hosts() {
    let known = repositories(&[
        secret(
            "a",
            "repo-creds",
            &[("url", "git@git.example:org"), ("sshPrivateKey", "KEY\n")],
        ),
        secret(
            "b",
            "repository",
            &[
                ("url", "ssh://git@other.example/x"),
                ("sshPrivateKey", "KEY2"),
                ("insecureIgnoreHostKey", "true"),
            ],
        ),
        secret(
            "c",
            "repository",
            &[("url", "git@proxied.example:x"), ("proxy", "http://p:1")],
        ),
    ]);
    let hosts = config_map("argocd-ssh-known-hosts-cm", "ssh_known_hosts", "h k v");
    known.configure("argocd-ssh-known-hosts-cm", Some(&hosts));
    let way = known
        .way("git@git.example:org/x.git", "default")
        .expect("is usable");
    assert_eq!(way.ssh.private_key.as_deref(), Some("KEY\n"));
    assert_eq!(way.ssh.known_hosts.as_deref(), Some("h k v"));
    assert!(!way.ssh.any_host_key && way.credentials.is_none());
    assert!(!format!("{:?}", way.ssh).contains("KEY"));
    let way = known
        .way("ssh://other.example/x.git", "default")
        .expect("is usable");
    assert!(way.ssh.any_host_key);
    let error = known.way("git@proxied.example:x", "default").map(|_| ());
    let error = error.expect_err("has a proxy");
    assert!(error.contains("proxy is not supported for ssh"), "{error}");
}

#[test]
fn a_submodule_takes_its_parents_credentials_on_the_same_server_alone() {
    let known = repositories(&[
        secret(
            "a",
            "repository",
            &[("url", URL), ("username", "u"), ("password", "p")],
        ),
        secret(
            "b",
            "repository",
            &[
                ("url", "https://git.example/org/own"),
                ("username", "own"),
                ("password", "p"),
            ],
        ),
    ]);
    let check = |url: &str, expected: Option<Credentials>| {
        let way = known.way_of_submodule(url, URL, "default");
        let found = way.expect("is usable").credentials;
        assert!(found == expected, "{url}: {found:?}");
    };
    check("https://git.example/org/sub", basic("u", "p"));
    check("https://git.example/org/own", basic("own", "p"));
    check("https://git.example:8443/org/sub", None);
    check("http://git.example/org/sub", None);
    check("https://git.example.evil/org/sub", None);
    check("https://git.example@evil/org/sub", None);
    check("git@git.example:org/sub", None);
}

#[test]
fn a_config_map_that_a_new_list_lacks_is_forgotten() {
    let known = repositories(&[]);
    let parameters = config_map(
        "argocd-cmd-params-cm",
        "reposerver.enable.git.submodule",
        "false",
    );
    known.configure("argocd-cmd-params-cm", Some(&parameters));
    assert!(!known.has_submodules());
    known.retain_configs(|name| name == "argocd-cmd-params-cm");
    assert!(!known.has_submodules());
    known.retain_configs(|_| false);
    assert!(known.has_submodules());
}
