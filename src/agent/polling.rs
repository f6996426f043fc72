//! Polls of repositories: each is asked once for all applications that use it.

use super::controller::{Controller, Timer};
use super::message::{AppId, Message};
use super::sources::Tracked;
use std::collections::BTreeSet;

impl Controller {
    /// Every repository in use is polled, once for all its applications.
    pub(super) fn schedule_polls(&mut self, id: &AppId) {
        let Some(app) = self.apps.get(id) else {
            return;
        };
        let urls: Vec<String> = app
            .app
            .spec
            .sources()
            .iter()
            .filter(|source| source.chart.is_empty())
            .map(|source| source.repo_url.clone())
            .collect();
        for url in urls {
            if self.polled.insert(url.clone()) {
                self.schedule_poll(url);
            }
        }
    }

    pub(super) fn schedule_poll(&mut self, url: String) {
        let pause = if self.sources.is_local(&url) {
            self.settings.local_poll_interval
        } else {
            let config = self.config.clone();
            let interval = config.poll_interval.unwrap_or(self.settings.poll_interval);
            if interval.is_zero() {
                // Switched off: webhooks and refreshes are left.
                return;
            }
            let jitter = config.poll_jitter.unwrap_or(self.settings.poll_jitter);
            interval + self.jitter.below(jitter)
        };
        self.after(pause, Timer::Poll(url, self.poll_round));
    }

    pub(super) fn poll(&mut self, url: String) {
        let mut tracked = BTreeSet::new();
        for app in self.apps.values() {
            for source in app.app.spec.sources() {
                if source.repo_url == url && source.chart.is_empty() {
                    tracked.insert(Tracked::of(source, app.app.spec.project()));
                }
            }
        }
        if tracked.is_empty() {
            self.polled.remove(&url);
            return;
        }
        self.metrics.polls.add_one();
        let tracked: Vec<Tracked> = tracked.into_iter().collect();
        let (sources, results) = (self.sources.clone(), self.results.clone());
        self.fetch_pool.run_with(sources.server_of(&url), move || {
            let answers = sources.poll(&url, tracked);
            // The controller may have stopped: nobody waits then.
            let _ = results.send(Message::Polled(url, answers));
        });
    }

    pub(super) fn polled(&mut self, url: &str, answers: &[(Tracked, Option<String>)]) {
        self.schedule_poll(url.to_owned());
        let mut moved = Vec::new();
        for (id, app) in &self.apps {
            let sources = app.app.spec.sources();
            let is_behind = sources.iter().enumerate().any(|(index, source)| {
                source.repo_url == url
                    && source.chart.is_empty()
                    && answers.iter().any(|(tracked, commit)| {
                        let failed = app.source_error.is_some();
                        let is_at = app.resolved.get(index).map(|r| &r.revision);
                        *tracked == Tracked::of(source, app.app.spec.project())
                            && match commit {
                                // What kept the sources away may be over.
                                Some(commit) => failed || is_at != Some(commit),
                                // Told once; the last snapshot stands.
                                None => !failed,
                            }
                    })
            });
            if is_behind {
                moved.push(id.clone());
            }
        }
        for id in moved {
            if let Some(app) = self.apps.get_mut(&id) {
                app.wants.resolve = true;
                app.wants.compare = true;
            }
            self.pump(&id);
        }
    }
}
