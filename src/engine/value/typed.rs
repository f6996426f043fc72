//! JSON texts as Rust types, with the place of what does not fit.
//!
//! serde_json says how far it read; the keys and indices that lead there follow
//! from the text. A crate that notes the way (serde_path_to_error) has all code
//! of the types compiled once more.

use super::yaml::Step;
use serde::de::DeserializeOwned;

/// Why a text is not of the type, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// Of an unknown field they end with its key, of a missing one with what it
    /// is missing in.
    pub steps: Vec<Step>,
    /// In serde's words, without a position.
    pub cause: String,
}

/// Reads a text of one line, as `Value::to_json` writes it. Types with fields
/// that are flattened or tried in several ways (`#[serde(untagged)]`) are placed
/// no better than at their end.
pub fn from_json_line<T: DeserializeOwned>(text: &str) -> Result<T, Misfit> {
    serde_json::from_str(text).map_err(|error| {
        let message = error.to_string();
        let cause = message
            .rsplit_once(" at line ")
            .map_or(message.as_str(), |(cause, _)| cause);
        let mut frames = frames_at(text.as_bytes().get(..error.column()).unwrap_or_default());
        if let Some(Frame::Map(key)) = frames.last_mut()
            && cause.starts_with("missing field ")
        {
            *key = None;
        }
        Misfit {
            steps: steps_of(frames),
            cause: cause.to_owned(),
        }
    })
}

enum Frame {
    /// The last key that was read.
    Map(Option<String>),
    Seq(usize),
}

/// What is open at the end of the first part of a JSON text.
fn frames_at(mut read: &[u8]) -> Vec<Frame> {
    let mut frames = Vec::new();
    let mut is_value = false;
    while let [byte, rest @ ..] = read {
        read = rest;
        match byte {
            b'{' => frames.push(Frame::Map(None)),
            b'[' => frames.push(Frame::Seq(0)),
            b'}' | b']' => {
                frames.pop();
            }
            b',' => {
                if let Some(Frame::Seq(at)) = frames.last_mut() {
                    *at += 1;
                }
            }
            b'"' => {
                let n_bytes = string_bytes(rest);
                let (string, behind) = rest.split_at(n_bytes);
                read = behind.get(1..).unwrap_or_default();
                if !is_value && let Some(Frame::Map(key)) = frames.last_mut() {
                    *key = Some(key_of(string));
                }
            }
            _ => {}
        }
        // A string behind a colon is no key.
        is_value = *byte == b':';
    }
    frames
}

fn steps_of(frames: Vec<Frame>) -> Vec<Step> {
    let steps = frames.into_iter().map_while(|frame| match frame {
        Frame::Map(key) => key.map(Step::Key),
        Frame::Seq(at) => Some(Step::Item(at)),
    });
    steps.collect()
}

/// How long a string is whose first quote has been read.
fn string_bytes(text: &[u8]) -> usize {
    let mut is_escaped = false;
    let end = text.iter().position(|byte| {
        let ends = *byte == b'"' && !is_escaped;
        is_escaped = *byte == b'\\' && !is_escaped;
        ends
    });
    end.unwrap_or(text.len())
}

fn key_of(string: &[u8]) -> String {
    let text = String::from_utf8_lossy(string);
    serde_json::from_str(&format!("\"{text}\"")).unwrap_or_else(|_| text.into_owned())
}

#[cfg(test)]
mod tests {
    use super::{Step, frames_at, from_json_line, steps_of};
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "camelCase")]
    struct Outer {
        #[allow(dead_code)]
        name: String,
        #[serde(default)]
        #[allow(dead_code)]
        items: Vec<Inner>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        #[allow(dead_code)]
        count: u32,
    }

    #[track_caller]
    fn check(text: &str, steps: &[Step], cause: &str) {
        let misfit = from_json_line::<Outer>(text).expect_err("it does not fit");
        assert_eq!(misfit.steps, steps);
        assert!(misfit.cause.contains(cause), "{}", misfit.cause);
        assert!(!misfit.cause.contains("line"), "{}", misfit.cause);
    }

    #[test]
    fn the_place_of_a_wrong_type_is_its_own() {
        let item = |n: usize| ["items".into(), n.into(), "count".into()];
        let wrong = r#"{"name":"a, \"b\": {[","items":[{"count":1},{"count":"x"}]}"#;
        check(wrong, &item(1), "invalid type: string");
        let wrong = r#"{"items":[{"count":[1,{"a":2}]}],"name":"a"}"#;
        check(wrong, &item(0), "invalid type: sequence");
        let wrong = r#"{"items":[{"count":-1}],"name":"a"}"#;
        check(wrong, &item(0), "invalid value: integer `-1`");
        check(r#"{"name":{}}"#, &["name".into()], "invalid type: map");
        check(r#"{"name":null}"#, &["name".into()], "invalid type: null");
        let wrong = r#"{"items":[7],"name":"a"}"#;
        check(wrong, &["items".into(), 0.into()], "invalid type: integer");
        check("[[1]]", &[0.into()], "invalid type: sequence");
        check("7", &[], "invalid type: integer");
    }

    #[test]
    fn the_place_of_an_unknown_field_is_its_key() {
        let wrong = r#"{"name":"a","items":[{"count":1,"co\"lour":3}]}"#;
        let steps = ["items".into(), 0.into(), "co\"lour".into()];
        check(wrong, &steps, "unknown field `co\"lour`");
        check(r#"{"Name":"a"}"#, &["Name".into()], "unknown field");
    }

    #[test]
    fn the_place_of_a_missing_field_is_what_it_is_missing_in() {
        let steps = ["items".into(), 1.into()];
        check(
            r#"{"name":"a","items":[{"count":1},{}]}"#,
            &steps,
            "missing field `count`",
        );
        check(r#"{"items":[]}"#, &[], "missing field `name`");
        check("{}", &[], "missing field `name`");
    }

    #[test]
    fn a_text_that_ends_early_has_a_place() {
        let text = r#"{"a":[{"b":"c"},{"d":[1,[2,{"e\u00e9":"#;
        let steps = [
            "a".into(),
            1.into(),
            "d".into(),
            1.into(),
            1.into(),
            "eé".into(),
        ];
        assert_eq!(steps_of(frames_at(text.as_bytes())), steps);
        for end in 0..=text.len() {
            frames_at(&text.as_bytes()[..end]);
        }
    }
}
