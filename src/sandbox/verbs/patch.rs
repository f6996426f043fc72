use super::read::find;
use super::write::{self, Target, Tracking, Written};
use super::{Call, Validation, WriteOptions, parse_yaml};
use crate::sandbox::cluster::Cluster;
use crate::sandbox::http::Answer;
use crate::sandbox::status::{FieldError, GroupName, Refusal};
use crate::sandbox::{convert, rules};
use crate::value::Value;

/// The content types of PATCH.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PatchType {
    Json,
    Merge,
    Strategic,
    Apply,
}

impl PatchType {
    fn of(call: &Call) -> Result<Self, Refusal> {
        let media = call
            .content_type
            .split(';')
            .next()
            .unwrap_or_default()
            .trim();
        match media {
            "application/json-patch+json" => Ok(PatchType::Json),
            "application/merge-patch+json" => Ok(PatchType::Merge),
            "application/apply-patch+yaml" => Ok(PatchType::Apply),
            "application/strategic-merge-patch+json" if !call.resource.is_custom() => {
                Ok(PatchType::Strategic)
            }
            _ if call.resource.is_custom() => Err(Refusal::unknown_format(
                "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml",
            )),
            _ => Err(Refusal::unsupported_media_type(
                "415: Unsupported Media Type",
            )),
        }
    }
}

pub fn patch(cluster: &mut Cluster, call: &Call) -> Result<Answer, Refusal> {
    let kind = PatchType::of(call)?;
    let options = WriteOptions::of(call, "PatchOptions")?;
    check_force(call, kind)?;
    let mut warnings = Vec::new();
    let written = match kind {
        PatchType::Apply => apply(cluster, call, &options, &mut warnings)?,
        PatchType::Json | PatchType::Merge | PatchType::Strategic => {
            change(cluster, call, kind, &options, &mut warnings)?
        }
    };
    if !options.dry_run {
        cluster.writes.count(match kind {
            PatchType::Apply => "apply",
            PatchType::Json | PatchType::Merge | PatchType::Strategic => "patch",
        });
    }
    warnings.extend(written.warnings);
    let code = if written.is_new { 201 } else { 200 };
    let mut answer = Answer::object(code, written.object);
    answer.warnings = warnings;
    Ok(answer)
}

fn check_force(call: &Call, kind: PatchType) -> Result<(), Refusal> {
    let error = if kind != PatchType::Apply && call.query.has("force") {
        FieldError::forbidden("force", "may not be specified for non-apply patch")
    } else if kind == PatchType::Apply && call.query.get("fieldManager").is_empty() {
        FieldError::required("fieldManager", "is required for apply patch")
    } else {
        return Ok(());
    };
    let kind = GroupName::new("meta.k8s.io", "PatchOptions");
    Err(Refusal::invalid(&kind, "", &[error]))
}

fn target(call: &Call) -> Target<'_> {
    Target {
        resource: &call.resource,
        namespace: &call.namespace,
        name: &call.name,
        subresource: &call.subresource,
    }
}

/// JSON, merge and strategic merge patches of an object that is there.
fn change(
    cluster: &mut Cluster,
    call: &Call,
    kind: PatchType,
    options: &WriteOptions,
    warnings: &mut Vec<String>,
) -> Result<Written, Refusal> {
    let stored = find(cluster, call)?;
    let live = convert::from_store(&call.resource, &stored);
    let patch = Value::from_json(&call.body)
        .map_err(|error| Refusal::bad_request(format!("error decoding patch: {error}")))?;
    let duplicates = rules::duplicate_fields(&call.body);
    let mut object = match kind {
        PatchType::Json => rules::json_patch(&live, &patch)?,
        PatchType::Merge => rules::merge_patch(&live, &patch)?,
        PatchType::Strategic | PatchType::Apply => {
            rules::strategic_patch(&call.resource, &live, &patch)?
        }
    };
    if call.resource.is_custom() {
        check_custom_version(call, &object)?;
    }
    write::check_kind(&call.resource, &mut object)?;
    let patched = object.clone();
    write::decode(
        &call.resource,
        &mut object,
        duplicates,
        options.validation,
        warnings,
    )
    .map_err(|fault| fault.of_patched(&patched))?;
    rules::default(&call.resource, &mut object);
    write::check_namespace(target(call), &mut object)?;
    check_name(call, &object)?;
    write::complete_update(
        cluster,
        target(call),
        &live,
        object,
        options,
        Tracking::Update,
    )
}

/// A patch may not move a custom resource to another version.
fn check_custom_version(call: &Call, object: &Value) -> Result<(), Refusal> {
    let wanted = call.resource.api_version();
    let given = write::text(object, &["apiVersion"]);
    if given == wanted {
        return Ok(());
    }
    let detail = format!("must be {wanted}");
    let error = FieldError::invalid("apiVersion", &Value::from(given), &detail);
    Err(Refusal::invalid(
        &call.resource.group_kind(),
        &call.name,
        &[error],
    ))
}

fn check_name(call: &Call, object: &Value) -> Result<(), Refusal> {
    let name = write::text(object, &["metadata", "name"]);
    if name == call.name {
        return Ok(());
    }
    Err(Refusal::bad_request(format!(
        "the name of the object ({name}) does not match the name on the URL ({})",
        call.name
    )))
}

/// Server-side apply; makes the object where there is none.
fn apply(
    cluster: &mut Cluster,
    call: &Call,
    options: &WriteOptions,
    warnings: &mut Vec<String>,
) -> Result<Written, Refusal> {
    let config = parse_yaml(&call.body)?;
    let duplicates = rules::duplicate_fields(&call.body);
    let resource = &call.resource;
    check_config(call, &config)?;
    let live = match find(cluster, call) {
        Ok(stored) => Some(convert::from_store(resource, &stored)),
        Err(not_found) if !call.subresource.is_empty() => return Err(not_found),
        Err(_) => None,
    };
    let mut object = rules::apply(cluster, call, live.as_ref(), &config, &options.manager)?;
    match options.validation {
        Validation::Ignore => {}
        Validation::Warn => warnings.extend(duplicates),
        Validation::Strict if duplicates.is_empty() => {}
        Validation::Strict => {
            return Err(Refusal::bad_request(format!(
                "error strict decoding YAML: {}",
                duplicates.join(", ")
            )));
        }
    }
    let uid = write::text(&object, &["metadata", "uid"]);
    if live.is_none() && !uid.is_empty() {
        return Err(Refusal::conflict(
            &resource.group_resource(),
            &call.name,
            &format!(
                "uid mismatch: the provided object specified uid {uid}, and no existing object was found"
            ),
        ));
    }
    write::check_namespace(target(call), &mut object)?;
    if write::text(&object, &["metadata", "name"]).is_empty() {
        write::metadata_mut(&mut object).insert("name", call.name.as_str());
    }
    check_name(call, &object)?;
    rules::decode_applied(resource, &mut object)
        .map_err(|fault| write::DecodeFault::WrongType(fault).of_applied(resource, &config))?;
    rules::default(resource, &mut object);
    match live {
        Some(live) => write::complete_update(
            cluster,
            target(call),
            &live,
            object,
            options,
            Tracking::Applied,
        ),
        None => write::complete_create(cluster, target(call), object, options, Tracking::Applied),
    }
}

/// What the field manager demands of an applied configuration.
fn check_config(call: &Call, config: &Value) -> Result<(), Refusal> {
    let wanted = call.resource.api_version();
    let given = write::text(config, &["apiVersion"]);
    let kind = write::text(config, &["kind"]);
    if kind != call.resource.kind || given != wanted {
        let (group, version) = given.split_once('/').unwrap_or(("", given));
        return Err(Refusal::bad_request(format!(
            "invalid object type: {group}/{version}, Kind={kind}"
        )));
    }
    let managed = config.at(&["metadata", "managedFields"]);
    if managed.is_some_and(|entries| !entries.is_null()) {
        return Err(Refusal::bad_request("metadata.managedFields must be nil"));
    }
    Ok(())
}
