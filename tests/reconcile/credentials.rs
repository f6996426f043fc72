//! Credentials of repositories: taken from Secrets, live, and never shown.

use crate::support::git_server::{Behaviour, serve_plain};
use crate::world::{World, on_each};
use drupelet::app::SyncCode;
use drupelet::value::Value;

const MANIFEST: &str =
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: from-private}\ndata: {a: b}\n";

#[test]
fn a_secret_opens_a_private_repository_at_once() {
    on_each(|kubeconfig| {
        let mut world = World::new(kubeconfig, "private");
        world.commit(&[("app/cm.yaml", MANIFEST)]);
        let behaviour = Behaviour {
            credentials: Some(("ada".to_owned(), "s3cret-word".to_owned())),
            ..Behaviour::default()
        };
        let Some(server) = serve_plain(world.folder(), behaviour) else {
            return;
        };
        let name = world.name.clone();
        world.create_app("syncPolicy: {automated: {}}");
        let url = server.url("/repository");
        world.patch_app(&name, &format!("spec: {{source: {{repoURL: '{url}'}}}}"));
        world.start_agent();
        world.wait_app(&name, "refused without credentials", |app| {
            let told =
                |c: &drupelet::app::Condition| c.message.contains("authentication is required");
            app.status.conditions.iter().any(told)
        });
        let secret = |password: &str| {
            format!(
                "apiVersion: v1\nkind: Secret\nmetadata:\n  name: repo\n  namespace: {}\n  labels: {{argocd.argoproj.io/secret-type: repository}}\n\
                 stringData: {{type: git, url: '{}', username: ada, password: {password}}}\n",
                world.control_namespace(),
                url.to_uppercase()
                    .replace("HTTP://LOCALHOST", "http://LOCALHOST"),
            )
        };
        world.apply_text(&secret("wrong-word"));
        world.wait_app(&name, "refused with the wrong password", |app| {
            let told = |c: &drupelet::app::Condition| c.message.contains("were refused");
            app.status.conditions.iter().any(told)
        });
        world.apply_text(&secret("s3cret-word"));
        world.wait_app(&name, "Synced", |app| {
            app.status.sync.status == SyncCode::Synced
        });
        let status = Value::of(&world.app().status).expect("JSON").to_json();
        assert!(!status.contains("-word"), "{status}");
    });
}
