//! Whether the sources of an application are signed as its project asks:
//! looked at before each comparison, so that nothing is rendered, and nothing
//! synced, of a commit that is not.

use super::charts::Asker;
use super::sources::{Resolved, Sources};
use crate::app::{AppProject, Source};
use crate::git::{self, Checked, ClearSigned, Keyring, Signed, Verdict};
use crate::project::{Demand, Scope, demand};
use crate::registry::{Provenance, vouched_digest};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

/// Of a history so many are told.
const MAX_PROBLEMS: usize = 10;

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
            Scope::History => of_history(&demand, resolved, sources, &project.name, now),
            Scope::Provenance => {
                let asker = Asker::of(source, &project.name);
                let keyring = sources.repositories().keyring();
                let judged = sources.judge_provenance(resolved, asker, |found, digest| {
                    vouched_for(&demand, found, digest, &keyring, now)
                });
                let told = judged.err().map(|why| format!("HELM/PROVENANCE: {why}"));
                told.into_iter().collect()
            }
        });
    }
    problems.dedup();
    problems
}

fn of_head(demand: &Demand<'_>, resolved: &Resolved, sources: &Sources, now: i64) -> Vec<String> {
    let signed = match head(resolved) {
        Ok(signed) => signed,
        Err(why) => return vec![why],
    };
    let checked = sources.repositories().keyring().verify(&signed, now);
    problem(demand, &signed, &checked).into_iter().collect()
}

/// What led here: the annotated tag, or the commit.
fn head(resolved: &Resolved) -> Result<Signed, String> {
    match resolved.signed() {
        Ok(Some(signed)) => Ok(signed),
        Ok(None) => Err(format!(
            "{} is a plain folder, where nothing is signed",
            resolved.url
        )),
        Err(error) => Err(error.to_string()),
    }
}

/// The tag, if there is one, and all commits that no seal vouches for.
fn of_history(
    demand: &Demand<'_>,
    resolved: &Resolved,
    sources: &Sources,
    project: &str,
    now: i64,
) -> Vec<String> {
    let keyring = sources.repositories().keyring();
    let mut problems = Vec::new();
    let tag = match head(resolved) {
        Ok(signed) => (signed.revision != resolved.revision).then_some(signed),
        Err(why) => return vec![why],
    };
    if let Some(tag) = tag {
        problems.extend(problem(demand, &tag, &keyring.verify(&tag, now)));
    }
    let proof = |commit: &str| Proof {
        repository: resolved.url.clone(),
        commit: commit.to_owned(),
        keys: demand.keys().to_vec(),
        keyring: keyring.clone(),
        at: now,
    };
    let is_good = |signed: &Signed| keyring.verify(signed, now).verdict == Verdict::Good;
    let is_known = |commit: &str| sources.proofs().holds(&proof(commit));
    let walked = sources.history(resolved, project).and_then(|mut history| {
        let commits = git::unsealed(&mut history, &is_good, &is_known)?;
        let mut told = BTreeSet::new();
        for commit in &commits {
            let signed = history.commit(commit)?.signed;
            let checked = keyring.verify(&signed, now);
            let Some(problem) = problem(demand, &signed, &checked) else {
                continue;
            };
            // One key is told once; who signs nothing, each time.
            if checked.key.is_empty() || told.insert(checked.key) {
                problems.push(problem);
            }
            if problems.len() >= MAX_PROBLEMS {
                break;
            }
        }
        Ok(())
    });
    if let Err(error) = walked {
        problems.push(error.to_string());
    }
    if problems.is_empty() {
        sources.proofs().remember(proof(&resolved.revision));
    }
    problems
}

/// That a commit and all behind it are signed.
#[derive(Clone, PartialEq, Eq)]
struct Proof {
    repository: String,
    commit: String,
    /// That were allowed.
    keys: Vec<String>,
    keyring: Arc<Keyring>,
    /// In seconds since 1970.
    at: i64,
}

/// So that of a history only what is new is verified. Keys and signatures expire:
/// a proof is good for an hour.
#[derive(Default)]
pub(super) struct Proofs(Mutex<Vec<Proof>>);

const PROVEN_FOR: i64 = 3600;
const MAX_PROOFS: usize = 64;

impl Proofs {
    fn holds(&self, wanted: &Proof) -> bool {
        let proofs = self.0.lock().expect("no holder of this lock panics");
        proofs.iter().any(|proof| {
            (wanted.at - PROVEN_FOR..=wanted.at).contains(&proof.at)
                && proof.commit == wanted.commit
                && proof.repository == wanted.repository
                && proof.keys == wanted.keys
                && Arc::ptr_eq(&proof.keyring, &wanted.keyring)
        })
    }

    /// A proof that rests on another one lasts no longer than that.
    fn remember(&self, proof: Proof) {
        let mut proofs = self.0.lock().expect("no holder of this lock panics");
        let same = |one: &Proof| one.repository == proof.repository && one.keys == proof.keys;
        let since = proofs
            .iter()
            .filter(|one| same(one) && proof.at - one.at < PROVEN_FOR)
            .filter(|one| Arc::ptr_eq(&one.keyring, &proof.keyring))
            .map(|one| one.at)
            .min();
        let at = since.unwrap_or(proof.at);
        proofs.retain(|one| !(same(one) && one.commit == proof.commit));
        if proofs.len() == MAX_PROOFS {
            proofs.remove(0);
        }
        proofs.push(Proof { at, ..proof });
    }
}

/// What is wrong with one signature.
fn problem(demand: &Demand<'_>, signed: &Signed, checked: &Checked) -> Option<String> {
    let why = fault(demand, checked)?;
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
