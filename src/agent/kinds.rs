//! The kinds that the API server serves: what happens when a CRD comes, goes
//! or is established, and when a list of a kind has ended.

use super::controller::{Controller, Timer};
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
                app.compared.as_ref().is_some_and(|compared| {
                    let mut unlisted = compared.unlisted.iter();
                    unlisted.any(|kind| self.live.is_listed(kind))
                })
            })
            .map(|(id, _)| id.clone())
            .collect();
        for id in ids {
            self.want_compare(&id);
        }
    }

    pub(super) fn kinds_changed(&mut self) {
        if self.discovering {
            self.rediscover = true;
            return;
        }
        self.discovering = true;
        self.after(DISCOVERY_FOLD, Timer::Discover);
    }

    pub(super) fn discover(&mut self) {
        let client = self.client.clone();
        let last = self.discovery.clone();
        let results = self.results.clone();
        self.fetch_pool.run(move || {
            let found = client
                .discover(Some(&last))
                .map_err(|error| error.to_string());
            // The controller may have stopped: nobody waits then.
            let _ = results.send(Message::Discovered(found));
        });
    }

    pub(super) fn discovered(&mut self, result: Result<Arc<Discovery>, String>) {
        self.discovering = false;
        match result {
            Ok(discovery) => {
                let changed = *discovery != *self.discovery;
                self.discovery = discovery;
                if changed {
                    self.kinds_are_different();
                }
            }
            Err(error) => {
                tracing::warn!(error, "discovery failed, tried again soon");
                self.rediscover = false;
                self.discovering = true;
                self.after(self.settings.retry_first, Timer::Discover);
                return;
            }
        }
        if std::mem::take(&mut self.rediscover) {
            self.kinds_changed();
        }
    }

    /// Applications that lacked a kind are tried again at once.
    pub(super) fn kinds_are_different(&mut self) {
        let served: Vec<AppId> = self
            .apps
            .iter()
            .filter(|(_, app)| {
                app.compared.as_ref().is_some_and(|compared| {
                    compared
                        .unserved
                        .iter()
                        .any(|unserved| self.discovery.resource(&unserved.gvk).is_some())
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
