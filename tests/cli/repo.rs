use crate::command::{Ended, drupelet, run};
use crate::support::git_server::{Behaviour, serve_plain};
use crate::support::serve::{Answer, Server};
use crate::world::{World, on_each};
use drupelet::app::SyncCode;
use drupelet::kube::ListOptions;
use drupelet::object::Object;
use drupelet::value::Value;
use std::path::Path;

const MANIFEST: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cm}\ndata: {a: b}\n";
const PASSWORD: &str = "s3cret-word";

fn repo(world: &World, kubeconfig: &Path, arguments: &[&str]) -> Ended {
    let mut all = vec!["repo"];
    all.extend(arguments);
    drupelet(world, kubeconfig, &all)
}

fn secrets(world: &World) -> Vec<Object> {
    let options = ListOptions {
        namespace: world.control_namespace(),
        label_selector: "argocd.argoproj.io/secret-type".to_owned(),
        ..ListOptions::default()
    };
    let resource = world.resource("v1", "Secret");
    let listed = world.client.list_all(&resource, &options);
    listed.expect("the API server answers").0
}

fn data(secret: &Object, key: &str) -> Option<String> {
    use base64::Engine;
    let encoded = secret.at(&["data", key])?.as_str()?;
    let bytes = base64::engine::general_purpose::STANDARD.decode(encoded);
    Some(String::from_utf8(bytes.expect("base64")).expect("text"))
}

/// CVE-2025-55190: what is registered is shown without its credentials.
#[test]
fn a_private_repository_is_added_tested_used_and_removed() {
    on_each(|kubeconfig| {
        let mut world = World::new(kubeconfig, "repo");
        world.commit(&[("app/cm.yaml", MANIFEST)]);
        let behaviour = Behaviour {
            credentials: Some(("ada".to_owned(), PASSWORD.to_owned())),
            ..Behaviour::default()
        };
        let Some(server) = serve_plain(world.folder(), behaviour) else {
            return;
        };
        let url = server.url("/repository");
        let repo = |arguments: &[&str]| repo(&world, kubeconfig, arguments);
        repo(&["add", &url]).fails("authentication is required");
        repo(&["add", &url, "--username", "ada", "--password", "wrong"]).fails("were refused");
        assert!(secrets(&world).is_empty());
        let namespace = world.control_namespace();
        let config = kubeconfig.display().to_string();
        let add = [
            "repo",
            "add",
            &url,
            "--username",
            "ada",
            "--password-stdin",
            "--kubeconfig",
            &config,
            "--namespace",
            &namespace,
        ];
        let said = run(world.folder(), &add, &format!("{PASSWORD}\n")).ok();
        assert_eq!(said, format!("Repository '{url}' added\n"));
        let [secret] = secrets(&world).try_into().expect("one Secret");
        assert_eq!(
            secret.label("argocd.argoproj.io/secret-type"),
            Some("repository")
        );
        assert_eq!(secret.annotation("managed-by"), Some("argocd.argoproj.io"));
        assert_eq!(data(&secret, "password").as_deref(), Some(PASSWORD));
        assert_eq!(data(&secret, "type").as_deref(), Some("git"));
        assert!(secret.name().starts_with("repo-"), "{}", secret.name());
        assert_eq!(data(&secret, "proxy"), None, "what is empty is left out");
        let again = run(world.folder(), &add, PASSWORD).ok();
        assert!(again.ends_with("unchanged\n"), "{again}");
        let other = ["add", &url, "--username", "eve", "--no-check"];
        repo(&other).fails("--upsert");

        for format in ["wide", "json", "yaml", "name"] {
            let shown = repo(&["list", "-o", format]).ok();
            assert!(shown.contains(&url), "{shown}");
            let shown = shown + &repo(&["get", &url, "-o", format]).ok();
            assert!(
                !shown.contains(PASSWORD) && !shown.contains("czNjcmV0"),
                "{shown}"
            );
            if format != "name" {
                assert!(shown.contains("Successful"), "{shown}");
            }
        }
        world.create_app("syncPolicy: {automated: {}}");
        world.patch_app(
            &world.name,
            &format!("spec: {{source: {{repoURL: '{url}'}}}}"),
        );
        let wrong = [
            "add",
            &url,
            "--username",
            "eve",
            "--password",
            "wrong",
            "--no-check",
            "--upsert",
        ];
        assert!(repo(&wrong).ok().ends_with("configured\n"));
        let listed = repo(&["list"]).ok();
        assert!(
            listed.contains("Failed") && listed.contains("were refused"),
            "{listed}"
        );
        let unchecked = repo(&["list", "--no-check"]).ok();
        assert!(!unchecked.contains("Failed"), "{unchecked}");
        let right = [
            "add",
            &url,
            "--username",
            "ada",
            "--password",
            PASSWORD,
            "--upsert",
        ];
        repo(&right).ok();
        world.start_agent();
        world.wait_app(&world.name, "Synced", |app| {
            app.status.sync.status == SyncCode::Synced
        });
        let repo = |arguments: &[&str]| self::repo(&world, kubeconfig, arguments);
        repo(&["rm", &url]).fails("--yes");
        repo(&["rm", &url, "--yes"]).ok();
        assert!(secrets(&world).is_empty());
        repo(&["rm", &url, "--yes"]).fails("repo list");
        repo(&["get", &url]).fails("repo list");
    });
}

#[test]
fn credentials_below_a_url_are_inherited_by_repositories() {
    on_each(|kubeconfig| {
        let world = World::new(kubeconfig, "creds");
        world.commit(&[("app/cm.yaml", MANIFEST)]);
        let behaviour = Behaviour {
            credentials: Some(("ada".to_owned(), PASSWORD.to_owned())),
            ..Behaviour::default()
        };
        let Some(server) = serve_plain(world.folder(), behaviour) else {
            return;
        };
        let repo = |arguments: &[&str]| repo(&world, kubeconfig, arguments);
        let (all, url) = (server.url("/"), server.url("/repository"));
        let add = [
            "add",
            &all,
            "--creds",
            "--username",
            "ada",
            "--password",
            PASSWORD,
        ];
        assert_eq!(repo(&add).ok(), format!("Credentials for '{all}' added\n"));
        let [secret] = secrets(&world).try_into().expect("one Secret");
        assert_eq!(
            secret.label("argocd.argoproj.io/secret-type"),
            Some("repo-creds")
        );
        repo(&["add", &url]).ok();
        let listed = repo(&["list", "-o", "json"]).json();
        let [one] = listed.as_seq().expect("a list") else {
            panic!("{}", listed.to_json());
        };
        assert_eq!(one.at(&["inheritedCreds"]), Some(&Value::Bool(true)));
        assert_eq!(
            one.at(&["connectionState", "status"]),
            Some(&Value::from("Successful"))
        );
        let templates = repo(&["list", "--creds"]).ok();
        assert!(
            templates.contains(&all) && templates.contains("ada"),
            "{templates}"
        );
        repo(&["rm", &all, "--creds", "--yes"]).ok();
        assert_eq!(secrets(&world).len(), 1);
    });
}

#[test]
fn a_helm_repository_is_one_that_has_an_index() {
    on_each(|kubeconfig| {
        let world = World::new(kubeconfig, "charts");
        let server = Server::plain(|asked| match asked.target.as_str() {
            "/charts/index.yaml" => Answer::ok("apiVersion: v1\nentries: {}\n"),
            _ => Answer::status(404, "nothing here"),
        });
        let repo = |arguments: &[&str]| repo(&world, kubeconfig, arguments);
        let (url, none) = (server.url("/charts"), server.url("/none"));
        repo(&["add", &url, "--type", "helm"]).fails("--name");
        repo(&["add", &none, "--type", "helm", "--name", "none"]).fails("is it a Helm repository?");
        repo(&["add", &url, "--type", "helm", "--name", "charts"]).ok();
        let listed = repo(&["list"]).ok();
        assert!(
            listed.contains("helm   charts") && listed.contains("Successful"),
            "{listed}"
        );
    });
}
