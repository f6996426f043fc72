use super::serve::kinds_of;
use crate::sandbox::status::FieldError;
use crate::value::Value;

/// What is wrong with a definition of apiextensions/v1, beside what its
/// fields say for themselves.
pub fn check(definition: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let text = |path: &[&str]| {
        definition
            .at(path)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let plural = kinds_of(definition.at(&["spec", "names"])).plural;
    let name = text(&["metadata", "name"]);
    if *name != format!("{plural}.{}", text(&["spec", "group"])) {
        errors.push(FieldError::invalid(
            "metadata.name",
            &Value::from(name),
            "must be spec.names.plural+\".\"+spec.group",
        ));
    }
    let versions = definition.at(&["spec", "versions"]);
    let list = versions.and_then(Value::as_seq).unwrap_or_default();
    let is_set =
        |version: &Value, key: &str| version.get(key).and_then(Value::as_bool) == Some(true);
    if list
        .iter()
        .filter(|version| is_set(version, "storage"))
        .count()
        != 1
    {
        errors.push(FieldError::invalid(
            "spec.versions",
            versions.unwrap_or(&Value::Null),
            "must have exactly one version marked as storage version",
        ));
    }
    // Only definitions of v1beta1 may keep what no schema knows.
    if is_set(
        definition.get("spec").unwrap_or(&Value::Null),
        "preserveUnknownFields",
    ) {
        return errors;
    }
    for (at, version) in list.iter().enumerate() {
        let field = format!("spec.versions[{at}].schema.openAPIV3Schema");
        match version.at(&["schema", "openAPIV3Schema"]) {
            None | Some(Value::Null) => errors.push(FieldError::required(field, "")),
            Some(schema) if schema.get("type").is_none() => errors.push(FieldError::required(
                format!("{field}.type"),
                "must not be empty at the root",
            )),
            Some(_) => {}
        }
    }
    errors
}
