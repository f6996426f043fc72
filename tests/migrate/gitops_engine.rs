//! Objects that gitops-engine applied, the library by which Argo CD's controller
//! does it (`tests/oracle/gitops`), become ours and its again.

use crate::command::drupelet;
use crate::support::program::program;
use crate::support::proxy::Proxy;
use crate::there_and_back::{start_argocd, tracked};
use crate::world::{World, on_real};
use drupelet::app::SyncCode;
use drupelet::object::Object;
use drupelet::value::{Value, yaml};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// One of each sort that API servers fill in: defaults, allocated fields,
/// quantities in another form, lists by keys. `ENV` is what git drops later.
const MANIFESTS: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: NAME, annotations: {drupelet.test/managed: 'true'}}
spec:
  selector: {matchLabels: {app: NAME}}
  template:
    metadata: {labels: {app: NAME}}
    spec:
      containers:
      - name: main
        image: example.com/a:1
        env: [{name: A, value: a}ENV]
        ports: [{containerPort: 80}]
        resources: {limits: {cpu: 1000m, memory: 64Mi}}
---
apiVersion: v1
kind: Service
metadata: {name: NAME, annotations: {drupelet.test/managed: 'true'}}
spec: {selector: {app: NAME}, ports: [{port: 80}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: NAME, annotations: {drupelet.test/managed: 'true'}}
spec:
  rules:
  - host: example.com
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: NAME, port: {number: 80}}}}]}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: NAME, annotations: {drupelet.test/managed: 'true'}}
spec:
  schedule: '0 4 * * *'
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          containers: [{name: main, image: 'example.com/a:1', env: [{name: A, value: a}ENV]}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: NAME, annotations: {drupelet.test/managed: 'true'}}
data: {a: one}
";
const KINDS: [(&str, &str); 5] = [
    ("apps/v1", "Deployment"),
    ("v1", "Service"),
    ("networking.k8s.io/v1", "Ingress"),
    ("batch/v1", "CronJob"),
    ("v1", "ConfigMap"),
];
const MORE: &str = ", {name: B, value: b}";
const POLICY: &str = "syncPolicy: {automated: {prune: true}}";
const SERVER_SIDE: &str =
    "syncPolicy: {automated: {prune: true}, syncOptions: [ServerSideApply=true]}";

fn manifests(name: &str, more: &str) -> String {
    MANIFESTS.replace("NAME", name).replace("ENV", more)
}

/// Syncs as Argo CD's controller does for an application.
fn sync(world: &World, program: &Path, through: &Proxy, instance: &str, texts: &str) {
    let objects = yaml::parse_stream(texts).expect("the test writes YAML");
    let objects: Vec<String> = objects
        .into_iter()
        .map(|document| {
            let text = document.value.to_json();
            Value::Map(tracked(world, instance, &text).root().clone()).to_json()
        })
        .collect();
    let input = format!(
        r#"{{"kubeconfig":{:?},"namespace":{:?},"manifests":[{}],"clientSide":{}}}"#,
        through.kubeconfig(),
        world.name,
        objects.join(","),
        !instance.ends_with("-server"),
    );
    let mut child = Command::new(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program is there");
    let mut stdin = child.stdin.take().expect("it is piped");
    stdin.write_all(input.as_bytes()).expect("it reads");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    let words = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        words.starts_with("Succeeded"),
        "{instance}: {words}{errors}"
    );
}

/// Of the objects of an application: both are in one namespace.
fn instance_name(instance: &str) -> &'static str {
    match instance.ends_with("-server") {
        true => "api",
        false => "web",
    }
}

/// Of every object that has one.
fn generations(world: &World) -> Vec<(String, i64)> {
    let mut found = Vec::new();
    for name in ["web", "api"] {
        for (api, kind) in KINDS {
            let object = world.find(api, kind, name).expect("it is there");
            let generation = object.at(&["metadata", "generation"]);
            if let Some(generation) = generation.and_then(Value::as_i64) {
                found.push((format!("{kind} {name}"), generation));
            }
        }
    }
    found
}

fn n_env(object: &Object, path: &[&str]) -> Option<usize> {
    let containers = object.at(path)?.as_seq()?;
    Some(containers.first()?.get("env")?.as_seq()?.len())
}

/// Variables of the Deployment and of the CronJob.
fn n_variables(world: &World, name: &str) -> [Option<usize>; 2] {
    let pod = ["spec", "template", "spec", "containers"];
    let job = [&["spec", "jobTemplate"], &pod[..]].concat();
    let of = |api: &str, kind: &str, path: &[&str]| {
        n_env(&world.find(api, kind, name).expect("it is there"), path)
    };
    [
        of("apps/v1", "Deployment", &pod),
        of("batch/v1", "CronJob", &job),
    ]
}

/// As Argo CD's controller leaves the status.
fn set_status(world: &World, app: &str) {
    let resources = KINDS.map(|(api, kind)| {
        let (group, version) = api.split_once('/').unwrap_or(("", api));
        format!(
            "{{group: '{group}', version: {version}, kind: {kind}, namespace: {}, name: {}, status: Synced}}",
            world.name,
            instance_name(app)
        )
    });
    let resources = resources.join(", ");
    world.patch_app(app, &format!("status: {{resources: [{resources}]}}"));
}

#[test]
fn what_gitops_engine_applied_becomes_ours_and_its_again() {
    let Some(program) = program("gitops-engine") else {
        return;
    };
    // It asks for OpenAPI as protobuf, which the sandbox does not speak.
    on_real(|cluster| {
        let mut world = World::new(cluster, "engine");
        let proxy = Proxy::start(cluster);
        let instances = [world.name.clone(), format!("{}-server", world.name)];
        let commit = |world: &World, more: &str| {
            let (web, api) = (manifests("web", more), manifests("api", more));
            world.commit(&[("app/all.yaml", &web), ("server/all.yaml", &api)])
        };
        let of = |instance: &str, more: &str| manifests(instance_name(instance), more);
        commit(&world, MORE);
        world.create_app(POLICY);
        world.create_app_at(&instances[1], "server", SERVER_SIDE);
        for instance in &instances {
            sync(&world, &program, &proxy, instance, &of(instance, MORE));
            set_status(&world, instance);
        }
        start_argocd(&world);
        let before = generations(&world);
        let arguments = ["migrate", "--take-over", "--no-fetch", "--yes"];
        let taken = drupelet(&world, cluster, &arguments).ok();
        assert!(
            taken.starts_with("10 objects taken over, 0 were"),
            "{taken}"
        );

        world.start_agent();
        for instance in &instances {
            world.wait_app(instance, "Synced", |app| {
                app.status.sync.status == SyncCode::Synced
            });
        }
        world.settle();
        assert_eq!(generations(&world), before, "the agent changed something");
        for name in ["web", "api"] {
            assert_eq!(n_variables(&world, name), [Some(2), Some(2)], "{name}");
        }

        // What is dropped in git goes, and nothing but that.
        let newer = commit(&world, "");
        for instance in &instances {
            world.wait_app(instance, "Synced at the commit", |app| {
                app.status.sync.status == SyncCode::Synced && app.status.sync.revision == newer
            });
        }
        world.settle();
        for name in ["web", "api"] {
            assert_eq!(n_variables(&world, name), [Some(1), Some(1)], "{name}");
        }
        world.stop_agent();
        let before = generations(&world);

        let back = ["migrate", "--hand-back", "--yes"];
        let returned = drupelet(&world, cluster, &back).ok();
        assert!(
            returned.starts_with("10 objects handed back, 0"),
            "{returned}"
        );
        for instance in &instances {
            sync(&world, &program, &proxy, instance, "");
        }
        assert_eq!(
            generations(&world),
            before,
            "gitops-engine changed something"
        );
        // It owns them as it did: it adds, and drops what it added. By an image that
        // is another one each time, since nothing but that tells it of a difference
        // where it applies server-side.
        for (more, image, n) in [(MORE, "a:2", 2), ("", "a:3", 1)] {
            for instance in &instances {
                let texts = of(instance, more).replace("a:1", image);
                sync(&world, &program, &proxy, instance, &texts);
                let found = n_variables(&world, instance_name(instance));
                assert_eq!(found, [Some(n), Some(n)], "{instance}");
            }
        }
    });
}
