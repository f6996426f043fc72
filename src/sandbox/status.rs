//! Refusals, worded as the API server words them.
//!
//! The texts are those of apimachinery's `api/errors` (1.34): clients and
//! their users read them, and tools match on them.

use crate::value::{Map, Value};
use std::fmt;

/// Group and plural, the way errors print a resource: `deployments.apps`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupName {
    pub group: String,
    pub name: String,
}

impl GroupName {
    pub fn new(group: &str, name: &str) -> Self {
        GroupName {
            group: group.to_owned(),
            name: name.to_owned(),
        }
    }
}

impl fmt::Display for GroupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if !self.group.is_empty() {
            write!(f, ".{}", self.group)?;
        }
        Ok(())
    }
}

/// One cause in `details.causes`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    pub reason: String,
    pub message: String,
    pub field: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    pub name: String,
    pub group: String,
    pub kind: String,
    pub uid: String,
    pub causes: Vec<Cause>,
    pub retry_after_seconds: i64,
}

/// A failure that goes to the client as a Status object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    pub code: u16,
    pub reason: &'static str,
    pub message: String,
    pub details: Option<Box<Details>>,
}

impl Refusal {
    fn new(code: u16, reason: &'static str, message: String, details: Option<Details>) -> Self {
        Refusal {
            code,
            reason,
            message,
            details: details.map(Box::new),
        }
    }

    pub fn bad_request(message: impl Into<String>) -> Self {
        Refusal::new(400, "BadRequest", message.into(), None)
    }

    pub fn not_found(resource: &GroupName, name: &str) -> Self {
        let message = format!("{resource} {name:?} not found");
        Refusal::new(404, "NotFound", message, Some(named(resource, name)))
    }

    pub fn already_exists(resource: &GroupName, name: &str) -> Self {
        let message = format!("{resource} {name:?} already exists");
        Refusal::new(409, "AlreadyExists", message, Some(named(resource, name)))
    }

    pub fn generated_name_exists(resource: &GroupName, name: &str) -> Self {
        let message = format!(
            "{resource} {name:?} already exists, the server was not able to generate a unique name for the object"
        );
        let mut details = named(resource, name);
        details.retry_after_seconds = 1;
        Refusal::new(409, "AlreadyExists", message, Some(details))
    }

    pub fn conflict(resource: &GroupName, name: &str, why: &str) -> Self {
        let message = format!("Operation cannot be fulfilled on {resource} {name:?}: {why}");
        Refusal::new(409, "Conflict", message, Some(named(resource, name)))
    }

    /// The conflicts of a server-side apply, one cause a field.
    pub fn apply_conflict(message: String, causes: Vec<Cause>) -> Self {
        let details = Details {
            causes,
            ..Details::default()
        };
        Refusal::new(409, "Conflict", message, Some(details))
    }

    pub fn forbidden(resource: &GroupName, name: &str, why: &str) -> Self {
        let message = if name.is_empty() {
            format!("{resource} is forbidden: {why}")
        } else {
            format!("{resource} {name:?} is forbidden: {why}")
        };
        Refusal::new(403, "Forbidden", message, Some(named(resource, name)))
    }

    pub fn with_cause(mut self, reason: &str, message: &str, field: &str) -> Self {
        self.details.get_or_insert_default().causes.push(Cause {
            reason: reason.to_owned(),
            message: message.to_owned(),
            field: field.to_owned(),
        });
        self
    }

    /// Several invalid fields: `kind` is group and kind.
    pub fn invalid(kind: &GroupName, name: &str, errors: &[FieldError]) -> Self {
        let mut texts: Vec<String> = Vec::new();
        for error in errors {
            let text = error.to_string();
            // The server's aggregate leaves duplicates out.
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
        let listed = match texts.as_slice() {
            [one] => one.clone(),
            many => format!("[{}]", many.join(", ")),
        };
        let message = if errors.is_empty() {
            format!("{kind} {name:?} is invalid")
        } else {
            format!("{kind} {name:?} is invalid: {listed}")
        };
        let mut details = named(kind, name);
        details.causes = errors
            .iter()
            .map(|error| Cause {
                reason: error.reason.to_owned(),
                message: error.body(),
                field: error.field.clone(),
            })
            .collect();
        Refusal::new(422, "Invalid", message, Some(details))
    }

    pub fn method_not_supported(resource: &GroupName, action: &str) -> Self {
        let message = format!("{action} is not supported on resources of kind \"{resource}\"");
        let details = Details {
            group: resource.group.clone(),
            kind: resource.name.clone(),
            ..Details::default()
        };
        Refusal::new(405, "MethodNotAllowed", message, Some(details))
    }

    pub fn gone(message: impl Into<String>) -> Self {
        Refusal::new(410, "Expired", message.into(), None)
    }

    pub fn unsupported_media_type(message: impl Into<String>) -> Self {
        let details = Some(Details::default());
        Refusal::new(415, "UnsupportedMediaType", message.into(), details)
    }

    /// What the handler of custom resources says, which is not go-restful.
    pub fn unknown_format(message: impl Into<String>) -> Self {
        Refusal::new(415, "UnsupportedMediaType", message.into(), None)
    }

    pub fn not_acceptable(message: impl Into<String>) -> Self {
        let details = Some(Details::default());
        Refusal::new(406, "NotAcceptable", message.into(), details)
    }

    pub fn unauthorized() -> Self {
        Refusal::new(401, "Unauthorized", "Unauthorized".to_owned(), None)
    }

    pub fn too_large(message: &str) -> Self {
        Refusal::new(
            413,
            "RequestEntityTooLarge",
            format!("Request entity too large: {message}"),
            None,
        )
    }

    /// An error for which the server has no better word: 500 without a reason.
    pub fn failed(message: impl Into<String>) -> Self {
        Refusal::new(500, "", message.into(), None)
    }

    /// Where a built-in resource lacks the verb.
    pub fn method_not_allowed() -> Self {
        Refusal::new(
            405,
            "MethodNotAllowed",
            "the server does not allow this method on the requested resource".to_owned(),
            Some(Details::default()),
        )
    }

    /// Where a served version lacks the resource.
    pub fn no_such_resource() -> Self {
        Refusal::new(
            404,
            "NotFound",
            "the server could not find the requested resource".to_owned(),
            Some(Details::default()),
        )
    }

    /// A patch that does not fit; the server keeps its reasons to itself.
    pub fn unfit() -> Self {
        Refusal::new(
            422,
            "Invalid",
            "the server rejected our request due to an error in our request".to_owned(),
            Some(Details::default()),
        )
    }

    pub fn internal(why: &str) -> Self {
        let details = Details {
            causes: vec![Cause {
                reason: String::new(),
                message: why.to_owned(),
                field: String::new(),
            }],
            ..Details::default()
        };
        let message = format!("Internal error occurred: {why}");
        Refusal::new(500, "InternalError", message, Some(details))
    }

    /// `the server is currently unable to handle the request` and the like.
    pub fn too_large_resource_version(wanted: u64, current: u64) -> Self {
        let details = Details {
            causes: vec![Cause {
                reason: "ResourceVersionTooLarge".to_owned(),
                message: "Too large resource version".to_owned(),
                field: String::new(),
            }],
            retry_after_seconds: 1,
            ..Details::default()
        };
        let message = format!("Timeout: Too large resource version: {wanted}, current: {current}");
        Refusal::new(504, "Timeout", message, Some(details))
    }

    /// The Status object.
    pub fn to_value(&self) -> Value {
        let mut status = Map::new();
        status.insert("kind", "Status");
        status.insert("apiVersion", "v1");
        status.insert("metadata", Map::new());
        status.insert("status", "Failure");
        status.insert("message", self.message.as_str());
        if !self.reason.is_empty() {
            status.insert("reason", self.reason);
        }
        if let Some(details) = &self.details {
            status.insert("details", details.to_value());
        }
        status.insert("code", i64::from(self.code));
        Value::Map(status)
    }
}

fn named(resource: &GroupName, name: &str) -> Details {
    Details {
        name: name.to_owned(),
        group: resource.group.clone(),
        kind: resource.name.clone(),
        ..Details::default()
    }
}

impl Details {
    pub fn to_value(&self) -> Value {
        let mut map = Map::new();
        for (key, text) in [
            ("name", &self.name),
            ("group", &self.group),
            ("kind", &self.kind),
            ("uid", &self.uid),
        ] {
            if !text.is_empty() {
                map.insert(key, text.as_str());
            }
        }
        if !self.causes.is_empty() {
            let causes: Vec<Value> = self.causes.iter().map(Cause::to_value).collect();
            map.insert("causes", causes);
        }
        if self.retry_after_seconds != 0 {
            map.insert("retryAfterSeconds", self.retry_after_seconds);
        }
        Value::Map(map)
    }
}

impl Cause {
    fn to_value(&self) -> Value {
        let mut map = Map::new();
        for (key, text) in [
            ("reason", &self.reason),
            ("message", &self.message),
            ("field", &self.field),
        ] {
            if !text.is_empty() {
                map.insert(key, text.as_str());
            }
        }
        Value::Map(map)
    }
}

/// One wrong field; `Display` prints it as Go's `field.Error` does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    pub field: String,
    /// `FieldValueInvalid` and so on.
    pub reason: &'static str,
    body: String,
}

impl FieldError {
    pub fn required(field: impl Into<String>, detail: &str) -> Self {
        FieldError {
            field: field.into(),
            reason: "FieldValueRequired",
            body: joined("Required value", detail),
        }
    }

    pub fn invalid(field: impl Into<String>, value: &Value, detail: &str) -> Self {
        FieldError {
            field: field.into(),
            reason: "FieldValueInvalid",
            body: joined(&format!("Invalid value: {}", shown(value)), detail),
        }
    }

    pub fn type_invalid(field: impl Into<String>, value: &Value, detail: &str) -> Self {
        FieldError {
            field: field.into(),
            reason: "FieldValueTypeInvalid",
            body: joined(&format!("Invalid value: {}", shown(value)), detail),
        }
    }

    pub fn duplicate(field: impl Into<String>, value: &Value) -> Self {
        FieldError {
            field: field.into(),
            reason: "FieldValueDuplicate",
            body: format!("Duplicate value: {}", shown(value)),
        }
    }

    pub fn not_supported(field: impl Into<String>, value: &Value, supported: &[String]) -> Self {
        let quoted: Vec<String> = supported.iter().map(|s| format!("{s:?}")).collect();
        FieldError {
            field: field.into(),
            reason: "FieldValueNotSupported",
            body: format!(
                "Unsupported value: {}: supported values: {}",
                shown(value),
                quoted.join(", ")
            ),
        }
    }

    /// An invalid value that is printed as it stands.
    pub fn invalid_plain(field: impl Into<String>, shown: &str, detail: &str) -> Self {
        FieldError {
            field: field.into(),
            reason: "FieldValueInvalid",
            body: joined(&format!("Invalid value: {shown}"), detail),
        }
    }

    pub fn too_long(field: impl Into<String>, most: usize) -> Self {
        FieldError {
            field: field.into(),
            reason: "FieldValueTooLong",
            body: format!("Too long: may not be more than {most} bytes"),
        }
    }

    pub fn too_many(field: impl Into<String>, count: i64, most: i64) -> Self {
        FieldError {
            field: field.into(),
            reason: "FieldValueTooMany",
            body: format!("Too many: {count}: must have at most {most} items"),
        }
    }

    pub fn forbidden(field: impl Into<String>, detail: &str) -> Self {
        FieldError {
            field: field.into(),
            reason: "FieldValueForbidden",
            body: joined("Forbidden", detail),
        }
    }

    pub fn not_found(field: impl Into<String>, value: &Value) -> Self {
        FieldError {
            field: field.into(),
            reason: "FieldValueNotFound",
            body: format!("Not found: {}", shown(value)),
        }
    }

    /// The text without the field.
    pub fn body(&self) -> String {
        self.body.clone()
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.body)
    }
}

fn joined(head: &str, detail: &str) -> String {
    if detail.is_empty() {
        head.to_owned()
    } else {
        format!("{head}: {detail}")
    }
}

/// A value inside an error text: strings in Go's %q, the rest as JSON.
fn shown(value: &Value) -> String {
    value.to_json()
}
