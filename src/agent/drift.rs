//! Live objects that move: whom it concerns, and whether it is drift.

use super::controller::{Controller, FOLD, Timer};
use super::destination::ClusterId;
use super::live::Moved;
use super::message::AppId;
use crate::app::SyncCode;
use crate::object::ResourceKey;

impl Controller {
    /// A live object that carries our label moved.
    pub(super) fn live_moved(&mut self, cluster: &ClusterId, key: &ResourceKey, moved: &Moved) {
        let live = self
            .destination_at(cluster)
            .and_then(|destination| destination.live.get(key));
        let config = self.config.clone();
        let tracking = &config.tracking;
        let ids: Vec<AppId> = self
            .apps
            .iter()
            .filter(|(_, app)| moved.instances.contains(tracking.name_of(&app.instance)))
            .filter(|(_, app)| self.cluster_of(app).as_ref() == Ok(cluster))
            .map(|(id, _)| id.clone())
            .collect();
        for id in ids {
            let Some(app) = self.apps.get_mut(&id) else {
                continue;
            };
            if let Some(operation) = &app.operation {
                let number = operation.number;
                if !operation.observed.is_empty() {
                    self.observe(&id, number, Some(key));
                }
            }
            if moved.health {
                self.report_soon(&id);
            }
            let app = match self.apps.get_mut(&id) {
                Some(app) => app,
                None => continue,
            };
            let Some(compared) = &app.compared else {
                continue;
            };
            let drifted = match (compared.item(key), &live) {
                (Some(item), _) if item.is_hook => false,
                (Some(item), Some(_)) if item.code != SyncCode::Synced => moved.content,
                (Some(item), Some(live)) => {
                    let is_ours = live.instance == tracking.name_of(&app.instance);
                    moved.fields && (item.expected != live.owned || !is_ours)
                }
                (Some(_), None) => moved.fields,
                // An extra appeared or went.
                (None, _) => moved.fields,
            };
            if !drifted {
                continue;
            }
            if app.operation.is_some() {
                app.compare_when_idle = true;
                continue;
            }
            app.wants.compare = true;
            self.after(FOLD, Timer::Compare(id));
        }
    }
}
