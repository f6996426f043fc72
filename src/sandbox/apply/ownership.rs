//! Who owns what after a write: structured-merge-diff's updater.

use super::compare::{Comparison, compare};
use super::managers::{Entry, ManagerId, Managers};
use super::merge::{merge, remove_items};
use super::path::{Path, equal_values};
use super::set::FieldSet;
use super::typed::field_set;
use crate::sandbox::schema::Schema;
use crate::value::Value;

/// A field that somebody else owns and the applied value would change.
#[derive(Debug, Clone, PartialEq)]
pub struct Conflict {
    pub manager: ManagerId,
    pub path: Path,
}

pub struct Updater<'a> {
    pub schema: &'a Schema,
    /// Fields that this endpoint never takes (status on the main resource).
    pub reset: &'a FieldSet,
    pub api_version: &'a str,
}

impl Updater<'_> {
    /// Takes from the others what changed, and gives what is left of them.
    fn take(
        &self,
        comparison: &Comparison,
        managers: &mut Managers,
        who: &ManagerId,
        force: bool,
    ) -> Result<Comparison, Vec<Conflict>> {
        let seen = comparison.without(self.reset);
        let touched = seen.modified.union(&seen.added);
        let mut conflicts = Vec::new();
        for (id, entry) in managers.iter().filter(|(id, _)| *id != who) {
            for path in entry.fields.intersection(&touched).paths() {
                conflicts.push(Conflict {
                    manager: id.clone(),
                    path,
                });
            }
        }
        if !force && !conflicts.is_empty() {
            return Err(conflicts);
        }
        for (_, entry) in managers.iter_mut().filter(|(id, _)| *id != who) {
            entry.fields = entry.fields.difference(&touched).difference(&seen.removed);
        }
        managers.retain(|_, entry| !entry.fields.is_empty());
        Ok(seen)
    }

    /// After an update or a patch: `who` owns what it changed.
    pub fn update(&self, live: &Value, new: &Value, managers: &mut Managers, who: &ManagerId) {
        self.reconcile(managers);
        let comparison = compare(self.schema, live, new);
        let Ok(seen) = self.take(&comparison, managers, who, true) else {
            return;
        };
        let owned = managers.get(who).map(|e| e.fields.clone());
        let fields = owned
            .unwrap_or_default()
            .difference(&seen.removed)
            .union(&seen.modified)
            .union(&seen.added)
            .recursive_difference(self.reset);
        self.set(managers, who, fields);
    }

    /// The new object, or none if nothing changed.
    pub fn apply(
        &self,
        live: &Value,
        config: &Value,
        managers: &mut Managers,
        who: &ManagerId,
        force: bool,
    ) -> Result<Option<Value>, Vec<Conflict>> {
        self.reconcile(managers);
        let merged = merge(self.schema, live, config);
        let last = managers.get(who).map(|entry| entry.fields.clone());
        let fields = field_set(self.schema, config).recursive_difference(self.reset);
        managers.insert(
            who.clone(),
            Entry {
                id: who.clone(),
                api_version: self.api_version.to_owned(),
                time: managers
                    .get(who)
                    .map(|entry| entry.time.clone())
                    .unwrap_or_default(),
                fields,
            },
        );
        let new = match last {
            Some(last) if !last.is_empty() => self.prune(merged, managers, &last),
            _ => merged,
        };
        self.take(&compare(self.schema, live, &new), managers, who, force)?;
        Ok((!equal_values(live, &new)).then_some(new))
    }

    /// Removes what the applier owned, no longer says, and nobody else owns.
    fn prune(&self, merged: Value, managers: &Managers, last: &FieldSet) -> Value {
        let root = Some(self.schema.root());
        let named = |set: &FieldSet| set.with_named_fields(self.schema, root);
        let pruned = remove_items(self.schema, &merged, &named(last));

        let mut owned = FieldSet::default();
        for entry in managers.values() {
            owned = owned.union(&entry.fields);
        }
        let merged_set = named(&field_set(self.schema, &merged));
        let pruned_set = named(&field_set(self.schema, &pruned));
        let gone = merged_set.difference(&pruned_set.union(&named(&owned)));
        let pruned = remove_items(self.schema, &merged, &gone);

        let pruned_set = named(&field_set(self.schema, &pruned));
        let gone = merged_set
            .difference(&pruned_set)
            .intersection(&named(last));
        remove_items(self.schema, &merged, &gone)
    }

    fn set(&self, managers: &mut Managers, who: &ManagerId, fields: FieldSet) {
        if fields.is_empty() {
            managers.remove(who);
            return;
        }
        let time = managers.get(who).map(|entry| entry.time.clone());
        managers.insert(
            who.clone(),
            Entry {
                id: who.clone(),
                api_version: self.api_version.to_owned(),
                time: time.unwrap_or_default(),
                fields,
            },
        );
    }

    /// A CRD may have turned a list or map atomic since a set was written:
    /// its owner then owns it as a whole.
    fn reconcile(&self, managers: &mut Managers) {
        for entry in managers.values_mut() {
            let mut atomics = FieldSet::default();
            super::atomics::find(
                self.schema,
                self.schema.root(),
                &entry.fields,
                &mut Vec::new(),
                &mut atomics,
            );
            if !atomics.is_empty() {
                entry.fields = entry.fields.recursive_difference(&atomics).union(&atomics);
            }
        }
    }
}
