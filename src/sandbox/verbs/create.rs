use super::write::{self, Target, Tracking};
use super::{Call, WriteOptions, parse_body};
use crate::sandbox::cluster::Cluster;
use crate::sandbox::http::Answer;
use crate::sandbox::rules;
use crate::sandbox::status::Refusal;

pub fn create(cluster: &mut Cluster, call: &Call) -> Result<Answer, Refusal> {
    let options = WriteOptions::of(call, "CreateOptions")?;
    let mut object = parse_body(call)?;
    let mut warnings = Vec::new();
    write::check_kind(&call.resource, &mut object)?;
    let duplicates = rules::duplicate_fields(&call.body);
    write::decode(
        &call.resource,
        &mut object,
        duplicates,
        options.validation,
        &mut warnings,
    )
    .map_err(|fault| fault.of_object(&call.resource))?;
    if !write::text(&object, &["metadata", "resourceVersion"]).is_empty() {
        return Err(Refusal::failed(
            "resourceVersion should not be set on objects to be created",
        ));
    }
    rules::default(&call.resource, &mut object);
    if let Some(review) = call.resource.review {
        return Ok(Answer::object(
            201,
            rules::review(&call.resource, review, object),
        ));
    }
    let target = Target {
        resource: &call.resource,
        namespace: &call.namespace,
        name: "",
        subresource: "",
    };
    let written = write::complete_create(cluster, target, object, &options, Tracking::Update)?;
    if !options.dry_run {
        cluster.writes.count("create");
    }
    warnings.extend(written.warnings);
    let mut answer = Answer::object(201, written.object);
    answer.warnings = warnings;
    Ok(answer)
}
