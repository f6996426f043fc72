use super::Call;
use crate::sandbox::status::{FieldError, GroupName, Refusal};
use crate::value::Value;

/// What `fieldValidation` asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Validation {
    Ignore,
    #[default]
    Warn,
    Strict,
}

/// The options that all writes share.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WriteOptions {
    pub manager: String,
    pub dry_run: bool,
    pub validation: Validation,
}

/// The API server's limit for the name of a field manager.
const MAX_MANAGER_BYTES: usize = 128;

impl WriteOptions {
    /// Reads the query; `kind` is CreateOptions, UpdateOptions or PatchOptions.
    pub fn of(call: &Call, kind: &str) -> Result<Self, Refusal> {
        let mut errors = Vec::new();
        let explicit = call.query.get("fieldManager");
        if explicit.len() > MAX_MANAGER_BYTES {
            errors.push(FieldError::too_long("fieldManager", MAX_MANAGER_BYTES));
        } else if explicit.chars().any(char::is_control) {
            errors.push(FieldError::invalid(
                "fieldManager",
                &Value::from(explicit),
                "should only contain printable characters",
            ));
        }
        let dry_run = check_dry_run(call.query.dry_run(), &mut errors);
        let validation = match call.query.get("fieldValidation") {
            "" | "Warn" => Validation::Warn,
            "Ignore" => Validation::Ignore,
            "Strict" => Validation::Strict,
            other => {
                let supported = ["", "Ignore", "Strict", "Warn"].map(str::to_owned);
                errors.push(FieldError::not_supported(
                    "fieldValidation",
                    &Value::from(other),
                    &supported,
                ));
                Validation::Warn
            }
        };
        if !errors.is_empty() {
            let kind = GroupName::new("meta.k8s.io", kind);
            return Err(Refusal::invalid(&kind, "", &errors));
        }
        Ok(WriteOptions {
            manager: manager_or_user_agent(explicit, &call.user_agent),
            dry_run,
            validation,
        })
    }
}

/// True for a dry run; only `All` is known.
pub fn check_dry_run(values: &[String], errors: &mut Vec<FieldError>) -> bool {
    if values.iter().any(|value| value != "All") {
        let given: Vec<Value> = values.iter().map(|v| Value::from(v.as_str())).collect();
        errors.push(FieldError::not_supported(
            "dryRun",
            &Value::Seq(given),
            &["All".to_owned()],
        ));
    }
    values.iter().any(|value| value == "All")
}

/// The part of the user agent before the first slash stands in for a manager.
fn manager_or_user_agent(manager: &str, user_agent: &str) -> String {
    if !manager.is_empty() {
        return manager.to_owned();
    }
    let mut name = String::new();
    for letter in user_agent.split('/').next().unwrap_or_default().chars() {
        if letter.is_control() {
            continue;
        }
        if name.len() + letter.len_utf8() > MAX_MANAGER_BYTES {
            break;
        }
        name.push(letter);
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_manager_after_the_user_agent() {
        assert_eq!(
            manager_or_user_agent("", "kubectl/v1.34.0 (linux)"),
            "kubectl"
        );
        assert_eq!(manager_or_user_agent("mine", "kubectl/v1.34.0"), "mine");
        assert_eq!(manager_or_user_agent("", ""), "");
    }
}
