use crate::object::{Object, names};

/// How the API server treats the dependants of what is pruned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PropagationPolicy {
    #[default]
    Foreground,
    Background,
    Orphan,
}

impl PropagationPolicy {
    /// As the API server spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            PropagationPolicy::Foreground => "Foreground",
            PropagationPolicy::Background => "Background",
            PropagationPolicy::Orphan => "Orphan",
        }
    }
}

/// `syncOptions` of an application, of an operation, or of one resource
/// (annotation `argocd.argoproj.io/sync-options`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SyncOptions {
    /// `Prune=true|false`.
    pub prune: Option<bool>,
    /// `Prune=confirm`.
    pub prune_confirm: bool,
    pub delete: Option<bool>,
    pub delete_confirm: bool,
    pub validate: Option<bool>,
    pub skip_dry_run_on_missing_resource: Option<bool>,
    pub prune_last: Option<bool>,
    pub replace: Option<bool>,
    pub force: Option<bool>,
    pub server_side_apply: Option<bool>,
    pub client_side_apply_migration: Option<bool>,
    pub apply_out_of_sync_only: Option<bool>,
    pub create_namespace: Option<bool>,
    pub fail_on_shared_resource: Option<bool>,
    pub respect_ignore_differences: Option<bool>,
    pub propagation: Option<PropagationPolicy>,
    /// What was not understood, as it was written.
    pub unknown: Vec<String>,
}

impl SyncOptions {
    /// Later options win.
    pub fn parse<'a>(options: impl Iterator<Item = &'a str>) -> Self {
        let mut parsed = SyncOptions::default();
        for option in options {
            parsed.set(option.trim());
        }
        parsed
    }

    fn set(&mut self, option: &str) {
        let Some((name, text)) = option.split_once('=') else {
            if !option.is_empty() {
                self.unknown.push(option.to_owned());
            }
            return;
        };
        let flag = match text.trim() {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        };
        match (name.trim(), flag) {
            ("Prune", Some(_)) => {
                self.prune = flag;
                self.prune_confirm = false;
            }
            ("Prune", None) if text.trim() == "confirm" => {
                (self.prune, self.prune_confirm) = (None, true);
            }
            ("Delete", Some(_)) => {
                self.delete = flag;
                self.delete_confirm = false;
            }
            ("Delete", None) if text.trim() == "confirm" => {
                (self.delete, self.delete_confirm) = (None, true);
            }
            ("Validate", Some(_)) => self.validate = flag,
            ("SkipDryRunOnMissingResource", Some(_)) => {
                self.skip_dry_run_on_missing_resource = flag;
            }
            ("PruneLast", Some(_)) => self.prune_last = flag,
            ("Replace", Some(_)) => self.replace = flag,
            ("Force", Some(_)) => self.force = flag,
            ("ServerSideApply", Some(_)) => self.server_side_apply = flag,
            ("ClientSideApplyMigration", Some(_)) => self.client_side_apply_migration = flag,
            ("ApplyOutOfSyncOnly", Some(_)) => self.apply_out_of_sync_only = flag,
            ("CreateNamespace", Some(_)) => self.create_namespace = flag,
            ("FailOnSharedResource", Some(_)) => self.fail_on_shared_resource = flag,
            ("RespectIgnoreDifferences", Some(_)) => self.respect_ignore_differences = flag,
            ("PrunePropagationPolicy", None) => match text.trim() {
                "foreground" => self.propagation = Some(PropagationPolicy::Foreground),
                "background" => self.propagation = Some(PropagationPolicy::Background),
                "orphan" => self.propagation = Some(PropagationPolicy::Orphan),
                _ => self.unknown.push(option.to_owned()),
            },
            _ => self.unknown.push(option.to_owned()),
        }
    }

    /// These options with those of `other` on top, where it says anything.
    pub fn overlaid(mut self, other: &SyncOptions) -> SyncOptions {
        if other.prune.is_some() || other.prune_confirm {
            (self.prune, self.prune_confirm) = (other.prune, other.prune_confirm);
        }
        if other.delete.is_some() || other.delete_confirm {
            (self.delete, self.delete_confirm) = (other.delete, other.delete_confirm);
        }
        self.validate = other.validate.or(self.validate);
        self.skip_dry_run_on_missing_resource = other
            .skip_dry_run_on_missing_resource
            .or(self.skip_dry_run_on_missing_resource);
        self.prune_last = other.prune_last.or(self.prune_last);
        self.replace = other.replace.or(self.replace);
        self.force = other.force.or(self.force);
        self.server_side_apply = other.server_side_apply.or(self.server_side_apply);
        self.client_side_apply_migration = other
            .client_side_apply_migration
            .or(self.client_side_apply_migration);
        self.apply_out_of_sync_only = other.apply_out_of_sync_only.or(self.apply_out_of_sync_only);
        self.create_namespace = other.create_namespace.or(self.create_namespace);
        self.fail_on_shared_resource = other
            .fail_on_shared_resource
            .or(self.fail_on_shared_resource);
        self.respect_ignore_differences = other
            .respect_ignore_differences
            .or(self.respect_ignore_differences);
        self.propagation = other.propagation.or(self.propagation);
        self
    }
}

/// The options that a resource's annotation sets.
pub fn resource_options(object: &Object) -> SyncOptions {
    SyncOptions::parse(
        object
            .annotation(names::SYNC_OPTIONS)
            .unwrap_or_default()
            .split(','),
    )
}
