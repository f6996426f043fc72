//! A repository as it is shown: a row, or the fields that `argocd repo -o
//! json` has.

use crate::agent::{Connection, Registered, Seed, Sources};
use crate::cli::app::Place;
use crate::cli::maps::Maps;
use crate::git::Locator;
use crate::kube::Client;
use crate::value::{Map, Value};
use std::sync::Mutex;
use std::thread;

/// Repositories that are asked at a time.
const AT_A_TIME: usize = 8;

/// The repositories of a control namespace, ready to be asked.
pub fn sources(client: &Client, place: &Place, maps: &Maps) -> anyhow::Result<Sources> {
    // Nothing is rendered.
    let sources = maps.sources(Locator::default(), Seed([0; 32]))?;
    sources.learn(client, &place.namespace)?;
    Ok(sources)
}

/// Asks each of them whether it can be reached.
pub fn connections(sources: &Sources, views: &[Registered]) -> Vec<Option<Connection>> {
    let left = Mutex::new((0..views.len()).collect::<Vec<_>>());
    let answers = Mutex::new(vec![None; views.len()]);
    thread::scope(|scope| {
        for _ in 0..AT_A_TIME.min(views.len()) {
            scope.spawn(|| {
                loop {
                    let next = left.lock().expect("no holder panics").pop();
                    let Some(index) = next else {
                        return;
                    };
                    let answer = connection(sources, &views[index]);
                    answers.lock().expect("no holder panics")[index] = answer;
                }
            });
        }
    });
    answers.into_inner().expect("no holder panics")
}

/// `None` for a template: it is no repository.
pub fn connection(sources: &Sources, view: &Registered) -> Option<Connection> {
    if view.is_template {
        return None;
    }
    Some(match &view.fault {
        Some(fault) => Connection::Fails(fault.clone()),
        None => sources.connection(&view.kind, &view.url, &view.project),
    })
}

/// In Argo CD's words.
pub fn status(connection: Option<&Connection>) -> (&'static str, &str) {
    match connection {
        Some(Connection::Works) => ("Successful", ""),
        Some(Connection::Fails(why)) => ("Failed", why),
        Some(Connection::Untold(why)) => ("Unknown", why),
        None => ("", ""),
    }
}

pub fn credentials(view: &Registered) -> &'static str {
    match (view.has_credentials, view.inherits) {
        (_, true) => "inherited",
        (true, false) => "true",
        (false, false) => "false",
    }
}

/// Without any secret.
pub fn value(view: &Registered, connection: Option<&Connection>) -> Value {
    let mut map = Map::from_iter([(
        if view.is_template { "url" } else { "repo" },
        view.url.as_str(),
    )]);
    for (key, text) in [
        ("name", &view.name),
        ("type", &view.kind),
        ("project", &view.project),
        ("proxy", &view.proxy),
        ("username", &view.username),
        ("origin", &view.origin),
    ] {
        if !text.is_empty() {
            map.insert(key, text.as_str());
        }
    }
    for (key, flag) in [
        ("insecure", view.insecure),
        ("enableOCI", view.enable_oci),
        ("enableLfs", view.enable_lfs),
        ("inheritedCreds", view.inherits),
        ("hasCredentials", view.has_credentials),
    ] {
        if flag {
            map.insert(key, true);
        }
    }
    if connection.is_some() {
        let (status, message) = status(connection);
        map.insert(
            "connectionState",
            Map::from_iter([("status", status), ("message", message)]),
        );
    }
    Value::Map(map)
}
