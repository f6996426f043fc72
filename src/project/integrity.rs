//! Which signatures a project asks for: `sourceIntegrity`, or the older
//! `signatureKeys`, which asks all repositories for the same keys.

use crate::app::{AppProject, IntegrityPolicy, Source};
use crate::value::glob::Glob;
use std::borrow::Cow;

/// What must be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The commit, or the annotated tag.
    Head,
    /// The same, and all commits before it.
    History,
    /// A chart's archive, by the provenance beside it.
    Provenance,
}

/// It must be signed with one of these keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demand<'a> {
    pub scope: Scope,
    keys: Cow<'a, [String]>,
}

impl Demand<'_> {
    pub fn keys(&self) -> &[String] {
        &self.keys
    }

    /// Whether a key is among them. GnuPG's keys are named by the last 64 bits
    /// of their fingerprint, or all of it; those of ssh by `SHA256:…`.
    pub fn allows(&self, key: &str) -> bool {
        let short = |name: &str| match name.len() {
            40 if !name.starts_with("SHA256:") => name[24..].to_ascii_uppercase(),
            16 => name.to_ascii_uppercase(),
            _ => name.to_owned(),
        };
        !key.is_empty() && self.keys.iter().any(|known| short(known) == short(key))
    }
}

/// What is asked of a source. An error is a demand that nothing can meet: a
/// mistake in a project must not switch its checks off.
pub fn demand<'a>(project: &'a AppProject, source: &Source) -> Result<Option<Demand<'a>>, String> {
    let spec = &project.spec;
    let is_git = source.chart.is_empty();
    let Some(integrity) = &spec.source_integrity else {
        let keys: Vec<String> = spec
            .signature_keys
            .iter()
            .map(|k| k.key_id.clone())
            .collect();
        let asks = is_git && !keys.is_empty();
        return Ok(asks.then_some(Demand {
            scope: Scope::Head,
            keys: keys.into(),
        }));
    };
    let (what, policies) = match is_git {
        true => ("git", integrity.git.as_ref()),
        false => ("helm", integrity.helm.as_ref()),
    };
    let Some(policies) = policies else {
        return Ok(None);
    };
    let mut found = Vec::new();
    for policy in &policies.policies {
        if matches(policy, &source.repo_url)? {
            found.push(policy);
        }
    }
    let policy = match found.as_slice() {
        [] => return Ok(None),
        [one] => one,
        several => {
            return Err(format!(
                "multiple ({}) {what} source integrity policies found for repo URL: {}",
                several.len(),
                source.repo_url
            ));
        }
    };
    let url = &source.repo_url;
    let demand = |scope, keys: &'a [String]| {
        Ok(Some(Demand {
            scope,
            keys: keys.into(),
        }))
    };
    match (is_git, &policy.gpg, &policy.provenance) {
        (_, None, None) => Ok(None),
        (false, None, Some(provenance)) => demand(Scope::Provenance, &provenance.keys),
        (true, Some(gpg), None) => match gpg.mode.as_str() {
            "none" => Ok(None),
            "head" => demand(Scope::Head, &gpg.keys),
            "strict" => demand(Scope::History, &gpg.keys),
            mode => Err(format!(
                "unknown GPG mode {mode:?} configured for GIT source integrity"
            )),
        },
        (true, _, Some(_)) => Err(format!(
            "the git source integrity policy for {url} has provenance, which charts alone have: use gpg"
        )),
        (false, Some(_), _) => Err(format!(
            "the helm source integrity policy for {url} has gpg, which commits alone have: use provenance"
        )),
    }
}

/// Whether a policy is for a URL: one of its patterns fits, none with `!` does.
fn matches(policy: &IntegrityPolicy, url: &str) -> Result<bool, String> {
    let mut is_included = false;
    for repository in &policy.repos {
        let (pattern, excludes) = match repository.url.strip_prefix('!') {
            Some(pattern) => (pattern, true),
            None => (repository.url.as_str(), false),
        };
        let glob = Glob::gobwas(pattern, &[]).map_err(|error| {
            format!("the pattern {pattern:?} of a source integrity policy: {error}")
        })?;
        match (pattern == url || glob.matches(url), excludes) {
            (true, true) => return Ok(false),
            (true, false) => is_included = true,
            (false, _) => {}
        }
    }
    Ok(is_included)
}
