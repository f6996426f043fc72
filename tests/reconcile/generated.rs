//! What charts draw by chance stays as it is: through renders, restarts, a
//! lost cache and changes of the chart beside it. Certificates are renewed.

use crate::case::Case;
use crate::support::proxy::Passed;
use crate::world::{World, on_each, wait_until};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use drupelet::kube::{ListOptions, Patch, WriteOptions};
use drupelet::object::Object;
use drupelet::value::Value;
use std::collections::BTreeMap;

const AUTOMATED: &str = "syncPolicy: {automated: {prune: true}}";
const CHART: &str = "apiVersion: v2\nname: chancy\nversion: 1.0.0\n";
const PASSWORD: &str = r#"
apiVersion: v1
kind: ConfigMap
metadata: {name: password}
data:
  password: {{ randAlphaNum 24 }}
  id: {{ uuidv4 }}
"#;
const CERTIFICATE: &str = r#"
{{- $ca := genCAWithKey "ca" 300 (genPrivateKey "ecdsa") }}
{{- $leaf := genSignedCertWithKey "leaf" nil (list "leaf.example") 900 $ca (genPrivateKey "ed25519") }}
apiVersion: v1
kind: ConfigMap
metadata: {name: certificate}
data:
  ca: {{ $ca.Cert | b64enc }}
  leaf: {{ $leaf.Cert | b64enc }}
"#;

fn chart(world: &World, more: &[(&str, &str)]) -> String {
    let mut files = vec![
        ("app/Chart.yaml", CHART),
        ("app/templates/password.yaml", PASSWORD),
        ("app/templates/certificate.yaml", CERTIFICATE),
    ];
    files.extend_from_slice(more);
    world.commit(&files)
}

/// The data of a ConfigMap of the world.
fn data(world: &World, name: &str) -> BTreeMap<String, String> {
    let data = world.value("v1", "ConfigMap", name, &["data"]);
    let data = data.expect("it was synced");
    let data = data.as_map().expect("data is a map");
    data.iter()
        .map(|(key, value)| {
            (
                key.to_owned(),
                value.as_str().unwrap_or_default().to_owned(),
            )
        })
        .collect()
}

/// The Secrets of the control namespace in which results are kept.
fn kept(world: &World) -> Vec<Object> {
    let secrets = world.resource("v1", "Secret");
    let options = ListOptions {
        namespace: world.control_namespace(),
        ..Default::default()
    };
    let mut found = Vec::new();
    world
        .client
        .list(&secrets, &options, &mut |object| {
            if object.name().starts_with("drupelet-generated-") {
                found.push(object);
            }
        })
        .expect("Secrets can be listed");
    found
}

fn only_kept(world: &World) -> Object {
    let mut found = kept(world);
    assert_eq!(found.len(), 1, "one Secret for one application");
    found.remove(0)
}

/// Writes to Secrets of the control namespace.
fn n_keeps(passed: &[Passed]) -> usize {
    let keeps = |one: &&Passed| {
        one.is_write() && one.status < 300 && one.path.contains("secrets/drupelet-generated-")
    };
    passed.iter().filter(keeps).count()
}

#[test]
fn random_results_stay_through_restarts_and_changes_beside_them() {
    on_each(|cluster| {
        let world = World::new(cluster, "chance");
        let first = chart(&world, &[]);
        world.create_app(AUTOMATED);
        let mut case = Case::start(cluster, world);
        case.world.wait_synced_at(&first);
        let (password, certificate) = (
            data(&case.world, "password"),
            data(&case.world, "certificate"),
        );
        assert_eq!(password["password"].len(), 24);
        assert_eq!(
            n_keeps(&case.proxy.passed()),
            1,
            "one write for all results"
        );
        let secret = only_kept(&case.world);
        assert_eq!(
            secret.annotation("drupelet.io/generated-for"),
            Some(case.world.name.as_str())
        );
        let uid = case.world.app().uid;
        let owners: Vec<_> = secret
            .owner_references()
            .iter()
            .map(|o| o.get("uid").cloned())
            .collect();
        assert_eq!(owners, [Some(Value::from(uid.as_str()))]);

        // Another agent, without the cache of the first.
        case.world.stop_agent();
        let cache = case.world.folder().join("cache");
        std::fs::remove_dir_all(&cache).expect("the cache is ours");
        let client = crate::world::client(&case.proxy.kubeconfig());
        case.world.start_agent_on(client);
        case.world.settle();
        assert_eq!(data(&case.world, "password"), password);
        assert_eq!(data(&case.world, "certificate"), certificate);
        assert_eq!(
            n_keeps(&case.proxy.passed()),
            0,
            "nothing new, nothing written"
        );

        // More draws before and beside, in a file that is rendered earlier.
        let more = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: another}\ndata: {a: {{ randAlphaNum 24 }}}\n";
        let second = chart(&case.world, &[("app/templates/another.yaml", more)]);
        case.world.wait_synced_at(&second);
        assert_eq!(data(&case.world, "password"), password);
        assert_eq!(data(&case.world, "certificate"), certificate);
        let another = data(&case.world, "another");
        assert_ne!(another["a"], password["password"]);
        assert_eq!(
            n_keeps(&case.proxy.passed()),
            1,
            "one write for the new one"
        );
    });
}

#[test]
fn certificates_are_renewed_at_two_thirds_of_their_life() {
    on_each(|cluster| {
        let world = World::new(cluster, "renewal");
        let commit = chart(&world, &[]);
        world.create_app(AUTOMATED);
        let mut case = Case::start(cluster, world);
        case.world.wait_synced_at(&commit);
        let (password, certificate) = (
            data(&case.world, "password"),
            data(&case.world, "certificate"),
        );
        case.world.stop_agent();

        // As if all of it had been made 250 days ago: the authority lives for
        // 300, what it signed for 900.
        let secret = only_kept(&case.world);
        let entries = secret
            .at(&["data"])
            .and_then(Value::as_map)
            .expect("it has data");
        let aged = entries.iter().map(|(name, text)| {
            let json = STANDARD
                .decode(text.as_str().expect("base64"))
                .expect("base64");
            let mut entry = Value::from_json(&json).expect("JSON");
            let map = entry.as_map_mut().expect("a map");
            let made = map.get("made").and_then(Value::as_i64).expect("a time");
            map.insert("made", Value::from(made - 250 * 86_400));
            (
                name.to_owned(),
                Value::from(STANDARD.encode(entry.to_json()).as_str()),
            )
        });
        let data_aged = Value::Map(aged.collect());
        let patch = format!("{{\"data\":{}}}", data_aged.to_json());
        let patch = Value::from_json(patch.as_bytes()).expect("JSON");
        let secrets = case.world.resource("v1", "Secret");
        case.world
            .client
            .patch(
                &secrets,
                secret.namespace(),
                secret.name(),
                &Patch::Merge(patch),
                &WriteOptions::by("test"),
            )
            .expect("the Secret can be patched");

        let client = crate::world::client(&case.proxy.kubeconfig());
        case.world.start_agent_on(client);
        wait_until("the authority is renewed", || {
            data(&case.world, "certificate")["ca"] != certificate["ca"]
        });
        case.world.settle();
        let renewed = data(&case.world, "certificate");
        assert_ne!(
            renewed["leaf"], certificate["leaf"],
            "it is signed by the new one"
        );
        assert_eq!(
            data(&case.world, "password"),
            password,
            "passwords have no end"
        );
        case.world.wait_synced();
    });
}
