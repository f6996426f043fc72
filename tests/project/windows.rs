use super::{app, project};
use drupelet::project::{Asked, can_sync};
use jiff::Timestamp;

/// A Wednesday.
const NOON: &str = "2026-03-04T12:00:00Z";

struct Case<'a> {
    windows: &'a str,
    now: &'a str,
    is_manual: bool,
    began: Option<&'a str>,
}

impl Case<'_> {
    #[track_caller]
    fn is(self, expected: Result<bool, &str>) {
        let project = project(&format!("{{syncWindows: [{}]}}", self.windows));
        let app = app(
            "argocd",
            "{destination: {server: 'https://k', namespace: web}}",
        );
        let time = |text: &str| text.parse::<Timestamp>().expect("a time");
        let asked = Asked {
            now: time(self.now),
            is_manual: self.is_manual,
            began: self.began.map(time),
        };
        let offset = |zone: &str| (zone == "Europe/Berlin").then_some(3600);
        let result = can_sync(&project, &app, asked, &offset);
        let result = result.map_err(|error| error.to_string());
        assert_eq!(result.as_ref().map_err(String::as_str).copied(), expected);
    }
}

#[track_caller]
fn check(windows: &str, now: &str, expected: bool) {
    automatic(windows, now).is(Ok(expected));
}

fn automatic<'a>(windows: &'a str, now: &'a str) -> Case<'a> {
    Case {
        windows,
        now,
        is_manual: false,
        began: None,
    }
}

fn window(kind: &str, schedule: &str, duration: &str, more: &str) -> String {
    format!("{{kind: {kind}, schedule: '{schedule}', duration: {duration}, {more}}}")
}

#[test]
fn a_window_opens_with_its_schedule_and_closes_after_its_duration() {
    let allow = window("allow", "0 11 * * *", "2h", "applications: ['*']");
    check(&allow, NOON, true);
    check(&allow, "2026-03-04T11:00:01Z", true);
    check(&allow, "2026-03-04T12:59:59Z", true);
    check(&allow, "2026-03-04T13:00:01Z", false);
    check(&allow, "2026-03-04T10:59:59Z", false);
    let deny = window("deny", "0 11 * * *", "2h", "applications: ['*']");
    check(&deny, NOON, false);
    check(&deny, "2026-03-04T14:00:00Z", true);
    check("", NOON, true);
}

#[test]
fn an_active_denial_wins_and_a_waiting_allowance_holds() {
    let allow = window("allow", "* * * * *", "1h", "applications: ['*']");
    let deny = window("deny", "0 11 * * *", "2h", "applications: ['*']");
    check(&format!("{allow}, {deny}"), NOON, false);
    check(&format!("{allow}, {deny}"), "2026-03-04T15:00:00Z", true);
    let night = window("allow", "0 22 * * *", "1h", "applications: ['*']");
    check(&format!("{allow}, {night}"), NOON, true);
}

#[test]
fn a_window_concerns_applications_clusters_and_namespaces() {
    let deny = |more: &str| window("deny", "* * * * *", "1h", more);
    check(&deny("applications: ['b*']"), NOON, true);
    check(&deny("applications: ['a*']"), NOON, false);
    check(&deny("namespaces: [web]"), NOON, false);
    check(&deny("clusters: ['https://k']"), NOON, false);
    check(
        &deny("applications: ['b*'], namespaces: [web]"),
        NOON,
        false,
    );
    let both = "applications: ['b*'], namespaces: [web], andOperator: true";
    check(&deny(both), NOON, true);
    let both = "applications: ['a*'], namespaces: [web], andOperator: true";
    check(&deny(both), NOON, false);
}

#[test]
fn people_and_running_operations_may_pass_where_the_window_says_so() {
    let night = |more: &str| {
        window(
            "allow",
            "0 10 * * *",
            "1h",
            &format!("applications: ['*'], {more}"),
        )
    };
    let manual = |windows: &str, expected: bool| {
        let case = automatic(windows, NOON);
        Case {
            is_manual: true,
            ..case
        }
        .is(Ok(expected));
    };
    manual(&night(""), false);
    manual(&night("manualSync: true"), true);
    let began = |windows: &str, began: &str, expected: bool| {
        let case = automatic(windows, NOON);
        Case {
            began: Some(began),
            ..case
        }
        .is(Ok(expected));
    };
    began(&night("syncOverrun: true"), "2026-03-04T10:30:00Z", true);
    began(&night("syncOverrun: true"), "2026-03-04T09:30:00Z", false);
    began(&night(""), "2026-03-04T10:30:00Z", false);
}

#[test]
fn schedules_have_steps_names_and_time_zones() {
    let deny = |schedule: &str, more: &str| {
        window(
            "deny",
            schedule,
            "10m",
            &format!("applications: ['*'], {more}"),
        )
    };
    // 12:00 on Wednesday, 4 March; the window is the ten minutes before it too.
    for schedule in [
        "55 11 * * *",
        "*/5 * * * *",
        "55 11 * MAR wed",
        "55 11 * 3 1-5",
        "55/10 11 * * *",
        "55 8-11 4,5 * ?",
        // Both days are given: one is enough.
        "55 11 1 * wed",
    ] {
        check(&deny(schedule, ""), NOON, false);
    }
    for schedule in [
        "45 11 * * *",
        "55 11 * * thu",
        "55 11 5 * *",
        "55 11 1 * mon",
        "55 11 * 4 *",
        "0 12 29 2 *",
    ] {
        check(&deny(schedule, ""), NOON, true);
    }
    check(&deny("55 12 * * *", "timeZone: Europe/Berlin"), NOON, false);
    check(&deny("55 11 * * *", "timeZone: Europe/Berlin"), NOON, true);
    check(&deny("55 11 * * *", "timeZone: No/Where"), NOON, false);
    for (schedule, problem) in [
        ("55 11 * *", "expected exactly 5 fields, found 4"),
        ("60 11 * * *", "60 is not within 0 to 59"),
        ("x 11 * * *", "failed to parse int from x"),
        (
            "*/0 11 * * *",
            "step of range should be a positive number: */0",
        ),
    ] {
        let text = deny(schedule, "");
        let wanted = format!("invalid sync windows: cannot parse schedule '{schedule}': {problem}");
        automatic(&text, NOON).is(Err(&wanted));
    }
    let text = window("deny", "* * * * *", "soon", "applications: ['*']");
    let wanted = "invalid sync windows: cannot parse duration 'soon': not a duration";
    automatic(&text, NOON).is(Err(wanted));
}
