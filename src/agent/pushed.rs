//! New commits that a webhook tells of: which applications they concern.

use super::controller::Controller;
use super::message::AppId;
use crate::app::{Application, Source};
use crate::git::RepositoryUrl;
use crate::object::names;
use crate::value::glob::Glob;
use std::collections::BTreeSet;

/// What a forge says of a push.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Push {
    /// The repository, in each of the forms that it is told in.
    pub urls: Vec<String>,
    /// `refs/heads/main`, `refs/tags/v1`.
    pub reference: String,
    /// Whether HEAD moved along; `None` where that is not told.
    pub is_head: Option<bool>,
    /// The files of all its commits; `None` where they are not told.
    pub paths: Option<BTreeSet<String>>,
}

impl Push {
    /// Whether a revision may mean another commit now.
    fn moves(&self, revision: &str) -> bool {
        let (branch, tag) = (
            self.reference.strip_prefix("refs/heads/"),
            self.reference.strip_prefix("refs/tags/"),
        );
        match revision {
            "" | "HEAD" => branch.is_some() && self.is_head.unwrap_or(true),
            _ if revision == self.reference => true,
            _ if Some(revision) == branch || Some(revision) == tag => true,
            // Whether a range of versions takes the tag is for git to say.
            _ => tag.is_some() && is_range(revision),
        }
    }

    /// The sources of an application that mean another commit now.
    pub(super) fn moved_sources<'a>(&self, app: &'a Application) -> Vec<&'a Source> {
        let urls = self.urls.iter();
        let urls: Vec<RepositoryUrl> = urls
            .filter_map(|url| RepositoryUrl::parse(url).ok())
            .collect();
        let mut sources = app.spec.sources();
        sources.retain(|source| {
            source.chart.is_empty()
                && self.moves(&source.target_revision)
                && RepositoryUrl::parse(&source.repo_url)
                    .is_ok_and(|own| urls.iter().any(|url| own.is_place_of(url)))
        });
        sources
    }

    /// Whether an application has to be looked at again.
    pub(super) fn concerns(&self, app: &Application) -> bool {
        self.touches_one_of(app, &self.moved_sources(app))
    }

    fn touches_one_of(&self, app: &Application, moved: &[&Source]) -> bool {
        let annotation = app.annotations.get(names::MANIFEST_GENERATE_PATHS);
        let mut sources = moved.iter();
        sources.any(|source| annotation.is_none_or(|text| self.touches(text, source)))
    }

    /// Whether it touches what an annotation says that manifests are made of.
    fn touches(&self, annotation: &str, source: &Source) -> bool {
        let Some(paths) = &self.paths else {
            return true;
        };
        let mut wanted = annotation
            .split(';')
            .map(str::trim)
            .filter(|p| !p.is_empty());
        wanted.any(|wanted| {
            let wanted = match wanted.strip_prefix('/') {
                Some(absolute) => cleaned(absolute),
                None => cleaned(&format!("{}/{wanted}", source.path)),
            };
            let glob = Glob::gobwas(&wanted, &['/']).ok();
            paths.iter().any(|path| {
                let below = path.strip_prefix(wanted.as_str());
                wanted.is_empty()
                    || below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
                    || glob.as_ref().is_some_and(|glob| glob.matches(path))
            })
        })
    }
}

fn is_range(revision: &str) -> bool {
    revision.contains(['*', '^', '~', '<', '>', '=', '|', ' '])
        || revision.split('.').any(|part| matches!(part, "x" | "X"))
}

/// A path without `.` and `..`, from the repository's root.
fn cleaned(path: &str) -> String {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

impl Controller {
    pub(super) fn pushed(&mut self, push: &Push) {
        let mut concerned: Vec<AppId> = Vec::new();
        for (id, app) in &self.apps {
            let moved = push.moved_sources(&app.app);
            for source in &moved {
                self.sources.forget_answers(&source.repo_url);
            }
            if push.touches_one_of(&app.app, &moved) {
                concerned.push(id.clone());
            }
        }
        self.tell_others_of(push);
        tracing::info!(
            reference = push.reference,
            applications = concerned.len(),
            "webhook: {}",
            push.urls.first().map_or("", String::as_str)
        );
        for id in concerned {
            if let Some(app) = self.apps.get_mut(&id) {
                app.wants.resolve = true;
                app.wants.compare = true;
                app.retry_at = None;
            }
            self.pump(&id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(reference: &str, is_head: Option<bool>, paths: &[&str]) -> Push {
        let paths = paths.iter().map(|path| (*path).to_owned());
        Push {
            reference: reference.to_owned(),
            is_head,
            paths: Some(paths.collect()),
            ..Push::default()
        }
    }

    #[test]
    fn a_revision_is_moved_by_its_branch_its_tag_or_a_tag_in_its_range() {
        let branch = push("refs/heads/main", Some(true), &[]);
        for revision in ["", "HEAD", "main", "refs/heads/main"] {
            assert!(branch.moves(revision), "{revision:?}");
        }
        for revision in ["next", "refs/tags/main", "1.*", "v1"] {
            assert!(!branch.moves(revision), "{revision:?}");
        }
        let other = push("refs/heads/next", Some(false), &[]);
        assert!(!other.moves("HEAD") && other.moves("next"));
        assert!(push("refs/heads/next", None, &[]).moves("HEAD"));
        let tag = push("refs/tags/v1.2.3", None, &[]);
        for revision in [
            "v1.2.3",
            "refs/tags/v1.2.3",
            "1.*",
            "^1.2",
            ">=1.0 <2",
            "1.x",
        ] {
            assert!(tag.moves(revision), "{revision:?}");
        }
        for revision in ["", "HEAD", "main", "v1.2.4"] {
            assert!(!tag.moves(revision), "{revision:?}");
        }
    }

    #[test]
    fn paths_are_those_of_the_source_unless_they_begin_at_the_root() {
        let source = Source {
            path: "apps/web".to_owned(),
            ..Source::default()
        };
        let touched = push(
            "refs/heads/main",
            None,
            &["apps/web/a.yaml", "shared/b-secret.yaml"],
        );
        for annotation in [
            ".",
            "./",
            "a.yaml",
            "/apps",
            "/apps/web",
            "../web",
            ";x;.",
            "/shared/*-secret.yaml",
            "/",
        ] {
            assert!(touched.touches(annotation, &source), "{annotation}");
        }
        for annotation in [
            "b",
            "/app",
            "/apps/we",
            "../db",
            "/shared/*-config.yaml",
            "",
        ] {
            assert!(!touched.touches(annotation, &source), "{annotation}");
        }
        let unknown = Push {
            paths: None,
            ..touched
        };
        assert!(unknown.touches("b", &source));
    }
}
