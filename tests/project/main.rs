//! What projects allow, and when.

mod windows;

use drupelet::app::{AppProject, Application};
use drupelet::object::{Object, ResourceKey};
use drupelet::project::{Cluster, check_application, check_resource, is_source_permitted};
use drupelet::value::yaml;

const HOME: Cluster<'static> = Cluster {
    server: "https://kubernetes.default.svc",
    name: "in-cluster",
    is_project_scoped: false,
};

fn object(kind: &str, rest: &str) -> Object {
    let text = format!("apiVersion: argoproj.io/v1alpha1\nkind: {kind}\n{rest}");
    Object::new(yaml::parse_one(&text).expect("YAML")).expect("an object")
}

/// A project `p` with a spec in flow style.
fn project(spec: &str) -> AppProject {
    let rest = format!("metadata: {{name: p, namespace: argocd}}\nspec: {spec}\n");
    AppProject::read(&object("AppProject", &rest)).expect("a project")
}

fn app(namespace: &str, spec: &str) -> Application {
    let rest = format!("metadata: {{name: a, namespace: {namespace}}}\nspec: {spec}\n");
    Application::read(&object("Application", &rest)).expect("an application")
}

#[track_caller]
fn check_source(patterns: &str, repository: &str, expected: bool) {
    let project = project(&format!("{{sourceRepos: [{patterns}]}}"));
    assert_eq!(is_source_permitted(&project, repository), expected);
}

#[test]
fn repositories_match_as_globs_with_denials() {
    check_source("'*'", "https://github.com/a/b", true);
    check_source("", "https://github.com/a/b", false);
    check_source(
        "'https://github.com/a/*'",
        "https://github.com/a/b.git",
        true,
    );
    check_source(
        "'https://github.com/A/b.git'",
        "https://GitHub.com/a/B",
        true,
    );
    check_source("'https://github.com/*'", "https://github.com/a/b", false);
    check_source("'https://github.com/**'", "https://github.com/a/b", true);
    check_source("'git@github.com:a/b.git'", "ssh://git@github.com/a/b", true);
    check_source(
        "'*', '!https://github.com/a/*'",
        "https://github.com/a/b",
        false,
    );
    check_source(
        "'*', '!https://github.com/a/*'",
        "https://github.com/c/b",
        true,
    );
    // A denial alone allows the rest, as upstream.
    check_source("'!https://github.com/a/*'", "https://github.com/c/b", true);
    // What cannot be read denies.
    check_source("'*', '!['", "https://github.com/c/b", false);
    check_source("'['", "https://github.com/c/b", false);
}

#[track_caller]
fn check_app(project_spec: &str, app: &Application, expected: &[&str]) {
    let refusals = check_application(&project(project_spec), app, HOME, "argocd");
    let told: Vec<String> = refusals.iter().map(ToString::to_string).collect();
    assert_eq!(told, expected);
}

#[test]
fn an_application_is_held_to_sources_destinations_and_namespaces() {
    let spec = |destination: &str| {
        format!("{{source: {{repoURL: 'https://x/r', path: .}}, destination: {{{destination}}}}}")
    };
    let by_server = spec("server: 'https://kubernetes.default.svc', namespace: web");
    let by_name = spec("name: in-cluster, namespace: web");
    let open = "{sourceRepos: ['*'], destinations: [{server: '*', namespace: '*'}]}";
    check_app(open, &app("argocd", &by_server), &[]);
    check_app(open, &app("argocd", &by_name), &[]);
    check_app(
        "{sourceRepos: ['https://y/*'], destinations: [{server: '*', namespace: 'db-*'}]}",
        &app("argocd", &by_server),
        &[
            "application repo https://x/r is not permitted in project 'p'",
            "application destination server 'https://kubernetes.default.svc' and namespace 'web' do not match any of the allowed destinations in project 'p'",
        ],
    );
    check_app(
        "{sourceRepos: ['*'], destinations: [{name: other, namespace: '*'}]}",
        &app("argocd", &by_name),
        &[
            "application destination server 'in-cluster' and namespace 'web' do not match any of the allowed destinations in project 'p'",
        ],
    );
    check_app(
        "{sourceRepos: ['*'], destinations: [{name: in-cluster, namespace: web}]}",
        &app("argocd", &by_server),
        &[],
    );
    check_app(
        "{sourceRepos: ['*'], destinations: [{server: '*', namespace: '*'}, {server: '*', namespace: '!web'}]}",
        &app("argocd", &by_server),
        &[
            "application destination server 'https://kubernetes.default.svc' and namespace 'web' do not match any of the allowed destinations in project 'p'",
        ],
    );
    check_app(
        "{sourceRepos: ['*'], destinations: [{server: '*', namespace: '*'}], permitOnlyProjectScopedClusters: true}",
        &app("argocd", &by_server),
        &[
            "application destination server 'https://kubernetes.default.svc' and namespace 'web' do not match any of the allowed destinations in project 'p'",
        ],
    );
    let elsewhere = |namespaces: &str| {
        format!(
            "{{sourceRepos: ['*'], destinations: [{{server: '*', namespace: '*'}}], sourceNamespaces: [{namespaces}]}}"
        )
    };
    let refusal = "application 'a' in namespace 'team-x' is not permitted to use project 'p'";
    check_app(&elsewhere(""), &app("team-x", &by_server), &[refusal]);
    check_app(&elsewhere("team-y"), &app("team-x", &by_server), &[refusal]);
    check_app(&elsewhere("'team-*'"), &app("team-x", &by_server), &[]);
    check_app(
        &elsewhere("'/^team-[xy]$/'"),
        &app("team-x", &by_server),
        &[],
    );
    check_app(
        &elsewhere("'/^team-[yz]$/'"),
        &app("team-x", &by_server),
        &[refusal],
    );
}

#[track_caller]
fn check_object(project_spec: &str, object: &str, expected: Option<&str>) {
    let mut parts = object.split_whitespace();
    let mut next = || parts.next().unwrap_or_default();
    let (kind, namespace, name) = (next(), next(), next());
    let (group, kind) = kind.split_once('/').unwrap_or(("", kind));
    let namespace = namespace.trim_matches('-').to_owned();
    let key = ResourceKey {
        group: group.to_owned(),
        kind: kind.to_owned(),
        name: name.to_owned(),
        namespace,
    };
    let namespaced = !key.namespace.is_empty();
    let result = check_resource(&project(project_spec), &key, namespaced, HOME);
    let told = result.err().map(|refusal| refusal.to_string());
    assert_eq!(told.as_deref(), expected);
}

#[test]
fn kinds_are_allowed_by_list_and_denied_by_list() {
    let open = "destinations: [{server: '*', namespace: 'web'}]";
    let spec = |more: &str| format!("{{{open}{more}}}");
    let cluster_role = "rbac.authorization.k8s.io/ClusterRole - admin";
    check_object(&spec(""), "apps/Deployment web a", None);
    check_object(
        &spec(""),
        "apps/Deployment db a",
        Some("namespace db is not permitted in project 'p'"),
    );
    // Of the cluster's kinds, none unless it is listed.
    let no_role = "resource rbac.authorization.k8s.io:ClusterRole is not permitted in project p";
    check_object(&spec(""), cluster_role, Some(no_role));
    let all = ", clusterResourceWhitelist: [{group: '*', kind: '*'}]";
    check_object(&spec(all), cluster_role, None);
    check_object(&spec(all), "Namespace - web", None);
    let named = ", clusterResourceWhitelist: [{group: '', kind: Namespace, name: 'team-*'}]";
    check_object(&spec(named), "Namespace - team-a", None);
    check_object(
        &spec(named),
        "Namespace - kube-system",
        Some("resource :Namespace is not permitted in project p"),
    );
    let all_but = ", clusterResourceWhitelist: [{group: '*', kind: '*'}], clusterResourceBlacklist: [{group: 'rbac*', kind: '*'}]";
    check_object(&spec(all_but), cluster_role, Some(no_role));
    let secret = "resource :Secret is not permitted in project p";
    let denied = ", namespaceResourceBlacklist: [{group: '', kind: Secret}]";
    check_object(&spec(denied), "Secret web s", Some(secret));
    check_object(&spec(denied), "ConfigMap web s", None);
    let only = ", namespaceResourceWhitelist: [{group: '', kind: ConfigMap}]";
    check_object(&spec(only), "Secret web s", Some(secret));
    check_object(&spec(only), "ConfigMap web s", None);
    // An empty list allows none; an absent one, all.
    check_object(
        &spec(", namespaceResourceWhitelist: []"),
        "Secret web s",
        Some(secret),
    );
    // What cannot be read denies.
    check_object(
        &spec(", namespaceResourceBlacklist: [{group: '', kind: '['}]"),
        "Secret web s",
        Some(secret),
    );
}
