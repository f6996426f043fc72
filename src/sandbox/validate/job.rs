//! Jobs and CronJobs.

use super::checks::{Check, int, set, text};
use super::{meta, pod};
use crate::value::{Map, Value};

/// A CronJob's jobs get a suffix of 11 bytes.
const MAX_CRON_NAME: usize = 52;

pub fn job(check: &mut Check, object: &Value, live: Option<&Value>) {
    let none = Value::Null;
    let spec = object.get("spec").unwrap_or(&none);
    job_spec(check, "spec", spec);
    let Some(old) = live.and_then(|live| live.get("spec")) else {
        if set(spec, "selector").is_none() {
            check.required("spec.selector", "");
        }
        return;
    };
    check.immutable("spec.selector", spec.get("selector"), old.get("selector"));
    check.immutable(
        "spec.completionMode",
        spec.get("completionMode"),
        old.get("completionMode"),
    );
    check.immutable(
        "spec.podFailurePolicy",
        spec.get("podFailurePolicy"),
        old.get("podFailurePolicy"),
    );
    check.immutable("spec.template", spec.get("template"), old.get("template"));
    let is_indexed = text(old, "completionMode") == "Indexed";
    if !is_indexed {
        check.immutable(
            "spec.completions",
            spec.get("completions"),
            old.get("completions"),
        );
    }
}

fn job_spec(check: &mut Check, path: &str, spec: &Value) {
    for key in [
        "parallelism",
        "completions",
        "activeDeadlineSeconds",
        "backoffLimit",
        "ttlSecondsAfterFinished",
        "backoffLimitPerIndex",
        "maxFailedIndexes",
    ] {
        check.not_negative(format!("{path}.{key}"), spec.get(key));
    }
    let mode = text(spec, "completionMode");
    check.one_of(
        format!("{path}.completionMode"),
        set(spec, "completionMode"),
        &["NonIndexed", "Indexed"],
    );
    if mode == "Indexed" && int(spec, "completions").is_none() {
        check.required(
            format!("{path}.completions"),
            "when completion mode is Indexed",
        );
    }
    if mode != "Indexed" {
        for key in ["backoffLimitPerIndex", "maxFailedIndexes"] {
            if let Some(value) = set(spec, key) {
                check.invalid(
                    format!("{path}.{key}"),
                    Some(value),
                    "requires indexed completion mode",
                );
            }
        }
    }
    let none = Value::Null;
    let template = spec.get("template").unwrap_or(&none);
    pod::template(check, &format!("{path}.template"), template, &[]);
    let path = format!("{path}.template.spec.restartPolicy");
    let policy = template.at(&["spec", "restartPolicy"]);
    match policy.and_then(Value::as_str).unwrap_or_default() {
        "" | "Always" => {
            check.required(path, "valid values: \"OnFailure\", \"Never\"");
        }
        "OnFailure" if set(spec, "podFailurePolicy").is_some() => check.invalid(
            path,
            policy,
            "only \"Never\" is supported when podFailurePolicy is specified",
        ),
        _ => check.one_of(path, policy, &["OnFailure", "Never"]),
    }
}

pub fn cron_job(check: &mut Check, object: &Value, live: Option<&Value>) {
    let none = Value::Null;
    let spec = object.get("spec").unwrap_or(&none);
    let schedule = text(spec, "schedule");
    if schedule.is_empty() {
        check.required("spec.schedule", "");
    } else {
        if schedule.contains("TZ") {
            check.invalid_text(
                "spec.schedule",
                schedule,
                "cannot use TZ or CRON_TZ in schedule, use timeZone field instead",
            );
        }
        if let Err(why) = cron(schedule) {
            check.invalid_text("spec.schedule", schedule, &why);
        }
    }
    check.not_negative(
        "spec.startingDeadlineSeconds",
        spec.get("startingDeadlineSeconds"),
    );
    time_zone(check, spec);
    check.one_of(
        "spec.concurrencyPolicy",
        spec.get("concurrencyPolicy"),
        &["Allow", "Forbid", "Replace"],
    );
    let template = spec.get("jobTemplate").unwrap_or(&none);
    meta::labels(
        check,
        "spec.jobTemplate.metadata.labels",
        template.at(&["metadata", "labels"]),
    );
    let empty = Value::Map(Map::new());
    job_spec(
        check,
        "spec.jobTemplate.spec",
        template.get("spec").unwrap_or(&empty),
    );
    if template
        .at(&["spec", "manualSelector"])
        .and_then(Value::as_bool)
        == Some(true)
    {
        check.not_supported(
            "spec.jobTemplate.spec.manualSelector",
            &Value::Bool(true),
            &["nil", "false"],
        );
    }
    check.not_negative(
        "spec.successfulJobsHistoryLimit",
        spec.get("successfulJobsHistoryLimit"),
    );
    check.not_negative(
        "spec.failedJobsHistoryLimit",
        spec.get("failedJobsHistoryLimit"),
    );
    let name = object
        .at(&["metadata", "name"])
        .and_then(Value::as_str)
        .unwrap_or_default();
    if live.is_none() && name.len() > MAX_CRON_NAME {
        check.invalid_text("metadata.name", name, "must be no more than 52 characters");
    }
}

fn time_zone(check: &mut Check, spec: &Value) {
    let Some(zone) = set(spec, "timeZone").and_then(Value::as_str) else {
        return;
    };
    let path = "spec.timeZone";
    if zone.is_empty() {
        check.invalid_text(path, zone, "timeZone must be nil or non-empty string");
    } else if zone.eq_ignore_ascii_case("local") {
        check.invalid_text(
            path,
            zone,
            "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones",
        );
    } else if jiff::tz::TimeZone::get(zone).is_err() {
        check.invalid_text(path, zone, &format!("unknown time zone {zone}"));
    }
}

/// The schedule of robfig/cron: five fields or a descriptor.
fn cron(schedule: &str) -> Result<(), String> {
    if let Some(name) = schedule.strip_prefix('@') {
        return match name {
            "yearly" | "annually" | "monthly" | "weekly" | "daily" | "midnight" | "hourly" => {
                Ok(())
            }
            _ if name.starts_with("every ") => Ok(()),
            _ => Err(format!("unrecognized descriptor: {schedule}")),
        };
    }
    let fields: Vec<&str> = schedule.split_whitespace().collect();
    if fields.len() != 5 {
        let shown: Vec<&str> = fields.clone();
        return Err(format!(
            "expected exactly 5 fields, found {}: [{}]",
            fields.len(),
            shown.join(" ")
        ));
    }
    const BOUNDS: [(u32, u32); 5] = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 6)];
    for (field, (least, most)) in fields.iter().zip(BOUNDS) {
        for part in field.split(',') {
            cron_range(part, least, most)?;
        }
    }
    Ok(())
}

fn cron_range(part: &str, least: u32, most: u32) -> Result<(), String> {
    const NAMES: [&str; 19] = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec", "sun",
        "mon", "tue", "wed", "thu", "fri", "sat",
    ];
    let (range, step) = match part.split_once('/') {
        Some((range, step)) => (range, Some(step)),
        None => (part, None),
    };
    let number = |text: &str| -> Result<u32, String> {
        if NAMES.contains(&text.to_lowercase().as_str()) {
            return Ok(least);
        }
        text.parse().map_err(|_| {
            format!(
                "failed to parse int from {text}: strconv.Atoi: parsing {text:?}: invalid syntax"
            )
        })
    };
    if let Some(step) = step
        && number(step)? == 0
    {
        return Err(format!("step of range should be a positive number: {part}"));
    }
    if range == "*" || range == "?" {
        return Ok(());
    }
    let (from, to) = match range.split_once('-') {
        Some((from, to)) => (number(from)?, number(to)?),
        None => {
            let from = number(range)?;
            (from, from)
        }
    };
    if from < least {
        return Err(format!(
            "beginning of range ({from}) below minimum ({least}): {part}"
        ));
    }
    if to > most {
        return Err(format!(
            "end of range ({to}) above maximum ({most}): {part}"
        ));
    }
    if from > to {
        return Err(format!(
            "beginning of range ({from}) beyond end of range ({to}): {part}"
        ));
    }
    Ok(())
}
