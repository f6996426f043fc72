use super::*;

fn members(names: &[&str]) -> Members {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn keys() -> impl Iterator<Item = String> {
    (0..3000).map(|n| format!("argocd/app-{n}"))
}

fn counts(members: &Members) -> Vec<usize> {
    let owned = |identity: &str| {
        keys()
            .filter(|key| members.owner(key) == Some(identity))
            .count()
    };
    members.iter().map(owned).collect()
}

#[test]
fn nobody_owns_anything_among_none() {
    assert_eq!(Members::default().owner("argocd/web"), None);
}

/// As `printf 'node-1\0argocd/web' | sha256sum` and the like order them: agents
/// of two versions run side by side while they are replaced.
#[test]
fn owners_are_those_that_every_version_finds() {
    let three = members(&["node-1_0a", "node-2_0b", "node-3_0c"]);
    let one_host = members(&["node-1_0a", "node-1_0b", "node-1_0c"]);
    for (key, of_three, of_one_host) in RECORDED {
        assert_eq!(three.owner(key), Some(*of_three), "{key}");
        assert_eq!(one_host.owner(key), Some(*of_one_host), "{key}");
    }
}

const RECORDED: &[(&str, &str, &str)] = &[
    ("argocd/web", "node-1_0a", "node-1_0b"),
    ("argocd/db", "node-2_0b", "node-1_0c"),
    ("argocd/ingress", "node-3_0c", "node-1_0b"),
    ("team-a/web", "node-3_0c", "node-1_0b"),
    ("argocd/monitoring", "node-3_0c", "node-1_0a"),
    ("argocd/metallb", "node-1_0a", "node-1_0a"),
];

#[test]
fn each_member_owns_about_as_much_as_another() {
    for names in [
        members(&["a_1", "b_2"]),
        members(&["a_1", "b_2", "c_3", "d_4", "e_5"]),
        // Two processes of one host share what is the host's.
        members(&["a_1", "a_2", "a_3"]),
    ] {
        let even = 3000 / names.len();
        for count in counts(&names) {
            assert!(count.abs_diff(even) < even / 6, "{names}: {count}");
        }
    }
}

#[test]
fn a_member_that_goes_moves_only_what_was_its_own() {
    let before = members(&["a_1", "b_2", "c_3", "d_4"]);
    let after = members(&["a_1", "b_2", "d_4"]);
    for key in keys() {
        let owner = before.owner(&key);
        match owner {
            Some("c_3") => assert_ne!(after.owner(&key), owner),
            _ => assert_eq!(after.owner(&key), owner, "{key}"),
        }
    }
}

#[test]
fn an_agent_that_is_started_anew_on_its_host_gets_back_what_it_had() {
    let before = members(&["a_1", "b_2", "c_3"]);
    let after = members(&["a_1", "b_99", "c_3"]);
    for key in keys() {
        let was_b = before.owner(&key) == Some("b_2");
        assert_eq!(after.owner(&key) == Some("b_99"), was_b, "{key}");
    }
}

#[test]
fn members_are_written_as_they_are_read() {
    let three = members(&["c_3", "a_1", "b_2"]);
    assert_eq!(three.to_string(), "a_1,b_2,c_3");
    assert_eq!(Members::parse("b_2,a_1,c_3"), three);
    assert_eq!(Members::parse(""), Members::default());
    assert_eq!(Members::default().to_string(), "");
}

/// The one that owns a key by what it acts by, and the one that will.
fn key_that_moves(before: &Members, after: &Members) -> (String, String, String) {
    let found = keys().find_map(|key| {
        let (was, is) = (
            before.owner(&key)?.to_owned(),
            after.owner(&key)?.to_owned(),
        );
        (was != is).then_some((key, was, is))
    });
    found.expect("one of them moves")
}

#[test]
fn what_somebody_else_claims_is_not_begun_with() {
    let (before, after) = (members(&["a_1"]), members(&["a_1", "b_2"]));
    let (key, was, is) = key_that_moves(&before, &after);
    assert_eq!((was.as_str(), is.as_str()), ("a_1", "b_2"));
    let share = |of_first: &Members| Share {
        own: "b_2".to_owned(),
        acts_by: after.clone(),
        others: vec![("a_1".to_owned(), of_first.clone())],
    };
    assert!(share(&before).owns(&key));
    assert!(!share(&before).may_begin(&key), "a_1 has not given it up");
    assert!(share(&after).may_begin(&key));
    assert!(
        share(&Members::default()).may_begin(&key),
        "a_1 claims nothing"
    );
    let others = keys().filter(|key| !share(&after).owns(key));
    for key in others {
        assert!(!share(&after).may_begin(&key), "{key} is not its own");
    }
}

/// Every order in which two agents, who know of different members, publish what
/// they act by and look at what the other one has published.
#[test]
fn two_agents_never_both_begin() {
    let all = members(&["a_1", "b_2", "c_3"]);
    let views = [
        members(&["a_1"]),
        members(&["b_2"]),
        members(&["a_1", "b_2"]),
        members(&["a_1", "c_3"]),
        members(&["b_2", "c_3"]),
        all,
    ];
    // Publish and look, of each: `0` and `1` are the first one's.
    let orders = [
        [0, 1, 2, 3],
        [0, 2, 1, 3],
        [0, 2, 3, 1],
        [2, 0, 1, 3],
        [2, 0, 3, 1],
        [2, 3, 0, 1],
    ];
    for (of_first, of_second) in views.iter().flat_map(|a| views.iter().map(move |b| (a, b))) {
        for key in keys().take(60) {
            for order in orders {
                let mut published = [Members::default(), Members::default()];
                let mut begun = [false; 2];
                for step in order {
                    let (me, names) = (step / 2, ["a_1", "b_2"]);
                    if step % 2 == 0 {
                        published[me] = [of_first, of_second][me].clone();
                        continue;
                    }
                    let share = Share {
                        own: names[me].to_owned(),
                        acts_by: published[me].clone(),
                        others: vec![(names[1 - me].to_owned(), published[1 - me].clone())],
                    };
                    begun[me] = share.may_begin(&key);
                }
                assert!(begun != [true, true], "{key}: {of_first} and {of_second}");
            }
        }
    }
}
