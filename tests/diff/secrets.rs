//! Values of Secrets reach nobody's screen (CVE-2026-42880).

use crate::object;
use drupelet::diff::{IgnoreRules, changes, mask_secret, scrub};
use drupelet::object::Object;

fn secret(data: &str, annotations: &str) -> Object {
    object(&format!(
        r#"{{"apiVersion":"v1","kind":"Secret","metadata":{{"name":"s","annotations":{annotations}}},"data":{data}}}"#
    ))
}

#[test]
fn a_diff_shows_that_a_value_changed_and_not_what() {
    let applied = "kubectl.kubernetes.io/last-applied-configuration";
    let mut live = Some(secret(
        r#"{"a":"c2VjcmV0","b":"c2FtZQ=="}"#,
        &format!(r#"{{"{applied}":"c2VjcmV0","token":"t0ken"}}"#),
    ));
    let mut predicted = Some(secret(
        r#"{"a":"b3RoZXI=","b":"c2FtZQ=="}"#,
        r#"{"token":"t1ken"}"#,
    ));
    mask_secret(&mut live, &mut predicted, &["token".to_owned()]);
    let (live, predicted) = (live.expect("it is"), predicted.expect("it is"));
    for text in [live.to_json(), predicted.to_json()] {
        for value in ["c2VjcmV0", "b3RoZXI=", "c2FtZQ==", "t0ken", "t1ken"] {
            assert!(!text.contains(value), "{value} in {text}");
        }
    }
    let found = changes(&live, &predicted, &IgnoreRules::default());
    let mut paths: Vec<_> = found.iter().map(|change| change.path.as_str()).collect();
    paths.sort_unstable();
    assert_eq!(paths, ["data.a", "metadata.annotations.token"]);
}

#[test]
fn an_error_that_repeats_a_secret_is_scrubbed() {
    let own = secret(
        r#"{"a":"c2VjcmV0LXZhbHVl","b":{"deep":["in here"]},"c":12345}"#,
        "{}",
    );
    let text = r#"Secret "s" is invalid: data: Invalid value: "c2VjcmV0LXZhbHVl", secret-value, "in here", 12345"#;
    assert_eq!(
        scrub(text, &own),
        r#"Secret "s" is invalid: data: Invalid value: "++++++++", ++++++++, "++++++++", ++++++++"#
    );
    let other = object(
        r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"s"},"data":{"a":"visible"}}"#,
    );
    assert_eq!(scrub("visible", &other), "visible");
}

#[test]
fn data_of_the_wrong_form_is_not_shown() {
    for data in [
        r#""c2VjcmV0""#,
        r#"["c2VjcmV0"]"#,
        r#"{"a":{"b":"c2VjcmV0"}}"#,
    ] {
        let (mut live, mut predicted) = (Some(secret(data, "{}")), None);
        mask_secret(&mut live, &mut predicted, &[]);
        assert!(!live.expect("it is").to_json().contains("c2VjcmV0"));
        let error = scrub("cannot decode c2VjcmV0 here", &secret(data, "{}"));
        assert_eq!(error, "cannot decode ++++++++ here");
    }
}
