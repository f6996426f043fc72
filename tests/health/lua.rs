//! Users' own rules: what they may say, and what they may not do.

use drupelet::agent::ArgocdCm;
use drupelet::health::{Health, HealthStatus, health_by};
use drupelet::object::Object;
use drupelet::value::yaml;
use std::process::{Command, Output};

const THING: &str = "{apiVersion: x.example/v1, kind: Thing, metadata: {name: a, labels: {n: '3'}},
    spec: {parts: [{name: one, size: 2}, {name: two, size: 2.5}], none: null},
    status: {phase: Ready, since: '2026-01-01T00:00:00Z'}}";
const NOW: i64 = 1_767_225_600;

fn object(text: &str) -> Object {
    Object::new(yaml::parse_one(text).expect("YAML")).expect("an object")
}

/// argocd-cm with one key.
fn config(key: &str, text: &str) -> ArgocdCm {
    let mut cm = object("{apiVersion: v1, kind: ConfigMap, metadata: {name: argocd-cm}}");
    cm.root_mut().entry_map("data").insert(key, text);
    ArgocdCm::read(&cm)
}

fn judged(key: &str, text: &str) -> Option<Health> {
    let config = config(key, text);
    assert_eq!(config.faults, [] as [String; 0]);
    health_by(&object(THING), &config.health, NOW)
}

#[track_caller]
fn check(script: &str, status: HealthStatus, message: &str) {
    let found = judged("resource.customizations.health.x.example_Thing", script);
    assert_eq!(found, Some(Health::new(status, message)));
}

/// The same, with `useOpenLibs`.
#[track_caller]
fn check_open(script: &str, status: HealthStatus, message: &str) {
    let mut text = "x.example/Thing:\n  health.lua.useOpenLibs: true\n  health.lua: |\n".to_owned();
    for line in script.lines() {
        text.push_str(&format!("    {line}\n"));
    }
    let found = judged("resource.customizations", &text);
    assert_eq!(found, Some(Health::new(status, message)));
}

#[test]
fn a_rule_sees_its_object() {
    check(
        "hs = {}
        if obj.status ~= nil and obj.status.phase == 'Ready' and obj.spec.none == nil then
          hs.status = 'Healthy'
          sum = 0
          for i, part in ipairs(obj.spec.parts) do sum = sum + part.size end
          hs.message = obj.metadata.name .. ' ' .. tostring(#obj.spec.parts) .. ' ' .. tostring(sum)
        end
        return hs",
        HealthStatus::Healthy,
        "a 2 4.5",
    );
    check(
        "return {status = 'Progressing'}",
        HealthStatus::Progressing,
        "",
    );
    check(
        "return {status = 'Suspended', message = tostring(os.time())}",
        HealthStatus::Suspended,
        "1767225600",
    );
}

#[test]
fn a_rule_that_fails_is_unknown_and_says_why() {
    check(
        "return {status = 'Fine'}",
        HealthStatus::Unknown,
        "Lua returned an invalid health status",
    );
    check(
        "return 1",
        HealthStatus::Unknown,
        "expect table output from Lua script, not number",
    );
    check(
        "return obj.spec.no.such.field",
        HealthStatus::Unknown,
        "health.lua:1: attempt to index field 'no' (a nil value)",
    );
    check("error('mine')", HealthStatus::Unknown, "health.lua:1: mine");
}

#[test]
fn a_rule_reaches_nothing_but_its_object() {
    for name in [
        "io",
        "require",
        "load",
        "loadstring",
        "dofile",
        "loadfile",
        "package",
        "debug",
        "print",
        "collectgarbage",
        "getfenv",
        "setfenv",
        "newproxy",
        "os.getenv",
        "os.execute",
        "os.exit",
        "os.remove",
        "string",
        "math",
    ] {
        check(
            &format!("return {{status = 'Healthy', message = tostring({name})}}"),
            HealthStatus::Healthy,
            "nil",
        );
    }
    for name in [
        "io",
        "require",
        "loadstring",
        "debug",
        "string.dump",
        "os.execute",
    ] {
        let wanted = if name == "string.dump" {
            None
        } else {
            Some("nil")
        };
        if let Some(wanted) = wanted {
            check_open(
                &format!("return {{status = 'Healthy', message = tostring({name})}}"),
                HealthStatus::Healthy,
                wanted,
            );
        }
    }
    check_open(
        "return {status = 'Healthy', message = string.upper(obj.kind) .. math.floor(2.5)}",
        HealthStatus::Healthy,
        "THING2",
    );
}

#[test]
fn a_rule_ends_and_stays_small() {
    for endless in [
        "while true do end",
        "local function f() return f() end return f()",
        "while true do pcall(function() while true do end end) end",
        "for i = 1, 1e12 do xpcall(error, function() end) end",
    ] {
        check(
            endless,
            HealthStatus::Unknown,
            "takes more than 5000000 instructions",
        );
    }
    for bomb in [
        "local t = {} for i = 1, 1e9 do t[i] = {i, i, i} end",
        "local s = 'x' while true do s = s .. s end",
        "local function f(n) return 1 + f(n + 1) end return f(1)",
    ] {
        let found = judged("resource.customizations.health.x.example_Thing", bomb);
        let found = found.expect("the rule speaks");
        assert_eq!(found.status, HealthStatus::Unknown, "{}", found.message);
    }
    let found = judged(
        "resource.customizations",
        "x.example/Thing: {health.lua.useOpenLibs: true, health.lua: 'return string.rep(\"x\", 1e9)'}",
    );
    assert_eq!(
        found.map(|health| health.status),
        Some(HealthStatus::Unknown)
    );
}

#[test]
fn wildcards_stand_for_kinds_without_a_rule_of_their_own() {
    let rule =
        |who: &str| format!("{{health.lua: \"return {{status = 'Healthy', message = '{who}'}}\"}}");
    let found =
        |text: String| judged("resource.customizations", &text).map(|health| health.message);
    let wild = format!("'*.example/*': {}\n", rule("wild"));
    assert_eq!(found(wild.clone()), Some("wild".to_owned()));
    let both = format!("{wild}x.example/Thing: {}\n", rule("own"));
    assert_eq!(found(both), Some("own".to_owned()));
    let other = format!("'*.other/*': {}\n", rule("wild"));
    assert_eq!(found(other), None);
}

#[test]
fn a_script_that_cannot_be_read_is_told_with_its_key() {
    let config = config("resource.customizations.health.x.example_Thing", "return {");
    assert_eq!(config.faults.len(), 1);
    let fault = &config.faults[0];
    assert!(
        fault.starts_with(
            "argocd-cm, key resource.customizations.health.x.example_Thing: syntax error: health.lua:1:"
        ),
        "{fault}"
    );
}

fn run(settings: &str) -> Output {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (file, cm) = (
        folder.path().join("thing.yaml"),
        folder.path().join("cm.yaml"),
    );
    std::fs::write(&file, THING).expect("writable");
    std::fs::write(&cm, settings).expect("writable");
    Command::new(env!("CARGO_BIN_EXE_drupelet"))
        .args(["health", "-o", "json", "-f"])
        .arg(&file)
        .arg("--settings")
        .arg(&cm)
        .env_clear()
        .output()
        .expect("the binary starts")
}

#[test]
fn the_command_takes_rules_of_a_file() {
    let output = run("apiVersion: v1
kind: ConfigMap
metadata: {name: argocd-cm}
data:
  resource.customizations.health.x.example_Thing: |
    return {status = 'Degraded', message = 'as the file says'}
");
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(
        text.contains("Degraded") && text.contains("as the file says"),
        "{text}"
    );

    for (settings, wanted) in [
        (
            "{apiVersion: v1, kind: Secret, metadata: {name: s}}",
            "holds a Secret, not a ConfigMap",
        ),
        ("a: [", "cm.yaml"),
        (
            "{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {resource.customizations.health.Pod: 'return ('}}",
            "key resource.customizations.health.Pod: syntax error",
        ),
    ] {
        let output = run(settings);
        assert!(!output.status.success());
        let text = String::from_utf8(output.stderr).expect("UTF-8");
        assert!(text.contains(wanted), "{text}");
    }
}
