use super::read::find;
use super::write::{self, Target, Tracking};
use super::{Call, WriteOptions, parse_body};
use crate::sandbox::cluster::Cluster;
use crate::sandbox::http::Answer;
use crate::sandbox::status::Refusal;
use crate::sandbox::{convert, rules, strategy};

/// PUT, of the whole object or of its status.
pub fn update(cluster: &mut Cluster, call: &Call) -> Result<Answer, Refusal> {
    let options = WriteOptions::of(call, "UpdateOptions")?;
    let mut object = parse_body(call)?;
    let mut warnings = Vec::new();
    write::check_kind(&call.resource, &mut object)?;
    write::decode(
        &call.resource,
        &mut object,
        rules::duplicate_fields(&call.body),
        options.validation,
        &mut warnings,
    )
    .map_err(|fault| fault.of_object(&call.resource))?;
    rules::default(&call.resource, &mut object);
    let name = write::text(&object, &["metadata", "name"]);
    if name != call.name {
        return Err(Refusal::bad_request(format!(
            "the name of the object ({name}) does not match the name on the URL ({})",
            call.name
        )));
    }
    let namespace = write::text(&object, &["metadata", "namespace"]);
    if !call.namespace.is_empty() && !namespace.is_empty() && namespace != call.namespace {
        return Err(Refusal::bad_request(format!(
            "the namespace of the object ({namespace}) does not match the namespace on the request ({})",
            call.namespace
        )));
    }
    let target = Target {
        resource: &call.resource,
        namespace: &call.namespace,
        name: &call.name,
        subresource: &call.subresource,
    };
    let written = match find(cluster, call) {
        Ok(stored) => {
            let live = convert::from_store(&call.resource, &stored);
            write::complete_update(cluster, target, &live, object, &options, Tracking::Update)?
        }
        Err(_) if call.subresource.is_empty() && strategy::creates_on_update(&call.resource) => {
            write::complete_create(cluster, target, object, &options, Tracking::Update)?
        }
        Err(not_found) => return Err(not_found),
    };
    if !options.dry_run {
        cluster.writes.count("update");
    }
    warnings.extend(written.warnings);
    let code = if written.is_new { 201 } else { 200 };
    let mut answer = Answer::object(code, written.object);
    answer.warnings = warnings;
    Ok(answer)
}
