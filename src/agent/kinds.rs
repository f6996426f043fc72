//! The kinds that the API server serves: what happens when a CRD comes, goes
//! or is established, and when a list of a kind has ended.

use super::controller::{Controller, Timer};
use super::destination::ClusterId;
use super::message::{AppId, Message};
use crate::kube::Discovery;
use std::sync::Arc;
use std::time::Duration;

/// A changed CRD asks for discovery, folded for so long.
const DISCOVERY_FOLD: Duration = Duration::from_millis(150);

impl Controller {
    /// A kind whose list had failed may be known now.
    pub(super) fn kind_listed(&mut self) {
        let ids: Vec<AppId> = self
            .apps
            .iter()
            .filter(|(_, app)| {
                let live = self.destination(app).map(|destination| &destination.live);
                app.compared.as_ref().is_some_and(|compared| {
                    let mut unlisted = compared.unlisted.iter();
                    unlisted.any(|kind| live.is_some_and(|live| live.is_listed(kind)))
                })
            })
            .map(|(id, _)| id.clone())
            .collect();
        for id in ids {
            self.want_compare(&id);
        }
    }

    pub(super) fn kinds_changed(&mut self, cluster: &ClusterId) {
        let Some(destination) = self.destination_at_mut(cluster) else {
            return;
        };
        if destination.discovering {
            destination.rediscover = true;
            return;
        }
        destination.discovering = true;
        self.after(DISCOVERY_FOLD, Timer::Discover(cluster.clone()));
    }

    pub(super) fn discover(&mut self, cluster: &ClusterId) {
        let Some(destination) = self.destination_at_mut(cluster) else {
            return;
        };
        // What changed until now is in the answer.
        destination.rediscover = false;
        let client = destination.client.clone();
        let last = destination.discovery.clone();
        let (results, cluster) = (self.results.clone(), cluster.clone());
        self.fetch_pool.run_with(cluster.to_string(), move || {
            let found = client
                .discover(Some(&last))
                .map_err(|error| error.to_string());
            // The controller may have stopped: nobody waits then.
            let _ = results.send(Message::Discovered(cluster, found));
        });
    }

    pub(super) fn discovered(
        &mut self,
        cluster: &ClusterId,
        result: Result<Arc<Discovery>, String>,
    ) {
        let pause = self.settings.retry_first;
        let Some(destination) = self.destination_at_mut(cluster) else {
            return;
        };
        destination.discovering = false;
        match result {
            Ok(discovery) => {
                let changed = *discovery != *destination.discovery;
                destination.discovery = discovery;
                let again = std::mem::take(&mut destination.rediscover);
                if changed {
                    self.kinds_are_different();
                }
                if again {
                    self.kinds_changed(cluster);
                }
            }
            Err(error) => {
                tracing::warn!(%cluster, error, "discovery failed, tried again soon");
                destination.rediscover = false;
                destination.discovering = true;
                self.after(pause, Timer::Discover(cluster.clone()));
            }
        }
    }

    /// Applications that lacked a kind are tried again at once.
    pub(super) fn kinds_are_different(&mut self) {
        let served: Vec<AppId> = self
            .apps
            .iter()
            .filter(|(_, app)| {
                let discovery = self.destination(app).map(|it| &it.discovery);
                app.compared.as_ref().is_some_and(|compared| {
                    compared.unserved.iter().any(|unserved| {
                        discovery.is_some_and(|known| known.resource(&unserved.gvk).is_some())
                    })
                })
            })
            .map(|(id, _)| id.clone())
            .collect();
        for id in served {
            let Some(app) = self.apps.get_mut(&id) else {
                continue;
            };
            app.auto.attempted = None;
            app.wants.compare = true;
            let retry = app
                .operation
                .as_ref()
                .filter(|operation| operation.is_waiting_for_retry())
                .map(|operation| operation.number);
            match retry {
                Some(number) => self.retry_operation(&id, number),
                None => self.pump(&id),
            }
        }
    }
}
