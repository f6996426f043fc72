//! Agents that stand by for each other, as processes: what each of them sends
//! passes a proxy of its own in front of the API server.

use crate::process::AgentProcess;
use crate::support::apiserver::{AGENTS, ApiServer, Audited, Options};
use crate::support::proxy::{Harm, Hold, Passed, Proxy};
use crate::world::{World, client, holds_for, on_each, wait_until};
use drupelet::object::Object;
use drupelet::value::Value;
use std::path::Path;
use std::time::{Duration, Instant};

const LEASE: Duration = Duration::from_secs(4);
/// What a busy machine takes on top.
const SLACK: Duration = Duration::from_millis(1500);
const ELECT: &[&str] = &["--leader-elect", "--lease-duration", "4s"];
const POLICY: &str = "syncPolicy:
  automated: {prune: true, selfHeal: true}
  syncOptions: [CreateNamespace=true]
  retry: {limit: -1, backoff: {duration: 200ms, factor: 1, maxDuration: 200ms}}";
const N: usize = 5;

/// ConfigMaps, each in a wave of its own.
fn configs(value: &str) -> String {
    let one = |n: usize| {
        format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c{n}, annotations: {{argocd.argoproj.io/sync-wave: '{n}'}}}}\ndata: {{a: {value}}}\n"
        )
    };
    (0..N).map(one).collect::<Vec<_>>().join("---\n")
}

pub fn value_of(world: &World, name: &str) -> Option<String> {
    let value = world.value("v1", "ConfigMap", name, &["data", "a"])?;
    value.as_str().map(str::to_owned)
}

fn lease(world: &World) -> Option<Object> {
    let resource = world.resource("coordination.k8s.io/v1", "Lease");
    world
        .client
        .find(&resource, &world.control_namespace(), "drupelet")
        .expect("the API server answers")
}

/// "" where nobody holds it.
fn holder(world: &World) -> String {
    let lease = lease(world);
    let holder = lease
        .as_ref()
        .and_then(|lease| lease.at(&["spec", "holderIdentity"]));
    holder
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

pub fn is_lease(passed: &Passed) -> bool {
    passed.path.contains("/leases")
}

/// What changed something on the server, the Lease apart.
fn writes(passed: &[Passed]) -> Vec<&Passed> {
    passed
        .iter()
        .filter(|passed| passed.is_write() && !is_lease(passed))
        .collect()
}

/// An agent, and the proxy that all its requests pass.
struct Node {
    proxy: Proxy,
    agent: AgentProcess,
}

impl Node {
    fn start(name: &str, world: &World, cluster: &Path, more: &[&str]) -> Self {
        let proxy = Proxy::start(cluster);
        let agent = Self::agent(name, world, &proxy, more);
        Node { proxy, agent }
    }

    fn agent(name: &str, world: &World, proxy: &Proxy, more: &[&str]) -> AgentProcess {
        let mut arguments = vec!["-v", "--listen", "127.0.0.1:0"];
        arguments.extend(more);
        AgentProcess::start_as(name, world, &proxy.kubeconfig(), &arguments)
    }

    fn leads(&self) -> bool {
        self.agent.metrics()["drupelet_leader"] == 1.0
    }
}

#[test]
fn a_follower_takes_over_within_the_lease_time_when_the_leader_dies() {
    on_each(|cluster| {
        let world = World::new(cluster, "takeover");
        world.commit(&[("app/all.yaml", &configs("one"))]);
        world.create_app(POLICY);
        let first = Node::start("a", &world, cluster, ELECT);
        world.wait_synced();
        assert!(first.leads());
        let second = Node::start("b", &world, cluster, ELECT);
        assert!(!second.leads());
        assert_eq!(second.agent.get("/readyz"), "ok");
        holds_for("it follows", LEASE, || !second.leads());
        assert_eq!(second.proxy.n_writes(), 0, "a follower writes nothing");
        let lease_writes = first.agent.metrics()["drupelet_lease_writes_total"];
        assert!(lease_writes >= 2.0, "{lease_writes}");

        let commit = world.commit(&[("app/all.yaml", &configs("two"))]);
        wait_until("a sync is under way", || {
            value_of(&world, "c1").as_deref() == Some("two")
        });
        let Node { proxy, agent } = first;
        agent.kill();
        let died = Instant::now();
        wait_until("the other one leads", || second.leads());
        let took = died.elapsed();
        println!("took over after {took:?}");
        assert!(took < LEASE + SLACK, "{took:?}");
        world.wait_synced_at(&commit);
        wait_until("all is synced", || {
            value_of(&world, &format!("c{}", N - 1)).as_deref() == Some("two")
        });
        // From what reached the API server: one after the other.
        let (of_first, of_second) = (proxy.passed(), second.proxy.passed());
        let last = writes(&of_first).iter().map(|passed| passed.at).max();
        let next = writes(&of_second).iter().map(|passed| passed.at).min();
        assert!(last.expect("it wrote") < next.expect("it wrote"));
    });
}

#[test]
fn a_leader_that_was_stopped_beyond_its_lease_writes_nothing_any_more() {
    on_each(|cluster| {
        let world = World::new(cluster, "frozen");
        world.commit(&[("app/all.yaml", &configs("one"))]);
        // A cluster of its own for the second application: the same API server by
        // another way.
        let edge = Proxy::start(cluster);
        let token = client(cluster).config().user.token.clone();
        world.apply_text(&format!(
            "apiVersion: v1\nkind: Secret\nmetadata:\n  name: edge\n  namespace: {}\n  labels: {{argocd.argoproj.io/secret-type: cluster}}\n\
             stringData:\n  name: edge\n  server: {}\n  config: '{{\"bearerToken\":\"{}\"}}'\n",
            world.control_namespace(),
            edge.url,
            token.unwrap_or_default(),
        ));
        world.create_app(POLICY);
        world.create_app_at("remote", "app", POLICY);
        let there = format!("{}-edge", world.name);
        world.patch_app(
            "remote",
            &format!("spec: {{destination: {{name: edge, namespace: {there}}}}}"),
        );
        let first = Node::start("a", &world, cluster, ELECT);
        world.wait_synced();
        world.wait_app("remote", "Synced", |app| {
            app.status.sync.status.as_str() == "Synced"
        });
        let second = Node::start("b", &world, cluster, ELECT);
        wait_until("it follows", || !second.leads());

        // Stopped in the middle of two syncs: an answer is still to come.
        edge.hold_at_write(3, Hold::BeforeAnswer);
        world.commit(&[("app/all.yaml", &configs("two"))]);
        assert!(edge.wait_until_held(LEASE * 5), "it syncs there, too");
        first.agent.signal("STOP");
        edge.release();
        let stopped = Instant::now();
        wait_until("the other one leads", || second.leads());
        println!("took over after {:?}", stopped.elapsed());
        world.wait_app(&world.name, "Synced", |app| {
            app.status.sync.status.as_str() == "Synced"
        });
        // With the other one stopped as well, every write there is the first one's.
        second.agent.signal("STOP");
        world.edit("v1", "ConfigMap", "c3", "data: {a: drifted}");
        first.proxy.passed();
        edge.passed();
        // It cannot even hear that it lost: the clock alone holds it back.
        first.proxy.harm(Harm::Hang, usize::MAX, is_lease);
        first.agent.signal("CONT");
        holds_for("no write", LEASE, || {
            let of_first = first.proxy.n_writes() + edge.n_writes();
            let of_lease = first.proxy.writes_where(is_lease);
            of_first == of_lease
        });
        assert_eq!(value_of(&world, "c3").as_deref(), Some("drifted"));
        let log = std::fs::read_to_string(world.folder().join("stderra")).expect("it has a log");
        let refused = log.matches("does not hold its Lease").count();
        assert!(refused > 0, "nothing was held back: {log}");
        first.proxy.mend();
        second.agent.signal("CONT");
        let Node { proxy, mut agent } = first;
        assert_eq!(agent.wait(), Some(1));
        assert_eq!(writes(&proxy.passed()), Vec::<&Passed>::new());
        wait_until("healed by the one that leads", || {
            value_of(&world, "c3").as_deref() == Some("two")
        });
    });
}

#[test]
fn a_leader_that_is_asked_to_end_releases_its_lease() {
    on_each(|cluster| {
        let world = World::new(cluster, "release");
        world.commit(&[("app/all.yaml", &configs("one"))]);
        world.create_app(POLICY);
        let first = Node::start("a", &world, cluster, &["--leader-elect"]);
        wait_until("it leads", || first.leads());
        let second = Node::start("b", &world, cluster, &["--leader-elect"]);
        wait_until("it follows", || !second.leads());
        first.agent.signal("TERM");
        let Node { mut agent, .. } = first;
        assert_eq!(agent.wait(), Some(0));
        let ended = Instant::now();
        wait_until("the other one leads", || second.leads());
        let took = ended.elapsed();
        println!("took over after {took:?}");
        assert!(took < Duration::from_secs(5), "{took:?}");
        world.wait_synced();
        // A follower ends as well when it is asked to.
        let third = Node::start("c", &world, cluster, &["--leader-elect"]);
        wait_until("it follows", || !third.leads());
        third.agent.signal("TERM");
        let Node { mut agent, .. } = third;
        assert_eq!(agent.wait(), Some(0));
        let lease = lease(&world).expect("it is there");
        let transitions = lease.at(&["spec", "leaseTransitions"]);
        assert_eq!(transitions, Some(&Value::Int(1)));
    });
}

#[test]
fn a_leader_goes_on_where_nobody_took_the_lease_while_the_api_server_was_away() {
    on_each(|cluster| {
        let world = World::new(cluster, "away");
        world.commit(&[("app/all.yaml", &configs("one"))]);
        world.create_app(POLICY);
        let first = Node::start("a", &world, cluster, ELECT);
        world.wait_synced();
        first.proxy.harm(Harm::DropBefore, usize::MAX, |_| true);
        wait_until("its lease has run out", || !first.leads());
        world.edit("v1", "ConfigMap", "c3", "data: {a: drifted}");
        first.proxy.mend();
        wait_until("it leads again", || first.leads());
        wait_until("healed", || {
            value_of(&world, "c3").as_deref() == Some("one")
        });
    });
}

#[test]
fn an_agent_that_is_not_elected_has_no_lease() {
    on_each(|cluster| {
        let world = World::new(cluster, "alone");
        world.commit(&[("app/all.yaml", &configs("one"))]);
        world.create_app(POLICY);
        let node = Node::start("a", &world, cluster, &[]);
        world.wait_synced();
        assert_eq!(node.agent.get("/readyz"), "ok");
        assert!(!node.proxy.passed().iter().any(is_lease));
        assert!(lease(&world).is_none());
        assert_eq!(holder(&world), "");
    });
}

/// Two agents, each a user of its own to the API server, whose log tells them
/// apart.
struct Pair {
    server: ApiServer,
    world: World,
}

impl Pair {
    fn new(name: &str) -> Option<Self> {
        let server = ApiServer::start(Options {
            audit: true,
            ..Options::default()
        })?;
        let world = World::new(&server.kubeconfig(), name);
        world.commit(&[("app/all.yaml", &configs("one"))]);
        world.create_app(POLICY);
        Some(Pair { server, world })
    }

    fn start(&self, user: &str) -> AgentProcess {
        let mut arguments = vec!["-v", "--listen", "127.0.0.1:0"];
        arguments.extend(ELECT);
        let kubeconfig = self.server.kubeconfig_of(user);
        AgentProcess::start_as(user, &self.world, &kubeconfig, &arguments)
    }

    /// What an agent changed, and tried to, its Lease apart.
    fn writes(&self, user: &str) -> Vec<Audited> {
        let mut audited = self.server.audited();
        audited.retain(|one| one.user == user && !one.object.starts_with("leases "));
        audited
    }

    /// No two writes of the two to one object overlap, and the second begins
    /// only when the first has ended for good.
    #[track_caller]
    fn assert_one_after_the_other(&self) {
        let [first, second, _] = AGENTS.map(|user| self.writes(user));
        for one in &first {
            for other in second.iter().filter(|other| other.object == one.object) {
                assert!(one.ended < other.began, "{one:?} and {other:?}");
            }
        }
        let shared = first
            .iter()
            .filter(|one| second.iter().any(|other| other.object == one.object));
        assert!(
            shared.count() > N,
            "both write the same objects: {first:?} {second:?}"
        );
        let last = first.iter().map(|one| one.ended).max();
        let next = second.iter().map(|one| one.began).min();
        assert!(last.expect("it wrote") < next.expect("it wrote"));
    }
}

fn leads(agent: &AgentProcess) -> bool {
    agent.metrics()["drupelet_leader"] == 1.0
}

#[test]
fn the_audit_log_shows_no_object_written_by_both_when_the_leader_dies() {
    let Some(pair) = Pair::new("audited") else {
        return;
    };
    let world = &pair.world;
    let first = pair.start(AGENTS[0]);
    world.wait_synced();
    let second = pair.start(AGENTS[1]);
    holds_for("it follows", LEASE, || !leads(&second));
    assert!(
        pair.writes(AGENTS[1]).is_empty(),
        "a follower writes nothing"
    );
    let commit = world.commit(&[("app/all.yaml", &configs("two"))]);
    wait_until("a sync is under way", || {
        value_of(world, "c1").as_deref() == Some("two")
    });
    first.kill();
    wait_until("the other one leads", || leads(&second));
    world.wait_synced_at(&commit);
    wait_until("all is synced", || {
        value_of(world, &format!("c{}", N - 1)).as_deref() == Some("two")
    });
    // For a while both have something to say of each object.
    for n in 0..N {
        world.edit("v1", "ConfigMap", &format!("c{n}"), "data: {a: drifted}");
    }
    wait_until("all is healed", || {
        (0..N).all(|n| value_of(world, &format!("c{n}")).as_deref() == Some("two"))
    });
    pair.assert_one_after_the_other();
}

#[test]
fn the_audit_log_shows_no_write_of_a_leader_that_was_stopped_beyond_its_lease() {
    let Some(pair) = Pair::new("audited-stop") else {
        return;
    };
    let world = &pair.world;
    let mut first = pair.start(AGENTS[0]);
    world.wait_synced();
    let second = pair.start(AGENTS[1]);
    wait_until("it follows", || !leads(&second));
    let commit = world.commit(&[("app/all.yaml", &configs("two"))]);
    wait_until("a sync is under way", || {
        value_of(world, "c1").as_deref() == Some("two")
    });
    first.signal("STOP");
    wait_until("the other one leads", || leads(&second));
    world.wait_synced_at(&commit);
    for n in 0..N {
        world.edit("v1", "ConfigMap", &format!("c{n}"), "data: {a: drifted}");
    }
    wait_until("all is healed", || {
        (0..N).all(|n| value_of(world, &format!("c{n}")).as_deref() == Some("two"))
    });
    let before = pair.writes(AGENTS[0]).len();
    // There is much to do, and nobody else to do it.
    second.signal("STOP");
    for n in 0..N {
        world.edit("v1", "ConfigMap", &format!("c{n}"), "data: {a: drifted}");
    }
    first.signal("CONT");
    assert_eq!(first.wait(), Some(1), "it lost its Lease");
    assert_eq!(pair.writes(AGENTS[0]).len(), before, "it wrote nothing");
    second.signal("CONT");
    wait_until("all is healed", || {
        (0..N).all(|n| value_of(world, &format!("c{n}")).as_deref() == Some("two"))
    });
    pair.assert_one_after_the_other();
}
