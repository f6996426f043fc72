use crate::value::Value;

/// What a list or a watch selects, and how much comes at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListOptions {
    /// "" for all namespaces.
    pub namespace: String,
    /// Kubernetes' label selector syntax, "" for everything.
    pub label_selector: String,
    pub field_selector: String,
    /// Objects a chunk; 0 takes everything in one answer. Either way items
    /// are parsed one by one.
    pub limit: u32,
    /// What the API server's cache has instead of a read of the store: cheap,
    /// and possibly old. Never for a decision to delete.
    pub from_cache: bool,
    /// Only apiVersion, kind and metadata of each object.
    pub metadata_only: bool,
}

/// How the server treats unknown and duplicate fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FieldValidation {
    /// A field that the schema does not know is an error.
    #[default]
    Strict,
    Warn,
    /// What `Validate=false` means.
    Ignore,
}

impl FieldValidation {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            FieldValidation::Strict => "Strict",
            FieldValidation::Warn => "Warn",
            FieldValidation::Ignore => "Ignore",
        }
    }
}

/// For create, update and patch.
#[derive(Clone, Debug)]
pub struct WriteOptions {
    pub field_manager: String,
    pub dry_run: bool,
    pub field_validation: FieldValidation,
    /// A subresource (`status`, `scale`), or "".
    pub subresource: String,
}

impl WriteOptions {
    pub fn by(field_manager: &str) -> Self {
        WriteOptions {
            field_manager: field_manager.to_owned(),
            dry_run: false,
            field_validation: FieldValidation::Warn,
            subresource: String::new(),
        }
    }
}

/// For server-side apply.
#[derive(Clone, Debug)]
pub struct ApplyOptions {
    pub field_manager: String,
    /// Take over fields that others own.
    pub force: bool,
    pub dry_run: bool,
    pub field_validation: FieldValidation,
}

impl ApplyOptions {
    pub fn by(field_manager: &str) -> Self {
        ApplyOptions {
            field_manager: field_manager.to_owned(),
            force: false,
            dry_run: false,
            field_validation: FieldValidation::Strict,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum Patch {
    /// RFC 7386.
    Merge(Value),
    /// RFC 6902.
    Json(Value),
    /// By the merge keys of the schema; not for custom resources.
    Strategic(Value),
}

/// What happens to the objects that the deleted one owns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Propagation {
    #[default]
    Background,
    /// The object stays until its dependents are gone.
    Foreground,
    Orphan,
}

#[derive(Clone, Debug, Default)]
pub struct DeleteOptions {
    pub propagation: Propagation,
    pub dry_run: bool,
    /// Delete only if the object still is the one that was seen.
    pub uid: Option<String>,
    pub resource_version: Option<String>,
    pub grace_period_seconds: Option<u32>,
}

/// How far a deletion came by itself.
#[derive(Clone, Debug, PartialEq)]
pub enum Deleted {
    Gone,
    /// Finalizers, a grace period or dependents hold it back.
    Deleting(Box<crate::object::Object>),
    /// It was not there.
    NotFound,
}
