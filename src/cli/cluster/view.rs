//! A cluster as it is shown: never what logs in to it.

use super::CLUSTER;
use crate::agent::ClusterSecret;
use crate::app::Destination;
use crate::cli::app::Place;
use crate::cli::labelled;
use crate::kube::{self, Client};
use crate::object::Object;
use crate::value::{Map, Value};
use anyhow::bail;
use std::thread;

/// One cluster; the own one may have no Secret.
pub struct Known {
    pub server: String,
    pub name: String,
    pub project: String,
    pub secret: Option<Object>,
    config: Result<kube::Config, String>,
}

/// Its version, or why it is not reached.
pub type Reached = Result<String, String>;

impl Known {
    /// Those of the Secrets, and the own one first where none is about it.
    pub fn all(client: &Client, place: &Place) -> anyhow::Result<Vec<Self>> {
        let mut all: Vec<Known> = labelled::list(client, place, CLUSTER)?
            .into_iter()
            .filter_map(|secret| {
                let read = ClusterSecret::read(&secret)?;
                let config = match read.is_own() {
                    true => Ok(client.config().clone()),
                    false => read.config,
                };
                Some(Known {
                    server: read.server,
                    name: read.name,
                    project: read.project,
                    secret: Some(secret),
                    config,
                })
            })
            .collect();
        all.sort_by(|one, other| one.server.cmp(&other.server));
        if !all
            .iter()
            .any(|known| known.server == Destination::IN_CLUSTER_URL)
        {
            all.insert(
                0,
                Known {
                    server: Destination::IN_CLUSTER_URL.to_owned(),
                    name: "in-cluster".to_owned(),
                    project: String::new(),
                    secret: None,
                    config: Ok(client.config().clone()),
                },
            );
        }
        Ok(all)
    }

    /// By URL or by name.
    pub fn one(client: &Client, place: &Place, wanted: &str) -> anyhow::Result<Self> {
        let mut found: Vec<Known> = Self::all(client, place)?
            .into_iter()
            .filter(|known| known.server == wanted.trim_end_matches('/') || known.name == wanted)
            .collect();
        match found.len() {
            1 => Ok(found.remove(0)),
            0 => bail!(
                "no cluster {wanted} in namespace {}; see drupelet cluster list",
                place.namespace
            ),
            n => bail!("{n} clusters are called {wanted}: give the URL of one"),
        }
    }

    pub fn reach(&self) -> Reached {
        let config = self.config.clone()?;
        let client = Client::new(config).map_err(|error| error.to_string())?;
        match client.version() {
            Ok(version) => Ok(version.git_version),
            Err(error) => Err(error.to_string()),
        }
    }

    /// The fields that `argocd cluster -o json` has.
    pub fn value(&self, reached: &Reached) -> Value {
        let (version, status, message) = words(reached);
        let mut map = Map::from_iter([("server", self.server.as_str()), ("name", &self.name)]);
        for (key, text) in [
            ("project", self.project.as_str()),
            ("serverVersion", version),
        ] {
            if !text.is_empty() {
                map.insert(key, text);
            }
        }
        map.insert(
            "connectionState",
            Map::from_iter([("status", status), ("message", message)]),
        );
        Value::Map(map)
    }
}

/// Version, status and message, in Argo CD's words.
pub fn words(reached: &Reached) -> (&str, &'static str, &str) {
    match reached {
        Ok(version) => (version, "Successful", ""),
        Err(why) => ("", "Failed", why),
    }
}

/// Asks all of them at once.
pub fn reach_all(all: &[Known]) -> Vec<Reached> {
    thread::scope(|scope| {
        let asked: Vec<_> = all
            .iter()
            .map(|known| scope.spawn(|| known.reach()))
            .collect();
        let answers = asked.into_iter().map(|asked| {
            asked
                .join()
                .unwrap_or_else(|_| Err("the request panicked".to_owned()))
        });
        answers.collect()
    })
}
