//! Whether the sources of an application are signed as its project asks:
//! looked at before each comparison, so that nothing is rendered, and nothing
//! synced, of a commit that is not.

use super::credentials::Repositories;
use super::sources::Resolved;
use crate::app::{AppProject, Source};
use crate::git::{Checked, Verdict};
use crate::project::{Demand, demand};

/// Whether the project asks for any signature of these sources, or may.
pub(super) fn is_asked(project: &AppProject, sources: &[&Source]) -> bool {
    let is_plain = |source: &&Source| matches!(demand(project, source), Ok(None));
    !sources.iter().all(is_plain)
}

/// All that is wrong with the signatures, in Argo CD's words. `now` is in
/// seconds since 1970.
pub(super) fn problems(
    project: &AppProject,
    sources: &[&Source],
    resolved: &[Resolved],
    repositories: &Repositories,
    now: i64,
) -> Vec<String> {
    let checked = sources
        .iter()
        .zip(resolved)
        .filter_map(|(source, resolved)| {
            let demand = match demand(project, source) {
                Ok(demand) => demand?,
                Err(why) => return Some(why),
            };
            problem(&demand, resolved, repositories, now)
        });
    let mut problems: Vec<String> = checked.collect();
    problems.dedup();
    problems
}

fn problem(
    demand: &Demand<'_>,
    resolved: &Resolved,
    repositories: &Repositories,
    now: i64,
) -> Option<String> {
    let signed = match resolved.signed() {
        Ok(Some(signed)) => signed,
        Ok(None) => {
            return Some(format!(
                "{} is a plain folder, where nothing is signed",
                resolved.url
            ));
        }
        Err(error) => return Some(error.to_string()),
    };
    let checked = repositories.keyring().verify(&signed, now);
    let Checked { verdict, key, .. } = &checked;
    let is_allowed = demand.allows(key)
        || checked
            .primary
            .as_deref()
            .is_some_and(|key| demand.allows(key));
    let why = match (verdict, is_allowed) {
        (Verdict::Good, true) => return None,
        (Verdict::Good, false) => format!("signed with unallowed key (key_id={key})"),
        (other, _) => format!("{other} (key_id={key})"),
    };
    let check = match checked.is_by_ssh() {
        true => "GIT/SSH",
        false => "GIT/GPG",
    };
    Some(format!(
        "{check}: Failed verifying revision {} by '{}': {why}",
        signed.revision, signed.author
    ))
}
