//! Whether the sources of an application are signed as its project asks:
//! looked at before each comparison, so that nothing is rendered, and nothing
//! synced, of a commit that is not.

use super::sources::{Asker, Resolved, Sources};
use crate::app::{AppProject, Source};
use crate::git::{Checked, ClearSigned, Keyring, Verdict};
use crate::project::{Demand, Scope, demand};
use crate::registry::{Provenance, vouched_digest};

/// Whether the project asks for any signature of these sources, or may.
pub(super) fn is_asked(project: &AppProject, sources: &[&Source]) -> bool {
    let is_plain = |source: &&Source| matches!(demand(project, source), Ok(None));
    !sources.iter().all(is_plain)
}

/// All that is wrong with the signatures, in Argo CD's words. `now` is in
/// seconds since 1970.
pub(super) fn problems(
    project: &AppProject,
    wanted: &[&Source],
    resolved: &[Resolved],
    sources: &Sources,
    now: i64,
) -> Vec<String> {
    let mut problems = Vec::new();
    for (source, resolved) in wanted.iter().zip(resolved) {
        let demand = match demand(project, source) {
            Ok(Some(demand)) => demand,
            Ok(None) => continue,
            Err(why) => {
                problems.push(why);
                continue;
            }
        };
        problems.extend(match demand.scope {
            Scope::Head => of_head(&demand, resolved, sources, now),
            Scope::Provenance => {
                let asker = Asker::of(source, &project.name);
                let keyring = sources.repositories().keyring();
                let judged = sources.judge_provenance(resolved, asker, |found, digest| {
                    vouched_for(&demand, found, digest, &keyring, now)
                });
                judged.err().map(|why| format!("HELM/PROVENANCE: {why}"))
            }
        });
    }
    problems.dedup();
    problems
}

fn of_head(
    demand: &Demand<'_>,
    resolved: &Resolved,
    sources: &Sources,
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
    let checked = sources.repositories().keyring().verify(&signed, now);
    let why = fault(demand, &checked)?;
    let check = match checked.is_by_ssh() {
        true => "GIT/SSH",
        false => "GIT/GPG",
    };
    Some(format!(
        "{check}: Failed verifying revision {} by '{}': {why}",
        signed.revision, signed.author
    ))
}

/// Whatever is absent or cannot be read is no proof (CVE-2026-35205).
fn vouched_for(
    demand: &Demand<'_>,
    provenance: Option<&Provenance>,
    digest: &str,
    keyring: &Keyring,
    now: i64,
) -> Result<(), String> {
    let provenance = provenance.ok_or("provenance file (.prov) is required but missing")?;
    let failed = |why: String| format!("provenance signature verification failed: {why}");
    let signed = ClearSigned::read(provenance.text.as_bytes()).map_err(failed)?;
    let checked = keyring.verify_clear(&signed, now);
    match fault(demand, &checked) {
        None => {}
        Some(why) if checked.verdict == Verdict::Good => return Err(why),
        Some(why) => return Err(failed(why)),
    }
    let vouched = vouched_digest(signed.text(), &provenance.file)?;
    match vouched == digest {
        true => Ok(()),
        false => Err(format!(
            "chart digest mismatch: got {digest}, provenance expects {vouched}"
        )),
    }
}

/// Why a signature is not what is demanded.
fn fault(demand: &Demand<'_>, checked: &Checked) -> Option<String> {
    let Checked {
        verdict,
        key,
        primary,
    } = checked;
    let is_allowed = demand.allows(key) || primary.as_deref().is_some_and(|key| demand.allows(key));
    match (verdict, is_allowed) {
        (Verdict::Good, true) => None,
        (Verdict::Good, false) => Some(format!("signed with unallowed key (key_id={key})")),
        (other, _) => Some(format!("{other} (key_id={key})")),
    }
}
