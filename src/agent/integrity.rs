//! Whether the sources of an application are signed as its project asks:
//! looked at before each comparison, so that nothing is rendered, and nothing
//! synced, of a commit that is not.

use super::charts::Asker;
use super::sources::{Resolved, Sources};
use crate::app::{AppProject, Source};
use crate::git::{self, Checked, ClearSigned, Keyring, Signed, Verdict};
use crate::project::{Demand, Scope, demand};
use crate::registry::{Provenance, vouched_digest};
use std::collections::{BTreeMap, BTreeSet};
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
    let claim = Claim {
        repository: &resolved.url,
        keys: demand.keys(),
        keyring: &keyring,
        now,
    };
    let known = sources.proofs().of(&claim);
    let is_good = |signed: &Signed| keyring.verify(signed, now).verdict == Verdict::Good;
    let is_known = |commit: &str| known.contains_key(commit);
    let walked = sources.history(resolved, project).and_then(|mut history| {
        let commits = git::unsealed(&mut history, &is_good, &is_known)?;
        let mut told = BTreeSet::new();
        for commit in &commits {
            let signed = history.signed(commit)?;
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
        // A proof that rests on another one lasts no longer than that.
        let at = known.values().copied().min().unwrap_or(now);
        sources.proofs().remember(&claim, &resolved.revision, at);
    }
    problems
}

/// What commits are held against.
struct Claim<'a> {
    repository: &'a str,
    /// That are allowed.
    keys: &'a [String],
    keyring: &'a Arc<Keyring>,
    /// In seconds since 1970.
    now: i64,
}

/// That a commit and all behind it are signed.
struct Proof {
    repository: String,
    commit: String,
    keys: Vec<String>,
    keyring: Arc<Keyring>,
    /// In seconds since 1970.
    at: i64,
}

impl Proof {
    fn is_of(&self, claim: &Claim<'_>) -> bool {
        self.repository == claim.repository && self.keys == claim.keys
    }

    /// Keys and signatures expire, and keyrings are exchanged.
    fn still_stands(&self, claim: &Claim<'_>) -> bool {
        let is_young = (0..PROVEN_FOR).contains(&(claim.now - self.at));
        is_young && Arc::ptr_eq(&self.keyring, claim.keyring)
    }
}

/// So that of a history only what is new is verified.
#[derive(Default)]
pub(super) struct Proofs(Mutex<Vec<Proof>>);

/// Seconds.
const PROVEN_FOR: i64 = 3600;
const MAX_PROOFS: usize = 64;

impl Proofs {
    /// The commits that are proven, each with the time of its proof.
    fn of(&self, claim: &Claim<'_>) -> BTreeMap<String, i64> {
        let proofs = self.0.lock().expect("no holder of this lock panics");
        let standing = proofs
            .iter()
            .filter(|proof| proof.is_of(claim) && proof.still_stands(claim));
        standing
            .map(|proof| (proof.commit.clone(), proof.at))
            .collect()
    }

    /// What stands no more is forgotten.
    fn remember(&self, claim: &Claim<'_>, commit: &str, at: i64) {
        let mut proofs = self.0.lock().expect("no holder of this lock panics");
        proofs.retain(|proof| {
            proof.still_stands(claim) && !(proof.is_of(claim) && proof.commit == commit)
        });
        if proofs.len() == MAX_PROOFS {
            proofs.remove(0);
        }
        proofs.push(Proof {
            repository: claim.repository.to_owned(),
            commit: commit.to_owned(),
            keys: claim.keys.to_vec(),
            keyring: claim.keyring.clone(),
            at,
        });
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
    let signed = ClearSigned::read(&provenance.text).map_err(failed)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_stands_for_an_hour_and_for_its_keyring() {
        let keys = ["a".to_owned()];
        let (keyring, another) = (Arc::default(), Arc::default());
        let claim = |keyring, now| Claim {
            repository: "r",
            keys: &keys,
            keyring,
            now,
        };
        let proofs = Proofs::default();
        let n_kept = || proofs.0.lock().expect("no panic").len();
        let known = |claim| proofs.of(&claim).into_iter().collect::<Vec<_>>();
        proofs.remember(&claim(&keyring, 1000), "c", 1000);
        let proven = [("c".to_owned(), 1000)];
        assert_eq!(known(claim(&keyring, 1000)), proven);
        assert_eq!(known(claim(&keyring, 1000 + PROVEN_FOR - 1)), proven);
        assert_eq!(known(claim(&keyring, 1000 + PROVEN_FOR)), []);
        assert_eq!(known(claim(&keyring, 999)), [], "clocks may be put back");
        assert_eq!(known(claim(&another, 1000)), []);
        let others = Claim {
            keys: &[],
            ..claim(&keyring, 1000)
        };
        assert_eq!(known(others), []);
        // What is proven anew replaces what was; what stands no more goes.
        proofs.remember(&claim(&keyring, 2000), "c", 2000);
        proofs.remember(&claim(&keyring, 2000), "d", 2000);
        assert_eq!(n_kept(), 2);
        proofs.remember(&claim(&keyring, 2000 + PROVEN_FOR), "e", 5600);
        assert_eq!(n_kept(), 1);
        proofs.remember(&claim(&another, 2000 + PROVEN_FOR), "e", 5600);
        assert_eq!(n_kept(), 1);
    }
}
