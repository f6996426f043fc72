//! Chart sources: pinned, pulled, judged by their provenance.
//!
//! Invariant: what is verified and what is rendered is the archive that the source
//! was pinned to.

use super::budget;
use super::sources::{Resolved, SourceError, Sources};
use crate::app::Source;
use crate::helm;
use crate::registry;

/// For whom charts are fetched.
#[derive(Clone, Copy)]
pub(super) struct Asker<'a> {
    pub project: &'a str,
    /// Credentials go along to where the repository's index points.
    pub pass_credentials: bool,
}

impl<'a> Asker<'a> {
    pub fn of(source: &Source, project: &'a str) -> Self {
        Asker {
            project,
            pass_credentials: source
                .helm
                .as_ref()
                .is_some_and(|helm| helm.pass_credentials),
        }
    }
}

impl Sources {
    /// Pins a chart and brings it into the cache.
    pub(super) fn resolve_chart(
        &self,
        source: &Source,
        revision: &str,
        project: &str,
    ) -> Result<Resolved, SourceError> {
        let repository = chart_repository(&source.repo_url);
        let asker = Asker::of(source, project);
        let pinned = self.within(&source.repo_url, budget::CHART, || {
            let (pinned, _) = self.pin(repository.clone(), &source.chart, revision, asker)?;
            Ok(pinned)
        })?;
        Ok(Resolved::of_chart(&source.repo_url, pinned))
    }

    /// Pinned to its archive, which is in the cache then.
    fn pin(
        &self,
        repository: String,
        chart: &str,
        version: &str,
        asker: Asker<'_>,
    ) -> Result<(registry::Pinned, registry::Archive), registry::Error> {
        let access = self.chart_access(&repository, asker)?;
        let request = registry::Request {
            repository,
            chart: chart.to_owned(),
            version: version.to_owned(),
        };
        let mut pinned = self.charts().resolve(&request, &access)?;
        let archive = self.charts().pull(&pinned, &access)?;
        // What is verified, and what is rendered, is this archive and no other.
        pinned.digest = Some(archive.digest.clone());
        Ok((pinned, archive))
    }

    /// The archive of a chart source; `None` for git.
    pub(super) fn archive(
        &self,
        resolved: &Resolved,
        asker: Asker<'_>,
    ) -> Result<Option<Vec<u8>>, SourceError> {
        let Some(pinned) = resolved.chart() else {
            return Ok(None);
        };
        let access = self.chart_access(&pinned.request.repository, asker)?;
        Ok(Some(self.charts().pull(pinned, &access)?.bytes))
    }

    /// Judges the provenance of a chart source by its text and its archive's digest:
    /// that which was good once, or else that which stands there now.
    pub(super) fn judge_provenance(
        &self,
        resolved: &Resolved,
        asker: Asker<'_>,
        judge: impl Fn(Option<&registry::Provenance>, &str) -> Result<(), String>,
    ) -> Result<(), String> {
        let away = |error: registry::Error| {
            format!("could not access chart for provenance verification: {error}")
        };
        let Some(pinned) = resolved.chart() else {
            return Err(format!("{} is no chart", resolved.url));
        };
        let digest = pinned.digest.as_deref();
        let digest = digest.expect("a source is pinned to an archive");
        let kept = self.charts().kept_provenance(digest);
        if kept.is_some_and(|kept| judge(Some(&kept), digest).is_ok()) {
            return Ok(());
        }
        let found = self
            .chart_access(&pinned.request.repository, asker)
            .and_then(|access| self.charts().provenance(pinned, &access))
            .map_err(away)?;
        judge(found.as_ref(), digest)?;
        if let Some(found) = &found {
            self.charts().keep_provenance(digest, found);
        }
        Ok(())
    }

    /// The archive of a chart that another one, or a kustomization, is made with.
    pub(super) fn pull(&self, need: &helm::Need, asker: Asker<'_>) -> Result<Vec<u8>, String> {
        let helm::Need::Chart {
            repository,
            name,
            version,
        } = need;
        let by_name = repository
            .strip_prefix('@')
            .or_else(|| repository.strip_prefix("alias:"));
        let repository = match by_name {
            Some(known) => self
                .repositories()
                .url_of(known, asker.project)
                .ok_or_else(|| {
                    format!(
                        "no Helm repository is registered under the name {known} for project {}; add a repository Secret with that name, or write the URL into Chart.yaml",
                        asker.project
                    )
                })?,
            None => repository.clone(),
        };
        let (_, archive) = self
            .pin(repository, name, version, asker)
            .map_err(|error| error.to_string())?;
        Ok(archive.bytes)
    }

    pub(super) fn chart_access(
        &self,
        url: &str,
        asker: Asker<'_>,
    ) -> Result<registry::Access, registry::Error> {
        let way = self
            .repositories()
            .way(url, asker.project)
            .map_err(|cause| {
                registry::Error::new(url, "log in", registry::Fault::Credentials(cause))
            })?;
        Ok(registry::Access {
            client: way.client,
            credentials: way.credentials,
            pass_credentials: asker.pass_credentials,
            plain_http: way.plain_oci,
        })
    }
}

/// As Argo CD has it: a registry is named without its scheme.
pub(super) fn chart_repository(url: &str) -> String {
    match url.contains("://") {
        true => url.to_owned(),
        false => format!("oci://{url}"),
    }
}
