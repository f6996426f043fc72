use crate::command::drupelet;
use crate::world::{World, on_each};
use drupelet::app::{AppProject, GroupKind};
use drupelet::value::Value;
use std::path::Path;

fn project(world: &World, name: &str) -> AppProject {
    let resource = world.resource("argoproj.io/v1alpha1", "AppProject");
    let object = world
        .client
        .get(&resource, &world.control_namespace(), name)
        .expect("it is there");
    AppProject::read(&object).expect("a project")
}

fn kind(group: &str, kind: &str) -> GroupKind {
    GroupKind {
        group: group.to_owned(),
        kind: kind.to_owned(),
        name: String::new(),
    }
}

fn proj(world: &World, kubeconfig: &Path, arguments: &[&str]) -> crate::command::Ended {
    let mut all = vec!["proj"];
    all.extend(arguments);
    drupelet(world, kubeconfig, &all)
}

#[test]
fn a_project_is_created_changed_and_deleted() {
    on_each(|kubeconfig| {
        let world = World::new(kubeconfig, "proj");
        let proj = |arguments: &[&str]| proj(&world, kubeconfig, arguments);
        let create = [
            "create",
            "home",
            "--src",
            "https://example.com/*",
            "--dest",
            "https://kubernetes.default.svc,blog",
            "--description",
            "at home",
        ];
        let said = proj(&create).ok();
        assert_eq!(said, "appproject.argoproj.io/home created\n");
        assert!(proj(&create).ok().ends_with(" unchanged\n"));
        proj(&["create", "home", "--src", "*"]).fails("--upsert");
        let home = project(&world, "home");
        assert_eq!(home.spec.source_repos, ["https://example.com/*"]);
        assert_eq!(home.spec.destinations[0].namespace, "blog");

        proj(&["add-source", "home", "!https://example.com/secret"]).ok();
        let again = proj(&["add-source", "home", "!https://example.com/secret"]).ok();
        assert_eq!(again, "appproject.argoproj.io/home unchanged\n");
        proj(&["remove-source", "home", "https://example.com/*"]).ok();
        proj(&["remove-source", "home", "https://other.example"]).fails("proj get");
        proj(&["add-destination", "home", "edge", "team-*", "--name"]).ok();
        let dry = ["add-destination", "home", "*", "*", "--dry-run"];
        assert!(proj(&dry).ok().ends_with(" configured (dry run)\n"));
        proj(&[
            "remove-destination",
            "home",
            "https://kubernetes.default.svc",
            "blog",
        ])
        .ok();
        let home = project(&world, "home");
        assert_eq!(home.spec.source_repos, ["!https://example.com/secret"]);
        let [edge] = home.spec.destinations.as_slice() else {
            panic!("{:?}", home.spec.destinations);
        };
        assert_eq!((edge.name.as_str(), edge.server.as_str()), ("edge", ""));

        proj(&["add-signature-key", "home", "4AEE18F83AFDEB23"]).ok();
        proj(&["add-signature-key", "home", "SHA256:abc"]).ok();
        proj(&["add-signature-key", "home", "ada"]).fails("neither 16 or 40");
        proj(&["remove-signature-key", "home", "SHA256:abc"]).ok();
        proj(&["remove-signature-key", "home", "SHA256:abc"]).fails("proj get");
        let account = ["add-destination-service-account", "home", "*"];
        let account = |more: &[&str]| proj(&[&account, more].concat());
        account(&["team-*", "deployer"]).ok();
        let again = account(&["team-*", "deployer"]).ok();
        assert_eq!(again, "appproject.argoproj.io/home unchanged\n");
        account(&["team-*", "other"]).fails("deployer is the account");
        account(&["blog", "writer", "--service-account-namespace", "accounts"]).ok();
        let remove = ["remove-destination-service-account", "home", "*", "team-*"];
        proj(&remove).ok();
        proj(&remove).fails("proj get");
        let home = project(&world, "home");
        let [key] = home.spec.signature_keys.as_slice() else {
            panic!("{:?}", home.spec.signature_keys);
        };
        assert_eq!(key.key_id, "4AEE18F83AFDEB23");
        let [account] = home.spec.destination_service_accounts.as_slice() else {
            panic!("{:?}", home.spec.destination_service_accounts);
        };
        assert_eq!(account.default_service_account, "accounts:writer");
        let shown = proj(&["get", "home"]).ok();
        for words in ["4AEE18F83AFDEB23", "*,blog: accounts:writer"] {
            assert!(shown.contains(words), "{shown}");
        }

        let names = proj(&["list", "-o", "name"]).ok();
        assert_eq!(
            names,
            "appproject.argoproj.io/default\nappproject.argoproj.io/home\n"
        );
        let shown = proj(&["get", "home"]).ok();
        assert!(
            shown.contains("at home") && shown.contains("edge,team-*"),
            "{shown}"
        );
        let json = proj(&["get", "home", "-o", "json"]).json();
        assert_eq!(json.at(&["kind"]), Some(&Value::from("AppProject")));
        proj(&["get", "nobody"]).fails("proj list");

        proj(&["delete", "home"]).fails("--yes");
        world.create_app("");
        world.patch_app(&world.name, "spec: {project: home}");
        proj(&["delete", "home", "--yes"]).fails(&world.name);
        world.patch_app(&world.name, "spec: {project: default}");
        proj(&["delete", "home", "--yes"]).ok();
        proj(&["get", "home"]).fails("no AppProject home");
        proj(&["delete", "default", "--yes"]).fails("it is not deleted");
    });
}

#[test]
fn kinds_are_allowed_and_denied_in_the_list_that_is_meant() {
    on_each(|kubeconfig| {
        let world = World::new(kubeconfig, "kinds");
        let proj = |arguments: &[&str]| proj(&world, kubeconfig, arguments).ok();
        proj(&["create", "home"]);
        proj(&["allow-cluster-resource", "home", "", "Namespace"]);
        proj(&[
            "allow-cluster-resource",
            "home",
            "rbac.authorization.k8s.io",
            "*",
        ]);
        proj(&["deny-cluster-resource", "home", "", "Namespace"]);
        proj(&[
            "deny-cluster-resource",
            "home",
            "",
            "Node",
            "--list",
            "deny",
        ]);
        proj(&["deny-namespace-resource", "home", "", "ResourceQuota"]);
        proj(&["deny-namespace-resource", "home", "", "LimitRange"]);
        proj(&["allow-namespace-resource", "home", "", "LimitRange"]);
        proj(&[
            "allow-namespace-resource",
            "home",
            "apps",
            "Deployment",
            "-l",
            "allow",
        ]);
        let spec = project(&world, "home").spec;
        assert_eq!(
            spec.cluster_resource_whitelist,
            [kind("rbac.authorization.k8s.io", "*")]
        );
        assert_eq!(spec.cluster_resource_blacklist, [kind("", "Node")]);
        assert_eq!(
            spec.namespace_resource_blacklist,
            [kind("", "ResourceQuota")]
        );
        assert_eq!(
            spec.namespace_resource_whitelist,
            Some(vec![kind("apps", "Deployment")])
        );
        // The last one of what is allowed goes: that must not allow everything.
        proj(&[
            "deny-namespace-resource",
            "home",
            "apps",
            "Deployment",
            "-l",
            "allow",
        ]);
        let spec = project(&world, "home").spec;
        assert_eq!(spec.namespace_resource_whitelist, Some(Vec::new()));
    });
}

#[test]
fn windows_are_listed_added_and_deleted() {
    on_each(|kubeconfig| {
        let world = World::new(kubeconfig, "windows");
        let windows = |arguments: &[&str]| {
            let mut all = vec!["windows"];
            all.extend(arguments);
            proj(&world, kubeconfig, &all)
        };
        proj(&world, kubeconfig, &["create", "home"]).ok();
        let add = |more: &[&str]| {
            let mut all = vec!["add", "home", "--schedule", "* * * * *", "--duration", "1h"];
            all.extend(more);
            windows(&all)
        };
        add(&["--kind", "deny", "--applications", "a,b", "--manual-sync"]).ok();
        add(&[
            "--kind",
            "allow",
            "--namespaces",
            "*",
            "--time-zone",
            "Europe/Berlin",
        ])
        .ok();
        add(&["--kind", "allow"]).fails("--applications");
        add(&[
            "--kind",
            "allow",
            "--clusters",
            "*",
            "--time-zone",
            "Mars/Base",
        ])
        .fails("no such zone");
        windows(&[
            "add",
            "home",
            "--kind",
            "allow",
            "--schedule",
            "often",
            "--duration",
            "1h",
            "--clusters",
            "*",
        ])
        .fails("schedule");
        let table = windows(&["list", "home"]).ok();
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines.len(), 3, "{table}");
        for (line, texts) in lines[1..].iter().zip([
            ["0", "Active", "deny", "a,b", "Enabled"],
            ["1", "Active", "allow", "Europe/Berlin", "Disabled"],
        ]) {
            for text in texts {
                assert!(line.contains(text), "{text}: {line}");
            }
        }
        windows(&["delete", "home", "2"]).fails("no window 2");
        windows(&["delete", "home", "0"]).ok();
        let left = project(&world, "home").spec.sync_windows;
        assert_eq!(left.len(), 1);
        assert_eq!(left[0].kind, "allow");
    });
}
