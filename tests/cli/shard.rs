//! Agents that share the Applications, as processes: what each of them sends
//! passes a proxy of its own in front of the API server.

use crate::leader::{is_lease, value_of};
use crate::process::AgentProcess;
use crate::support::apiserver::{AGENTS, ApiServer, Audited, Options};
use crate::support::proxy::{Harm, Passed, Proxy};
use crate::world::{World, holds_for, on_each, wait_until};
use drupelet::app::SyncCode;
use drupelet::kube::ListOptions;
use drupelet::object::{Object, names};
use drupelet::shard::Members;
use drupelet::value::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};

const LEASE: Duration = Duration::from_secs(4);
/// What a busy machine takes on top.
const SLACK: Duration = Duration::from_millis(1500);
const SHARE: &[&str] = &[
    "-v",
    "--listen",
    "127.0.0.1:0",
    "--shard",
    "--lease-duration",
    "4s",
];
const POLICY: &str = "syncPolicy:
  automated: {prune: true, selfHeal: true}
  retry: {limit: -1, backoff: {duration: 200ms, factor: 1, maxDuration: 200ms}}";
/// Applications, and ConfigMaps of each, one after the other.
const N: usize = 12;
const CONFIGS: usize = 3;

fn configs(of: usize, value: &str) -> String {
    let one = |n: usize| {
        format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a{of}-c{n}, annotations: {{argocd.argoproj.io/sync-wave: '{n}'}}}}\ndata: {{a: {value}}}\n"
        )
    };
    (0..CONFIGS).map(one).collect::<Vec<_>>().join("---\n")
}

fn commit_all(world: &World, value: &str) -> String {
    let files: Vec<(String, String)> = (0..N)
        .map(|n| (format!("a{n}/all.yaml"), configs(n, value)))
        .collect();
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect();
    world.commit(&files)
}

/// Another one than in other worlds: they share a cluster.
fn name_of(world: &World, n: usize) -> String {
    format!("{}-a{n}", world.name)
}

/// One of the ConfigMaps of an application.
fn config_of(name: &str, n: usize) -> String {
    let own = name.rsplit('-').next().unwrap_or_default();
    format!("{own}-c{n}")
}

/// Applications in a world, all of one repository.
fn world(cluster: &Path, name: &str) -> World {
    let world = World::new(cluster, name);
    commit_all(&world, "one");
    for n in 0..N {
        world.create_app_at(&name_of(&world, n), &format!("a{n}"), POLICY);
    }
    world
}

#[track_caller]
fn wait_all_synced(world: &World, commit: &str) {
    for n in 0..N {
        world.wait_app(&name_of(world, n), "Synced at the commit", |app| {
            app.status.sync.status == SyncCode::Synced && app.status.sync.revision == commit
        });
    }
}

fn leases(world: &World) -> Vec<Object> {
    let options = ListOptions {
        namespace: world.control_namespace(),
        label_selector: format!("{}=drupelet", names::AGENTS),
        ..ListOptions::default()
    };
    let resource = world.resource("coordination.k8s.io/v1", "Lease");
    let listed = world.client.list_all(&resource, &options);
    listed.expect("the API server answers").0
}

/// What each of the agents is to have, as everybody can work out.
fn shares_of(world: &World) -> BTreeSet<BTreeSet<String>> {
    let leases = leases(world);
    let members: Members = leases.iter().map(holder).collect();
    let share = |identity: &str| {
        let names = (0..N).map(|n| name_of(world, n));
        let is_own = |name: &String| {
            let key = format!("{}/{name}", world.control_namespace());
            members.owner(&key) == Some(identity)
        };
        names.filter(is_own).collect()
    };
    members.iter().map(share).collect()
}

fn holder(lease: &Object) -> String {
    let holder = lease.at(&["spec", "holderIdentity"]);
    holder
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

/// What an agent works on, by its own word.
fn applications(agent: &AgentProcess) -> BTreeSet<String> {
    let metrics = agent.metrics();
    let infos = metrics
        .keys()
        .filter_map(|name| name.strip_prefix("argocd_app_info{"));
    let names = infos.filter_map(|labels| {
        let (_, rest) = labels.split_once(",name=\"")?;
        rest.split_once('"').map(|(name, _)| name.to_owned())
    });
    names.collect()
}

/// All of them know of each other, and each application is one agent's.
fn is_shared_by(agents: &[&AgentProcess]) -> bool {
    let n_agents = agents.len() as f64;
    let are_known = |agent: &&AgentProcess| {
        agent.get("/readyz") == "ok" && agent.metrics()["drupelet_members"] == n_agents
    };
    let shares: Vec<BTreeSet<String>> = agents.iter().map(|agent| applications(agent)).collect();
    let all: BTreeSet<&String> = shares.iter().flatten().collect();
    let n: usize = shares.iter().map(BTreeSet::len).sum();
    agents.iter().all(are_known) && all.len() == N && n == N
}

#[test]
fn agents_share_the_applications_and_take_over_what_another_leaves() {
    on_each(|cluster| {
        let world = world(cluster, "shared");
        let start = |name: &str| AgentProcess::start_as(name, &world, cluster, SHARE);
        let first = start("a");
        let commit = commit_all(&world, "one more");
        wait_all_synced(&world, &commit);
        wait_until("it has all", || is_shared_by(&[&first]));
        let (second, third) = (start("b"), start("c"));
        wait_until("three agents share them", || {
            is_shared_by(&[&first, &second, &third])
        });
        let shares = [&first, &second, &third].map(applications);
        assert_eq!(shares_of(&world), BTreeSet::from(shares));
        for agent in [&first, &second, &third] {
            let n = applications(agent).len();
            println!("{n} of {N}");
            assert_eq!(agent.metrics()["drupelet_applications"], n as f64);
        }
        let commit = commit_all(&world, "two");
        wait_all_synced(&world, &commit);

        let had = applications(&second).len();
        second.kill();
        let died = Instant::now();
        wait_until("the others have all", || is_shared_by(&[&first, &third]));
        let took = died.elapsed();
        println!("{had} were taken over after {took:?}");
        assert!(took < LEASE + SLACK, "{took:?}");
        let commit = commit_all(&world, "three");
        wait_all_synced(&world, &commit);

        let second = start("b");
        wait_until("the one that came back has its share", || {
            is_shared_by(&[&first, &second, &third])
        });
        let mut third = third;
        third.signal("TERM");
        assert_eq!(third.wait(), Some(0));
        let ended = Instant::now();
        wait_until("the others have all", || is_shared_by(&[&first, &second]));
        let took = ended.elapsed();
        println!("taken over from one that left after {took:?}");
        assert!(took < SLACK, "{took:?}");
        let commit = commit_all(&world, "four");
        wait_all_synced(&world, &commit);
        assert_eq!(leases(&world).len(), 2, "its Lease is gone");
    });
}

#[test]
fn an_agent_that_is_alone_writes_no_lease_at_rest() {
    on_each(|cluster| {
        let world = world(cluster, "solitary");
        let first = AgentProcess::start_as("a", &world, cluster, SHARE);
        wait_until("it has all", || is_shared_by(&[&first]));
        let commit = commit_all(&world, "two");
        wait_all_synced(&world, &commit);
        let lease_writes = || first.metrics()["drupelet_lease_writes_total"];
        // What it has begun with is over.
        let mut before = lease_writes();
        wait_until("it is at rest", || {
            std::thread::sleep(LEASE);
            lease_writes() == std::mem::replace(&mut before, lease_writes())
        });
        holds_for("no write", LEASE * 3, || lease_writes() == before);
        // It has run out by then: the next write is preceded by one of the Lease.
        world.edit("v1", "ConfigMap", "a3-c1", "data: {a: drifted}");
        wait_until("healed", || {
            value_of(&world, "a3-c1").as_deref() == Some("two")
        });
        assert!(lease_writes() > before);

        // Beside another one it gives signs of life.
        let second = AgentProcess::start_as("b", &world, cluster, SHARE);
        wait_until("two agents share them", || is_shared_by(&[&first, &second]));
        let before = lease_writes();
        std::thread::sleep(LEASE * 2);
        let n = lease_writes() - before;
        assert!((2.0..=6.0).contains(&n), "{n} in two lease times");
    });
}

/// An agent, and the proxy that all its requests pass.
struct Node {
    proxy: Proxy,
    agent: AgentProcess,
}

impl Node {
    fn start(name: &str, world: &World, cluster: &Path, more: &[&str]) -> Self {
        let proxy = Proxy::start(cluster);
        let mut arguments = SHARE.to_vec();
        arguments.extend(more);
        let agent = AgentProcess::start_as(name, world, &proxy.kubeconfig(), &arguments);
        Node { proxy, agent }
    }
}

#[test]
fn an_agent_that_was_stopped_beyond_its_lease_writes_nothing_any_more() {
    on_each(|cluster| {
        let world = world(cluster, "stopped");
        let first = Node::start("a", &world, cluster, &[]);
        let second = Node::start("b", &world, cluster, &[]);
        wait_until("two agents share them", || {
            is_shared_by(&[&first.agent, &second.agent])
        });
        let of_first = applications(&first.agent);
        let commit = commit_all(&world, "two");
        wait_until("a sync is under way", || {
            (0..N).any(|n| value_of(&world, &format!("a{n}-c0")).as_deref() == Some("two"))
        });
        first.agent.signal("STOP");
        let stopped = Instant::now();
        wait_until("the other one has all", || is_shared_by(&[&second.agent]));
        let took = stopped.elapsed();
        println!("taken over after {took:?}");
        assert!(took < LEASE + SLACK, "{took:?}");
        wait_all_synced(&world, &commit);

        // With the other one stopped as well, every write is the first one's.
        second.agent.signal("STOP");
        for name in &of_first {
            let object = config_of(name, 1);
            world.edit("v1", "ConfigMap", &object, "data: {a: drifted}");
        }
        first.proxy.passed();
        // It cannot even hear that it lost: the clock alone holds it back.
        first.proxy.harm(Harm::Hang, usize::MAX, is_lease);
        first.agent.signal("CONT");
        holds_for("no write", LEASE, || {
            first.proxy.n_writes() == first.proxy.writes_where(is_lease)
        });
        let log = std::fs::read_to_string(world.folder().join("stderra")).expect("it has a log");
        let refused = log.matches("does not hold its Lease").count();
        assert!(refused > 0, "nothing was held back: {log}");
        first.proxy.mend();
        let Node { proxy, mut agent } = first;
        assert_eq!(agent.wait(), Some(1));
        let passed = proxy.passed();
        let mut writes = passed.iter().filter(|one| one.is_write());
        assert!(writes.all(is_lease), "{passed:?}");
        second.agent.signal("CONT");
        for name in &of_first {
            let object = config_of(name, 1);
            wait_until("healed by the other one", || {
                value_of(&world, &object).as_deref() == Some("two")
            });
        }
    });
}

/// A write that takes long when another agent comes, and then a third one.
#[test]
fn nothing_is_given_up_before_its_last_write_is_over_whoever_comes_next() {
    on_each(|cluster| {
        let world = world(cluster, "slow-write");
        // A write may take nearly as long.
        let long: Vec<&str> = SHARE
            .iter()
            .map(|word| if *word == "4s" { "60s" } else { word })
            .collect();
        let proxy = Proxy::start(cluster);
        let agent = AgentProcess::start_as("a", &world, &proxy.kubeconfig(), &long);
        let first = Node { proxy, agent };
        let start = |name: &str| AgentProcess::start_as(name, &world, cluster, &long);
        wait_until("it has all", || is_shared_by(&[&first.agent]));
        let own = holder(&leases(&world)[0]);
        let commit = commit_all(&world, "two");
        wait_all_synced(&world, &commit);

        let app = name_of(&world, 0);
        let is_slow = |passed: &Passed| passed.is_write() && passed.path.ends_with("/a0-c0");
        let n_before = first.proxy.writes_where(is_slow);
        first.proxy.harm(Harm::Hang, usize::MAX, is_slow);
        world.edit("v1", "ConfigMap", "a0-c0", "data: {a: drifted}");
        wait_until("it is being written to", || {
            first.proxy.writes_where(is_slow) > n_before
        });
        let acts_by = || {
            let leases = leases(&world);
            let lease = leases.iter().find(|lease| holder(lease) == own);
            let lease = lease.expect("it is there");
            lease.annotation(names::ACTS_BY).map(str::to_owned)
        };
        let before = acts_by();
        let are = |n: f64| first.agent.metrics()["drupelet_members"] == n;
        let key = format!("{}/{app}", world.control_namespace());
        // Until there is one to whom it goes.
        let _second = loop {
            let mut second = start("b");
            wait_until("there are two", || are(2.0));
            let members: Members = leases(&world).iter().map(holder).collect();
            if members.owner(&key) != Some(&own) {
                break second;
            }
            second.signal("TERM");
            assert_eq!(second.wait(), Some(0));
            wait_until("there is one, as before", || {
                are(1.0) && acts_by() == before
            });
        };
        let _third = start("c");
        wait_until("there are three", || are(3.0));
        holds_for("nothing is given up", LEASE, || acts_by() == before);
    });
}

/// Released, but not deleted: whoever held it was in a hurry.
#[test]
fn an_agent_at_rest_deletes_what_another_one_left() {
    on_each(|cluster| {
        let world = world(cluster, "left-over");
        let first = AgentProcess::start_as("a", &world, cluster, SHARE);
        wait_until("it has all", || is_shared_by(&[&first]));
        let lease_writes = || first.metrics()["drupelet_lease_writes_total"];
        let mut before = lease_writes();
        wait_until("it is at rest, its Lease has run out", || {
            std::thread::sleep(LEASE * 2);
            lease_writes() == std::mem::replace(&mut before, lease_writes())
        });
        world.apply_text(&format!(
            "apiVersion: coordination.k8s.io/v1\nkind: Lease\nmetadata:\n  name: drupelet-left-over\n  namespace: {}\n  labels: {{{}: drupelet}}\nspec: {{holderIdentity: '', leaseDurationSeconds: 1}}\n",
            world.control_namespace(),
            names::AGENTS,
        ));
        wait_until("it is deleted", || leases(&world).len() == 1);
        assert!(lease_writes() > before);
    });
}

#[test]
fn applications_of_several_agents_wait_for_each_other_and_hear_of_webhooks() {
    on_each(|cluster| {
        let world = World::new(cluster, "across");
        let first = Node::start("a", &world, cluster, &[]);
        let second = Node::start("b", &world, cluster, &[]);
        wait_until("both know of each other", || {
            leases(&world).len() == 2
                && [&first, &second]
                    .iter()
                    .all(|node| node.agent.metrics()["drupelet_members"] == 2.0)
        });
        // One application of each agent.
        let holders: Members = leases(&world).iter().map(holder).collect();
        let owner = |name: &String| {
            let key = format!("{}/{name}", world.control_namespace());
            holders.owner(&key).expect("there are two").to_owned()
        };
        let base = format!("{}-base", world.name);
        let names = (0..100).map(|n| format!("{}-top-{n}", world.name));
        let top = names.into_iter().find(|name| owner(name) != owner(&base));
        let top = top.expect("one of a hundred is the other one's");
        let broken = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: base}\ndata: {a: [no]}\n";
        let config = |name: &str, value: &str| {
            format!(
                "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{a: {value}}}\n"
            )
        };
        world.commit(&[
            ("base/all.yaml", broken),
            ("top/all.yaml", &config("top", "one")),
        ]);
        world.create_app_at(&base, "base", POLICY);
        world.create_app_at(&top, "top", "");
        world.patch_app(
            &top,
            &format!(
                "metadata: {{annotations: {{drupelet.io/depends-on: {base}}}}}\n\
                 spec: {{syncPolicy: {{automated: {{prune: true, selfHeal: true}}}}}}"
            ),
        );
        world.wait_app(&top, "held back", |app| {
            let mut conditions = app.status.conditions.iter();
            conditions.any(|one| one.kind == "DependencyWarning" && one.message.contains("-base ("))
        });
        assert_eq!(value_of(&world, "top"), None);
        let commit = world.commit(&[
            ("base/all.yaml", &config("base", "one")),
            ("top/all.yaml", &config("top", "two")),
        ]);
        for name in [&base, &top] {
            world.wait_app(name, "Synced at the commit", |app| {
                app.status.sync.status == SyncCode::Synced && app.status.sync.revision == commit
            });
        }
        let synced_at = |name: &str| {
            let history = world.app_named(name).status.history;
            history.last().expect("it was synced").deployed_at.clone()
        };
        assert!(synced_at(&base) <= synced_at(&top));
        let (of_first, of_second) = (applications(&first.agent), applications(&second.agent));
        assert_eq!((of_first.len(), of_second.len()), (1, 1));

        // A webhook reaches one agent, and concerns both.
        let (told, other) = (&first, of_second.first().expect("it has one"));
        told.proxy.passed();
        let body = format!(
            r#"{{"ref":"refs/heads/main","repository":{{"html_url":"{0}","clone_url":"{0}","default_branch":"main"}}}}"#,
            world.url()
        );
        let answer = ureq::post(format!("http://{}/api/webhook", told.agent.address()))
            .header("x-github-event", "push")
            .send(body.as_bytes());
        assert_eq!(answer.expect("it is taken").status(), 200);
        wait_until("the other agent's application is to be refreshed", || {
            told.proxy
                .writes_where(|one| one.path.ends_with(&format!("/applications/{other}")))
                > 0
        });
        world.wait_app(other, "refreshed", |app| app.wanted_refresh().is_none());
    });
}

#[test]
fn agents_that_share_and_one_that_leads_wait_for_each_other() {
    on_each(|cluster| {
        let world = world(cluster, "modes");
        let leads = |agent: &AgentProcess| agent.metrics()["drupelet_leader"] == 1.0;
        let elect = [&SHARE[..3], &["--leader-elect", "--lease-duration", "4s"]].concat();
        let elect = |name: &str| AgentProcess::start_as(name, &world, cluster, &elect);
        let mut leader = elect("leader");
        wait_until("it leads", || leads(&leader));
        let node = Node::start("a", &world, cluster, &[]);
        wait_until("it stands by", || node.agent.get("/readyz") == "ok");
        holds_for("nothing is written", LEASE * 2, || {
            node.proxy.n_writes() == node.proxy.writes_where(is_lease) && leads(&leader)
        });
        assert!(applications(&node.agent).is_empty());
        leader.signal("TERM");
        assert_eq!(leader.wait(), Some(0));
        wait_until("it shares them with nobody", || {
            is_shared_by(&[&node.agent])
        });
        let commit = commit_all(&world, "two");
        wait_all_synced(&world, &commit);

        // It is alone, and gives signs of life only where somebody asks.
        let leader = elect("leader");
        holds_for("it does not lead", LEASE * 4, || !leads(&leader));
        assert!(is_shared_by(&[&node.agent]));
        let Node { agent, .. } = node;
        agent.kill();
        let died = Instant::now();
        wait_until("it leads", || leads(&leader));
        let took = died.elapsed();
        println!("led after {took:?}");
        assert!(took < LEASE * 2 + SLACK, "{took:?}");
        let commit = commit_all(&world, "three");
        wait_all_synced(&world, &commit);
    });
}

/// Agents that are users of their own to the API server, whose log tells them
/// apart.
struct Audit {
    server: ApiServer,
    world: World,
}

impl Audit {
    fn start(&self, user: &str) -> AgentProcess {
        let kubeconfig = self.server.kubeconfig_of(user);
        AgentProcess::start_as(user, &self.world, &kubeconfig, SHARE)
    }

    /// What each application's objects, and itself, were written by the agents.
    fn writes(&self) -> BTreeMap<usize, Vec<Audited>> {
        let mut all: BTreeMap<usize, Vec<Audited>> = BTreeMap::new();
        for one in self.server.audited() {
            let name = one.object.rsplit('/').next().unwrap_or_default();
            let mut parts = name.split('-');
            let number = parts.find_map(|part| part.strip_prefix('a')?.parse().ok());
            if let Some(number) = number
                && AGENTS.contains(&one.user.as_str())
            {
                all.entry(number).or_default().push(one);
            }
        }
        all
    }

    /// One agent after the other: of two agents' writes for one application none
    /// overlap, and each has it for one time after another.
    #[track_caller]
    fn assert_one_after_the_other(&self, most_turns: usize) {
        let all = self.writes();
        let mut n_handed_over = 0;
        for (number, mut writes) in all {
            writes.sort_by_key(|one| one.began);
            let mut turns = 1;
            let mut last_end = 0;
            for pair in writes.windows(2) {
                last_end = last_end.max(pair[0].ended);
                if pair[0].user != pair[1].user {
                    turns += 1;
                    assert!(last_end < pair[1].began, "a{number}: {pair:?}");
                }
            }
            assert!(turns <= most_turns, "a{number}: {turns} turns: {writes:#?}");
            n_handed_over += usize::from(turns > 1);
        }
        println!("{n_handed_over} of {N} applications were written by several agents");
        assert!(n_handed_over > N / 2);
    }
}

#[test]
fn the_audit_log_shows_no_application_written_by_two_while_agents_come_and_go() {
    let options = Options {
        audit: true,
        ..Options::default()
    };
    let Some(server) = ApiServer::start(options) else {
        return;
    };
    let world = world(&server.kubeconfig(), "audited");
    let audit = Audit { server, world };
    let world = &audit.world;
    let [a, b, c] = AGENTS;
    let mut n_commits = 0;
    let mut commit_for = |duration: Duration| {
        let begin = Instant::now();
        while begin.elapsed() < duration {
            n_commits += 1;
            commit_all(world, &format!("v{n_commits}"));
            std::thread::sleep(Duration::from_millis(600));
        }
    };
    let a_while = Duration::from_secs(3);
    let mut first = audit.start(a);
    commit_for(a_while);
    let second = audit.start(b);
    commit_for(a_while);
    let mut third = audit.start(c);
    commit_for(a_while);
    second.kill();
    commit_for(LEASE + a_while);
    let second = audit.start(b);
    commit_for(a_while);
    third.signal("STOP");
    commit_for(LEASE + a_while);
    third.signal("CONT");
    commit_for(a_while);
    assert_eq!(third.wait(), Some(1));
    first.signal("TERM");
    commit_for(a_while);
    assert_eq!(first.wait(), Some(0));
    let (first, third) = (audit.start(a), audit.start(c));
    commit_for(a_while);
    let commit = commit_all(world, "last");
    wait_until("three agents share them", || {
        is_shared_by(&[&first, &second, &third])
    });
    wait_all_synced(world, &commit);
    println!("{n_commits} commits");
    for n in 0..N {
        let name = format!("a{n}-c{}", CONFIGS - 1);
        assert_eq!(value_of(world, &name).as_deref(), Some("last"));
    }
    // Eight times agents came or went.
    audit.assert_one_after_the_other(9);
}
