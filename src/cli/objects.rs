//! Objects that commands write, with kubectl's habits.

use super::app::CLI_MANAGER;
use crate::kube::{
    Client, Conflict, DeleteOptions, Deleted, FieldValidation, Resource, WriteOptions,
};
use crate::object::Object;
use anyhow::bail;

pub fn write_options(dry_run: bool) -> WriteOptions {
    WriteOptions {
        dry_run,
        field_validation: FieldValidation::Strict,
        ..WriteOptions::by(CLI_MANAGER)
    }
}

/// What `created` and the like are followed by.
pub fn dry(dry_run: bool) -> &'static str {
    match dry_run {
        true => " (dry run)",
        false => "",
    }
}

/// Deletes this very object, not one that has taken its name.
pub fn delete(client: &Client, resource: &Resource, object: &Object) -> anyhow::Result<Deleted> {
    let options = DeleteOptions {
        uid: Some(object.uid().to_owned()),
        ..DeleteOptions::default()
    };
    Ok(client.delete(resource, object.namespace(), object.name(), &options)?)
}

/// How an object is put into the cluster.
pub struct Put<'a> {
    pub resource: &'a Resource,
    pub upsert: bool,
    pub dry_run: bool,
    /// `app`, `project`: for messages.
    pub what: &'a str,
}

impl Put<'_> {
    /// Creates an object; of one that is there `lay_over` makes the wanted one.
    pub fn put(
        &self,
        client: &Client,
        object: &Object,
        lay_over: impl FnOnce(&mut Object),
    ) -> anyhow::Result<(Object, &'static str)> {
        let options = write_options(self.dry_run);
        match client.create(self.resource, object, &options) {
            Ok(made) => return Ok((made, "created")),
            Err(error) if error.conflict() == Some(Conflict::AlreadyExists) => {}
            Err(error) => return Err(error.into()),
        }
        let live = client.get(self.resource, object.namespace(), object.name())?;
        let mut wanted = live.clone();
        lay_over(&mut wanted);
        if wanted == live {
            return Ok((live, "unchanged"));
        }
        if !self.upsert {
            bail!(
                "{} {}: it is there already, and differs; --upsert changes it",
                self.what,
                object.name()
            );
        }
        let changed = client.update(self.resource, &wanted, &options)?;
        Ok((changed, "configured"))
    }
}
