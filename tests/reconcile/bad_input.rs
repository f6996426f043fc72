//! What is broken is told, with its place and its cause; other applications
//! do not notice; and once it is mended, all goes on by itself.

use crate::support::git_server::{self, Behaviour};
use crate::support::proxy::{Harm, Passed, Proxy};
use crate::support::serve::{Answer, Server};
use crate::world::{World, client, on_each, wait_until};
use drupelet::app::{Application, SyncCode};
use std::path::Path;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const GOOD: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: good}\ndata: {a: x}\n";
const MENDED: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: mended}\ndata: {a: x}\n";
const POLICY: &str = "syncPolicy:
  automated: {prune: true, selfHeal: true}
  retry: {limit: 1000, backoff: {duration: 300ms, factor: 1}}
";

/// What an application says of its troubles: conditions and operation.
fn told(app: &Application) -> String {
    let mut text = String::new();
    for condition in &app.status.conditions {
        text.push_str(&format!("{}: {}\n", condition.kind, condition.message));
    }
    if let Some(operation) = &app.status.operation_state {
        text.push_str(&operation.message);
        for resource in operation.sync_result.iter().flat_map(|r| &r.resources) {
            text.push_str(&format!("\n{}", resource.message));
        }
    }
    text
}

/// A broken application and a healthy one beside it.
struct Pair {
    world: World,
    healthy: String,
}

impl Pair {
    fn new(cluster: &Path, name: &str) -> Self {
        let world = World::new(cluster, name);
        let healthy = format!("{}-good", world.name);
        Pair { world, healthy }
    }

    /// `files` stand below the path `app` of the broken one.
    fn commit(&self, files: &[(&str, &str)]) -> String {
        let mut all = vec![("good/good.yaml", GOOD)];
        all.extend(files);
        self.world.commit(&all)
    }

    #[track_caller]
    fn wait_told(&self, words: &[&str]) {
        let what = format!("telling {words:?}");
        self.world.wait_app(&self.world.name, &what, |app| {
            let text = told(app);
            words.iter().all(|word| text.contains(word))
        });
    }

    #[track_caller]
    fn wait_healthy_synced(&self) {
        self.world.wait_app(&self.healthy, "Synced", |app| {
            app.status.sync.status == SyncCode::Synced && told(app).starts_with("successfully")
        });
    }

    /// The healthy one's object, as it was left.
    fn good(&self) -> String {
        let object = self.world.find("v1", "ConfigMap", "good");
        object.expect("it is there").resource_version().to_owned()
    }

    #[track_caller]
    fn wait_mended(&self) {
        self.world.wait_app(&self.world.name, "mended", |app| {
            app.status.sync.status == SyncCode::Synced && app.status.conditions.is_empty()
        });
    }
}

/// A commit that is broken, and one that is not.
#[track_caller]
fn check_commit(name: &str, more: &str, broken: &[(&str, &str)], words: &[&str]) {
    let mended = [("app/mended.yaml", MENDED)];
    check_commits(name, more, broken, words, &mended);
}

#[track_caller]
fn check_commits(
    name: &str,
    more: &str,
    broken: &[(&str, &str)],
    words: &[&str],
    mended: &[(&str, &str)],
) {
    on_each(|cluster| {
        let mut pair = Pair::new(cluster, name);
        pair.commit(broken);
        pair.world.create_app(&format!("{POLICY}{more}"));
        pair.world.create_app_at(&pair.healthy, "good", POLICY);
        pair.world.start_agent();
        pair.wait_told(words);
        pair.wait_healthy_synced();
        let good = pair.good();
        pair.commit(mended);
        pair.wait_mended();
        assert_eq!(pair.good(), good, "the other one was touched");
    });
}

#[test]
fn a_path_that_is_not_there() {
    let words = ["ComparisonError", "app", "path"];
    check_commit("nopath", "", &[("other/a.yaml", GOOD)], &words);
}

const CHART: &str = "apiVersion: v2\nname: web\nversion: 1.0.0\n";

#[test]
fn a_values_file_that_is_missing() {
    let more = "source: {helm: {valueFiles: [values-pi.yaml]}}";
    let config = MENDED.replace("a: x", "a: {{ .Values.a | quote }}");
    let broken = [("app/Chart.yaml", CHART), ("app/templates/a.yaml", &config)];
    let mended = [broken[0], broken[1], ("app/values-pi.yaml", "a: x\n")];
    on_each(|cluster| {
        let mut pair = Pair::new(cluster, "novalues");
        pair.commit(&broken);
        pair.world.create_app(POLICY);
        pair.world.create_app_at(&pair.healthy, "good", POLICY);
        pair.world
            .patch_app(&pair.world.name, &format!("spec: {{{more}}}"));
        pair.world.start_agent();
        pair.wait_told(&["ComparisonError", "values-pi.yaml"]);
        pair.wait_healthy_synced();
        pair.commit(&mended);
        pair.wait_mended();
    });
}

#[test]
fn a_template_error_three_includes_deep() {
    let broken = [
        ("app/Chart.yaml", CHART),
        ("app/templates/a.yaml", "{{ include \"one\" . }}\n"),
        (
            "app/templates/_one.tpl",
            "{{ define \"one\" }}{{ include \"two\" . }}{{ end }}\n",
        ),
        (
            "app/templates/_two.tpl",
            "{{ define \"two\" }}{{ include \"three\" . }}{{ end }}\n",
        ),
        (
            "app/templates/_three.tpl",
            "{{ define \"three\" }}\n\n{{ required \"a colour is needed\" .Values.colour }}\n{{ end }}\n",
        ),
    ];
    let words = ["ComparisonError", "_three.tpl:3", "a colour is needed"];
    let mended = [broken[0], ("app/templates/a.yaml", MENDED)];
    check_commits("deep", "", &broken, &words, &mended);
}

#[test]
fn broken_yaml_in_one_of_thirty_files() {
    let files: Vec<(String, String)> = (0..30)
        .map(|n| {
            let text = match n {
                17 => {
                    "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\n name: y\n".to_owned()
                }
                _ => MENDED.replace("mended", &format!("c{n}")),
            };
            (format!("app/file{n}.yaml"), text)
        })
        .collect();
    let broken: Vec<(&str, &str)> = files
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect();
    check_commit(
        "brokenyaml",
        "",
        &broken,
        &["ComparisonError", "file17.yaml", "line"],
    );
}

#[test]
fn a_manifest_without_a_kind() {
    let broken = [("app/a.yaml", "apiVersion: v1\nmetadata: {name: a}\n")];
    check_commit(
        "nokind",
        "",
        &broken,
        &["ComparisonError", "a.yaml", "kind"],
    );
}

#[test]
fn a_kind_that_nobody_serves() {
    let broken = [
        ("app/mended.yaml", MENDED),
        (
            "app/monitor.yaml",
            "apiVersion: monitoring.example.com/v1\nkind: Monitor\nmetadata: {name: m}\n",
        ),
    ];
    let words = [
        "monitor.yaml",
        "Monitor",
        "monitoring.example.com/v1",
        "one or more synchronization tasks are not valid",
    ];
    check_commit("unserved", "", &broken, &words);
}

#[test]
fn a_ref_that_does_not_exist() {
    on_each(|cluster| {
        let mut pair = Pair::new(cluster, "noref");
        pair.commit(&[("app/mended.yaml", MENDED)]);
        pair.world.create_app(POLICY);
        pair.world.create_app_at(&pair.healthy, "good", POLICY);
        let patch = "spec: {source: {targetRevision: next}}";
        pair.world.patch_app(&pair.world.name, patch);
        pair.world.start_agent();
        pair.wait_told(&[
            "ComparisonError",
            &pair.world.url(),
            "next",
            "no such branch",
        ]);
        pair.wait_healthy_synced();
        pair.world
            .repository
            .commit("next", &[("app/mended.yaml", MENDED)]);
        pair.wait_mended();
    });
}

/// How the git server answers for now.
const WELL: u8 = 0;
const UNAUTHORIZED: u8 = 1;
const NOT_FOUND: u8 = 2;
const GARBAGE: u8 = 3;
const NOTHING: u8 = 4;

fn moody_server(root: &Path, mood: Arc<AtomicU8>) -> Server {
    let root = root.to_owned();
    let turn = Mutex::new(());
    Server::plain(move |asked| {
        let _one_at_a_time = turn.lock().expect("no holder panics");
        match mood.load(Ordering::SeqCst) {
            UNAUTHORIZED => {
                Answer::status(401, "who are you").header("www-authenticate", "Basic realm=\"git\"")
            }
            NOT_FOUND => Answer::status(404, "not here"),
            GARBAGE => Answer::ok("<html>please log in</html>").header("content-type", "text/html"),
            NOTHING => Answer::raw(Vec::new()),
            _ => git_server::answer(&root, &Behaviour::default(), asked),
        }
    })
}

/// A repository that does not answer as it should from the beginning, is
/// mended, and falls ill once more.
#[track_caller]
fn check_repository(name: &str, bad: u8, words: &[&str]) {
    if !git_server::is_installed() {
        return;
    }
    on_each(|cluster| {
        let mut pair = Pair::new(cluster, name);
        pair.commit(&[("app/mended.yaml", MENDED)]);
        let mood = Arc::new(AtomicU8::new(bad));
        let server = moody_server(pair.world.folder(), mood.clone());
        let url = server.url("/repository");
        pair.world.create_app(POLICY);
        pair.world.create_app_at(&pair.healthy, "good", POLICY);
        let patch = format!("spec: {{source: {{repoURL: '{url}'}}}}");
        pair.world.patch_app(&pair.world.name, &patch);
        pair.world.start_agent();
        let words: Vec<&str> = ["ComparisonError", url.as_str()]
            .into_iter()
            .chain(words.iter().copied())
            .collect();
        pair.wait_told(&words);
        pair.wait_healthy_synced();
        mood.store(WELL, Ordering::SeqCst);
        pair.wait_mended();
        // The last snapshot stands while it is ill again, and heals.
        mood.store(bad, Ordering::SeqCst);
        pair.wait_told(&words);
        pair.world.delete("v1", "ConfigMap", "mended");
        wait_until("healed without the repository", || {
            pair.world.find("v1", "ConfigMap", "mended").is_some()
        });
        mood.store(WELL, Ordering::SeqCst);
        pair.wait_mended();
    });
}

#[test]
fn a_repository_that_answers_401() {
    check_repository("git401", UNAUTHORIZED, &["authentication is required"]);
}

#[test]
fn a_repository_that_answers_404() {
    check_repository("git404", NOT_FOUND, &["no such repository"]);
}

#[test]
fn a_repository_that_answers_garbage() {
    check_repository("gitpage", GARBAGE, &["not one of a git server"]);
}

#[test]
fn a_repository_that_answers_nothing() {
    check_repository("gitmute", NOTHING, &[]);
}

/// Harm to one application's requests, told and then over.
#[track_caller]
fn check_harm(name: &str, harm: Harm, matches: fn(&Passed) -> bool, words: &[&str]) {
    on_each(|cluster| {
        let mut pair = Pair::new(cluster, name);
        pair.commit(&[("app/mended.yaml", MENDED)]);
        let proxy = Proxy::start(cluster);
        let namespace = pair.world.name.clone();
        proxy.harm(harm, usize::MAX, move |passed| {
            matches(passed)
                && passed
                    .path
                    .ends_with(&format!("/{namespace}/configmaps/mended"))
        });
        pair.world.create_app(POLICY);
        pair.world.create_app_at(&pair.healthy, "good", POLICY);
        pair.world.start_agent_on(client(&proxy.kubeconfig()));
        pair.wait_told(words);
        pair.wait_healthy_synced();
        let good = pair.good();
        proxy.mend();
        pair.wait_mended();
        assert_eq!(pair.good(), good, "the other one was touched");
    });
}

fn is_apply(passed: &Passed) -> bool {
    passed.verb == "apply"
}

fn is_write(passed: &Passed) -> bool {
    passed.is_write()
}

fn is_get(passed: &Passed) -> bool {
    passed.verb == "get"
}

const MENDED_KEY: &str = "ConfigMap";

#[test]
fn an_apply_that_meets_a_version_conflict() {
    let words = [MENDED_KEY, "mended", "has been modified"];
    check_harm("conflict", Harm::VersionConflict, is_apply, &words);
}

#[test]
fn an_apply_that_meets_a_field_conflict() {
    let words = [MENDED_KEY, "mended", "conflict"];
    check_harm("fields", Harm::FieldConflict, is_apply, &words);
}

#[test]
fn a_server_that_is_asked_too_much() {
    let words = [MENDED_KEY, "mended", "429"];
    check_harm("toomany", Harm::TooManyRequests(1), is_apply, &words);
}

#[test]
fn a_write_that_ends_in_a_server_error() {
    let words = [MENDED_KEY, "mended", "leader changed"];
    check_harm("error500", Harm::ServerError, is_write, &words);
}

#[test]
fn a_read_that_ends_in_a_server_error() {
    let words = [MENDED_KEY, "mended", "leader changed"];
    check_harm("read500", Harm::ServerError, is_get, &words);
}

#[test]
fn a_connection_that_drops_before_the_write() {
    let words = [MENDED_KEY, "mended"];
    check_harm("drop", Harm::DropBefore, is_write, &words);
}

#[test]
fn a_connection_that_drops_after_the_write() {
    on_each(|cluster| {
        let mut pair = Pair::new(cluster, "dropafter");
        pair.commit(&[("app/mended.yaml", MENDED)]);
        let proxy = Proxy::start(cluster);
        proxy.harm(Harm::DropAfter, 2, Passed::is_write);
        pair.world.create_app(POLICY);
        pair.world.create_app_at(&pair.healthy, "good", POLICY);
        pair.world.start_agent_on(client(&proxy.kubeconfig()));
        pair.wait_mended();
        pair.wait_healthy_synced();
    });
}

#[test]
fn a_connection_that_drops_at_reads() {
    let words = [MENDED_KEY, "mended"];
    check_harm("dropread", Harm::DropBefore, is_get, &words);
}

/// A kind that cannot be listed is told, prunes nothing, and is forgotten
/// once it can.
#[test]
fn a_list_that_fails() {
    on_each(|cluster| {
        let mut pair = Pair::new(cluster, "nolist");
        let limits =
            "apiVersion: v1\nkind: LimitRange\nmetadata: {name: limits}\nspec: {limits: []}\n";
        pair.commit(&[("app/mended.yaml", MENDED), ("app/limits.yaml", limits)]);
        let proxy = Proxy::start(cluster);
        proxy.harm(Harm::ServerError, usize::MAX, |passed| {
            passed.path.ends_with("/limitranges") && !passed.is_write()
        });
        pair.world.create_app(POLICY);
        pair.world.create_app_at(&pair.healthy, "good", POLICY);
        pair.world.start_agent_on(client(&proxy.kubeconfig()));
        pair.wait_told(&["ResourceListWarning", "LimitRange"]);
        pair.wait_healthy_synced();
        wait_until("applied", || {
            pair.world.find("v1", "LimitRange", "limits").is_some()
        });
        pair.commit(&[("app/mended.yaml", MENDED)]);
        crate::world::holds_for("not pruned", Duration::from_millis(1500), || {
            pair.world.find("v1", "LimitRange", "limits").is_some()
        });
        proxy.mend();
        wait_until("pruned", || {
            pair.world.find("v1", "LimitRange", "limits").is_none()
        });
        pair.wait_mended();
    });
}
