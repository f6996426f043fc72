//! The client behind a proxy that counts and does harm, in front of each API server.

use crate::clusters::{config_map, namespace};
use crate::support::cluster::{Cluster, on_each};
use crate::support::proxy::{Harm, Hold, Passed, Proxy};
use drupelet::http::ProxyChoice;
use drupelet::kube::watch::{Event, Watched, Watcher};
use drupelet::kube::{ApplyOptions, Client, Config, Conflict, Error, Resource};
use drupelet::object::Gvk;
use std::sync::Arc;
use std::time::Duration;

struct Behind {
    proxy: Proxy,
    client: Client,
    kind: Arc<Resource>,
    namespace: &'static str,
}

fn behind(cluster: &Cluster, name: &'static str) -> Behind {
    let proxy = Proxy::start(&cluster.kubeconfig);
    let config = Config::from_files(&[proxy.kubeconfig()], None, ProxyChoice::Direct)
        .expect("the proxy's kubeconfig");
    let client = Client::new(config).expect("the proxy's kubeconfig");
    namespace(&client, name);
    let discovery = client.discover(None).expect("answers");
    let kind = discovery.resource(&Gvk::new("", "v1", "ConfigMap"));
    let kind = Arc::clone(kind.expect("served"));
    proxy.passed();
    Behind {
        proxy,
        client,
        kind,
        namespace: name,
    }
}

impl Behind {
    fn apply(&self, name: &str) -> Result<(), Error> {
        let object = config_map(self.namespace, name, "{}");
        let ours = ApplyOptions::by("test");
        self.client.apply(&self.kind, &object, &ours).map(|_| ())
    }

    fn exists(&self, name: &str) -> bool {
        let found = self.client.find(&self.kind, self.namespace, name);
        found.expect("answers").is_some()
    }

    /// The answers that one apply met, until the client was content or gave up.
    fn statuses(&self, harm: Harm, times: usize) -> (Vec<u16>, Result<(), Error>) {
        self.proxy
            .harm(harm, times, |passed| passed.verb == "apply");
        let result = self.apply("x");
        self.proxy.mend();
        let statuses = self.proxy.passed().iter().map(|p| p.status).collect();
        (statuses, result)
    }
}

#[test]
fn writes_are_counted_by_verb() {
    on_each(|cluster| writes_are_counted_by_verb_on(&behind(cluster, "counted")));
}

fn writes_are_counted_by_verb_on(behind: &Behind) {
    behind.apply("x").expect("applies");
    assert!(behind.exists("x"));
    let dry = ApplyOptions {
        dry_run: true,
        ..ApplyOptions::by("test")
    };
    let object = config_map("counted", "y", "{}");
    behind
        .client
        .apply(&behind.kind, &object, &dry)
        .expect("would apply");
    assert_eq!(
        behind.proxy.writes().into_iter().collect::<Vec<_>>(),
        [("apply", 1)]
    );
    let verbs: Vec<_> = behind.proxy.passed().iter().map(|p| p.verb).collect();
    assert_eq!(verbs, ["apply", "get", "apply"]);
    assert_eq!(behind.proxy.n_writes(), 0, "they were taken");
}

#[test]
fn harm_is_met_by_another_attempt_or_told() {
    on_each(|cluster| harm_is_met_by_another_attempt_or_told_on(&behind(cluster, "harm")));
}

fn harm_is_met_by_another_attempt_or_told_on(behind: &Behind) {
    let (statuses, result) = behind.statuses(Harm::ServerError, 2);
    assert_eq!((statuses, result.is_ok()), (vec![500, 500, 201], true));
    let (statuses, result) = behind.statuses(Harm::TooManyRequests(1), 1);
    assert_eq!((statuses, result.is_ok()), (vec![429, 200], true));
    let (statuses, result) = behind.statuses(Harm::BadPage, 1);
    assert_eq!((statuses, result.is_ok()), (vec![503, 200], true));
    for drop in [Harm::DropBefore, Harm::DropAfter] {
        let (statuses, result) = behind.statuses(drop, 1);
        assert_eq!((statuses, result.is_ok()), (vec![0, 200], true));
    }
    let (statuses, result) = behind.statuses(Harm::VersionConflict, 1);
    assert_eq!((statuses, result.is_ok()), (vec![409, 200], true));
    let (statuses, result) = behind.statuses(Harm::VersionConflict, 9);
    assert_eq!(statuses, [409; 4]);
    let error = result.expect_err("conflicts");
    assert_eq!(error.conflict(), Some(Conflict::ResourceVersion));
    let (_, result) = behind.statuses(Harm::FieldConflict, 1);
    let error = result.expect_err("conflicts");
    assert!(matches!(error.conflict(), Some(Conflict::FieldManager(_))));
}

#[test]
fn stands_still_at_the_write_that_was_named() {
    on_each(|cluster| stands_still_at_the_write_that_was_named_on(&behind(cluster, "held")));
}

fn stands_still_at_the_write_that_was_named_on(behind: &Behind) {
    for (hold, prefix) in [(Hold::BeforeAnswer, "a"), (Hold::AfterAnswer, "b")] {
        behind.proxy.passed();
        behind.proxy.hold_at_write(2, hold);
        std::thread::scope(|scope| {
            let working = scope.spawn(|| {
                // As a killed client would: the first error is the end.
                (0..4)
                    .take_while(|n| behind.apply(&format!("{prefix}{n}")).is_ok())
                    .count()
            });
            assert!(behind.proxy.wait_until_held(Duration::from_secs(10)));
            std::thread::sleep(Duration::from_millis(50));
            assert_eq!(behind.proxy.n_writes(), 2, "and not one more");
            behind.proxy.release();
            assert_eq!(working.join().expect("no panic"), 4, "all, in the end");
        });
    }
}

#[test]
fn watches_that_are_cut_go_on() {
    on_each(|cluster| watches_that_are_cut_go_on_on(&behind(cluster, "cut")));
}

fn watches_that_are_cut_go_on_on(behind: &Behind) {
    let watched = Watched {
        namespace: "cut".to_owned(),
        ..Watched::all(Arc::clone(&behind.kind))
    };
    let (_watcher, mut receiver) =
        Watcher::start(behind.client.clone(), [watched]).expect("starts");
    let mut until = |name: &str| loop {
        match receiver.blocking_recv().expect("the watcher lives").1 {
            Event::Applied(object) if object.name() == name => break,
            Event::Failed(error) => panic!("{error}"),
            Event::Applied(_) | Event::Deleted(_) | Event::Restarted | Event::Current => {}
        }
    };
    behind.apply("one").expect("applies");
    until("one");
    while behind.proxy.cut_watches() == 0 {
        std::thread::sleep(Duration::from_millis(5));
    }
    behind.apply("two").expect("applies");
    until("two");
    let is_list = |passed: &Passed| passed.verb == "list";
    assert_eq!(
        behind.proxy.passed().iter().filter(|p| is_list(p)).count(),
        1
    );
}
