//! Commits that a project wants signed (contract, "signatureKeys"), in Argo
//! CD's words.

use crate::support::digest::sha256;
use crate::support::serve::{Answer, Server};
use crate::support::signer::{Signer, signer};
use crate::support::tgz;
use crate::world::{World, holds_for, on_each};
use drupelet::app::{Application, SyncCode};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const POLICY: &str = "syncPolicy: {automated: {prune: true, selfHeal: true}}\nproject: team";

fn manifest(word: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: settings}}\ndata: {{word: {word}}}\n"
    )
}

fn project(world: &World, spec: &str) {
    world.apply_text(&format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {{name: team, namespace: {}}}\n\
         spec:\n  sourceRepos: ['*']\n  destinations: [{{server: '*', namespace: '*'}}]\n  {spec}\n",
        world.control_namespace()
    ));
}

/// argocd-gpg-keys-cm with these entries.
fn keys(world: &World, entries: &[(&str, &str)]) {
    let mut text = format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: argocd-gpg-keys-cm\n  namespace: {}\n  labels: {{app.kubernetes.io/part-of: argocd}}\ndata:\n",
        world.control_namespace()
    );
    for (name, value) in entries {
        text.push_str(&format!("  {name}: |\n"));
        for line in value.lines() {
            text.push_str(&format!("    {line}\n"));
        }
    }
    world.apply_text(&text);
}

fn problem(app: &Application) -> String {
    let mut of_comparison = app.status.conditions.iter();
    of_comparison
        .find(|condition| condition.kind == "ComparisonError")
        .map(|condition| condition.message.clone())
        .unwrap_or_default()
}

#[track_caller]
fn wait_refused(world: &World, wanted: &str) {
    world.wait_app(&world.name, wanted, |app| problem(app) == wanted);
}

/// A world with an application whose only commit is not signed.
fn world(kubeconfig: &Path, name: &str, spec: &str) -> World {
    let world = World::new(kubeconfig, name);
    project(&world, spec);
    world.commit(&[("app/config.yaml", &manifest("first"))]);
    world.create_app(POLICY);
    world
}

fn word(world: &World) -> Option<String> {
    let value = world.value("v1", "ConfigMap", "settings", &["data", "word"])?;
    value.as_str().map(str::to_owned)
}

fn with_gpg(signer: &Signer, name: &str) -> (String, String) {
    let name = format!("{name} <{name}@example.org>");
    let key = signer.key(&name, "ed25519", "sign", "never", &[]);
    (key[24..].to_owned(), signer.public(&key))
}

#[test]
fn only_commits_signed_with_the_projects_keys_are_synced() {
    let Some(signer) = signer() else { return };
    let (ada, public) = with_gpg(&signer, "ada");
    let (eve, public_of_eve) = with_gpg(&signer, "eve");
    on_each(|kubeconfig| {
        let mut world = world(
            kubeconfig,
            "signed",
            &format!("signatureKeys: [{{keyID: {ada}}}]"),
        );
        let told = |commit: &str, why: &str| {
            format!("GIT/GPG: Failed verifying revision {commit} by 'Ada <ada@example.org>': {why}")
        };
        let path = world.repository.path.clone();
        let unsigned = signer.git(&path, &["rev-parse", "main"]);
        world.start_agent();
        wait_refused(&world, &told(&unsigned, "unsigned (key_id=)"));
        let by_eve = signer.sign(&path, "main", &eve, "gpg");
        let missing = format!("signed with key not in keyring (key_id={eve})");
        wait_refused(&world, &told(&by_eve, &missing));
        keys(&world, &[(&ada, &public), (&eve, &public_of_eve)]);
        let not_allowed = format!("signed with unallowed key (key_id={eve})");
        wait_refused(&world, &told(&by_eve, &not_allowed));
        assert_eq!(word(&world), None, "nothing was written");
        let by_ada = signer.sign(&path, "main", &ada, "gpg");
        world.wait_synced_at(&by_ada);
        assert_eq!(word(&world).as_deref(), Some("first"));

        // A commit that touches nothing of the application must be signed, too.
        let files = [
            ("app/config.yaml", manifest("first")),
            ("other", String::new()),
        ];
        let files = files.each_ref().map(|(path, text)| (*path, text.as_str()));
        let untouched = world.commit(&files);
        wait_refused(&world, &told(&untouched, "unsigned (key_id=)"));
        world.commit(&[("app/config.yaml", &manifest("second"))]);
        let signed = signer.sign(&path, "main", &ada, "gpg");
        world.wait_synced_at(&signed);
        assert_eq!(word(&world).as_deref(), Some("second"));

        // A manifest of an operation's own is signed by nobody.
        let object = format!(
            r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"settings","namespace":"{}"}},"data":{{"word":"given"}}}}"#,
            world.name
        );
        let quoted = object.replace('"', "\\\"");
        let operation = format!("operation: {{sync: {{manifests: [\"{quoted}\"]}}}}");
        world.patch_app(&world.name, &operation);
        world.wait_app(&world.name, "refused to sync what is given", |app| {
            app.status.operation_state.as_ref().is_some_and(|state| {
                state
                    .message
                    .contains("Cannot use local manifests when source integrity is enforced")
            })
        });
        assert_eq!(word(&world).as_deref(), Some("second"));

        // The key is taken away: what is there stays, nothing new comes.
        keys(&world, &[(&eve, &public_of_eve)]);
        let missing = format!("signed with key not in keyring (key_id={ada})");
        wait_refused(&world, &told(&signed, &missing));
        holds_for("what is there stays", Duration::from_millis(500), || {
            word(&world).as_deref() == Some("second")
        });
    });
}

#[test]
fn ssh_signatures_count_by_the_fingerprint_of_their_key() {
    let Some(signer) = signer() else { return };
    let path = signer.ssh_key("ada", &["-t", "ed25519"]);
    let public = std::fs::read_to_string(path.with_extension("pub")).expect("is there");
    let print = std::process::Command::new("ssh-keygen")
        .arg("-lf")
        .arg(path.with_extension("pub"))
        .output()
        .expect("ssh-keygen is installed");
    let print = String::from_utf8(print.stdout).expect("UTF-8");
    let print = print.split(' ').nth(1).expect("the fingerprint").to_owned();
    on_each(|kubeconfig| {
        let spec = format!("signatureKeys: [{{keyID: '{print}'}}]");
        let mut world = world(kubeconfig, "ssh-signed", &spec);
        let key = path.to_str().expect("UTF-8");
        let signed = signer.sign(&world.repository.path, "main", key, "gpg");
        world.start_agent();
        wait_refused(
            &world,
            &format!(
                "GIT/SSH: Failed verifying revision {signed} by 'Ada <ada@example.org>': signed with key not in keyring (key_id={print})"
            ),
        );
        keys(
            &world,
            &[("ssh_allowed_signers", &format!("ada@example.org {public}"))],
        );
        world.wait_synced_at(&signed);
    });
}

#[test]
fn source_integrity_asks_by_repository() {
    let Some(signer) = signer() else { return };
    let (ada, public) = with_gpg(&signer, "ada");
    on_each(|kubeconfig| {
        let policy = |url: &str, mode: &str| {
            format!(
                "sourceIntegrity: {{git: {{policies: [{{repos: [{{url: '{url}'}}], gpg: {{mode: {mode}, keys: [{ada}]}}}}]}}}}"
            )
        };
        let mut world = world(kubeconfig, "integrity", &policy("*", "heed"));
        keys(&world, &[(&ada, &public)]);
        world.start_agent();
        wait_refused(
            &world,
            "unknown GPG mode \"heed\" configured for GIT source integrity",
        );
        project(&world, &policy("*", "head"));
        world.wait_app(&world.name, "refused", |app| {
            problem(app).contains("unsigned")
        });
        let twice = "sourceIntegrity: {git: {policies: [{repos: [{url: '*'}], gpg: {mode: none}}, {repos: [{url: 'https://*'}], gpg: {mode: none}}]}}";
        project(&world, twice);
        let told = format!(
            "multiple (2) git source integrity policies found for repo URL: {}",
            world.url()
        );
        wait_refused(&world, &told);
        assert_eq!(word(&world), None, "nothing was written");
        project(&world, &policy("https://elsewhere.example/*", "head"));
        world.wait_app(&world.name, "Synced", |app| {
            app.status.sync.status == SyncCode::Synced
        });
    });
}

/// A chart with one ConfigMap, packed.
pub fn packed(word: &str) -> Vec<u8> {
    let chart = "apiVersion: v2\nname: app\nversion: 1.0.0\n";
    tgz::packed(&[
        ("app/Chart.yaml", chart),
        ("app/templates/a.yaml", &manifest(word)),
    ])
}

/// CVE-2026-35205: what vouches for a chart and is absent, or is not what it should
/// be, lets nothing through.
#[test]
fn charts_are_synced_with_the_provenance_that_the_project_asks_for_alone() {
    let Some(signer) = signer() else { return };
    let (ada, public) = with_gpg(&signer, "ada");
    let (eve, of_eve) = with_gpg(&signer, "eve");
    let chart = packed("charted");
    let digest = sha256(&chart);
    let vouching = |file: &str, digest: &str| {
        format!(
            "apiVersion: v2\nname: app\nversion: 1.0.0\n\n...\nfiles:\n  {file}: sha256:{digest}\n"
        )
    };
    on_each(|kubeconfig| {
        let provenance: Arc<Mutex<Option<Answer>>> = Arc::default();
        let (now, bytes) = (provenance.clone(), chart.clone());
        let server = Server::plain(move |asked| match asked.target.as_str() {
            "/index.yaml" => Answer::ok(
                "apiVersion: v1\nentries:\n  app:\n  - {version: 1.0.0, urls: [files/app-1.0.0.tgz]}\n",
            ),
            "/files/app-1.0.0.tgz" => Answer::ok(bytes.clone()),
            "/files/app-1.0.0.tgz.prov" => {
                let now = now.lock().expect("no panic holds it").clone();
                now.unwrap_or_else(|| Answer::status(404, ""))
            }
            _ => Answer::status(404, ""),
        });
        let serve = |answer: Answer| *provenance.lock().expect("no panic holds it") = Some(answer);
        let url = server.url("");
        let policy = |key: &str| {
            format!(
                "sourceIntegrity: {{helm: {{policies: [{{repos: [{{url: '*'}}], provenance: {{keys: [{key}]}}}}]}}}}"
            )
        };
        let mut world = World::new(kubeconfig, "provenance");
        project(&world, &policy(&ada));
        keys(&world, &[(&ada, &public), (&eve, &of_eve)]);
        world.commit(&[("app/config.yaml", &manifest("of-git"))]);
        world.create_app(POLICY);
        world.patch_app(
            &world.name,
            &format!("spec: {{source: {{repoURL: '{url}', chart: app, targetRevision: 1.0.0, path: null}}}}"),
        );
        world.start_agent();
        let refresh = || {
            let hard = "metadata: {annotations: {argocd.argoproj.io/refresh: hard}}";
            world.patch_app(&world.name, hard);
        };
        wait_refused(
            &world,
            "HELM/PROVENANCE: provenance file (.prov) is required but missing",
        );
        let failed = "HELM/PROVENANCE: provenance signature verification failed: ";
        let good = vouching("app-1.0.0.tgz", &digest);
        let signed = signer.clear(&ada, &good);
        for (answer, told) in [
            (
                Answer::status(500, "oh"),
                "HELM/PROVENANCE: could not access chart for provenance verification: ".to_owned(),
            ),
            (
                Answer::ok(good.clone()),
                format!("{failed}it does not begin"),
            ),
            (
                Answer::ok(signed.replace("version: 1.0.0", "version: 1.0.1")),
                format!("{failed}bad signature (key_id={ada})"),
            ),
            (
                Answer::ok(signer.clear(&eve, &good)),
                format!("HELM/PROVENANCE: signed with unallowed key (key_id={eve})"),
            ),
            (
                Answer::ok(signer.clear(&ada, &vouching("app-2.0.0.tgz", &digest))),
                "HELM/PROVENANCE: provenance files section has no digest for \"app-1.0.0.tgz\""
                    .to_owned(),
            ),
            (
                Answer::ok(signer.clear(&ada, &vouching("app-1.0.0.tgz", &"0".repeat(64)))),
                format!(
                    "HELM/PROVENANCE: chart digest mismatch: got {digest}, provenance expects {}",
                    "0".repeat(64)
                ),
            ),
        ] {
            serve(answer);
            refresh();
            world.wait_app(&world.name, &told, |app| problem(app).starts_with(&told));
        }
        assert_eq!(word(&world), None, "nothing was written");
        serve(Answer::ok(signed.clone()));
        refresh();
        world.wait_app(&world.name, "Synced", |app| {
            app.status.sync.status == SyncCode::Synced
        });
        assert_eq!(word(&world).as_deref(), Some("charted"));
        // Of a project that asks for another key, what was verified is not.
        project(&world, &policy(&eve));
        let told = format!("HELM/PROVENANCE: signed with unallowed key (key_id={ada})");
        wait_refused(&world, &told);
        project(
            &world,
            "sourceIntegrity: {helm: {policies: [{repos: [{url: '*'}], gpg: {mode: head}}]}}",
        );
        world.wait_app(&world.name, "refused", |app| {
            problem(app).contains("use provenance")
        });
    });
}

#[test]
fn strict_asks_for_the_history_and_ends_at_a_seal() {
    let Some(signer) = signer() else { return };
    let (ada, public) = with_gpg(&signer, "ada");
    let (eve, of_eve) = with_gpg(&signer, "eve");
    on_each(|kubeconfig| {
        let policy = format!(
            "sourceIntegrity: {{git: {{policies: [{{repos: [{{url: '*'}}], gpg: {{mode: strict, keys: [{ada}]}}}}]}}}}"
        );
        let mut world = world(kubeconfig, "strict", &policy);
        keys(&world, &[(&ada, &public), (&eve, &of_eve)]);
        let path = world.repository.path.clone();
        let git = |arguments: &[&str]| signer.git(&path, arguments);
        // A commit on top of the tip, with its tree.
        let on_top = |key: &str, message: &str, tree: &str| {
            let options = match key {
                "" => Vec::new(),
                key => signer.options(key, "gpg"),
            };
            let mut arguments: Vec<&str> = options.iter().map(String::as_str).collect();
            arguments.extend(["commit-tree", "-p", "main", "-m", message]);
            if !key.is_empty() {
                arguments.push("-S");
            }
            arguments.push(tree);
            let commit = git(&arguments);
            git(&["update-ref", "refs/heads/main", &commit]);
            commit
        };
        let first = git(&["rev-parse", "main"]);
        let signed = on_top(&ada, "signed", "main^{tree}");
        world.start_agent();
        let unsigned = |commit: &str, author: &str| {
            format!("GIT/GPG: Failed verifying revision {commit} by '{author}': unsigned (key_id=)")
        };
        let author = git(&["log", "-1", "--format=%an <%ae>", &first]);
        wait_refused(&world, &unsigned(&first, &author));
        // Of somebody else, and of nobody.
        let seal = "seal\n\nArgocd-gpg-seal: reviewed";
        let of_nobody = on_top("", seal, "main^{tree}");
        wait_refused(
            &world,
            &[
                unsigned(&of_nobody, "Ada <ada@example.org>"),
                unsigned(&first, &author),
            ]
            .join("\n"),
        );
        let of_eve = on_top(&eve, seal, "main^{tree}");
        wait_refused(
            &world,
            &format!(
                "GIT/GPG: Failed verifying revision {of_eve} by 'Ada <ada@example.org>': signed with unallowed key (key_id={eve})"
            ),
        );
        assert_eq!(word(&world), None, "nothing was written");
        let sealed = on_top(&ada, seal, "main^{tree}");
        world.wait_synced_at(&sealed);
        assert_eq!(word(&world).as_deref(), Some("first"));
        // From there on all have to be signed again.
        let tree = format!("{signed}^{{tree}}");
        let later = on_top("", "later", &tree);
        wait_refused(&world, &unsigned(&later, "Ada <ada@example.org>"));
        on_top(&ada, "on top", &tree);
        wait_refused(&world, &unsigned(&later, "Ada <ada@example.org>"));
    });
}
