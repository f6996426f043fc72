use drupelet::value::patch::{apply_json_patch, diff_merge_patch, json_patch, merge_patch};
use drupelet::value::{Pointer, Value};

fn json(text: &str) -> Value {
    Value::from_json(text.as_bytes()).expect("the test's own JSON")
}

/// The table of RFC 7386, appendix A.
#[test]
fn merge_patches_as_the_rfc_says() {
    for (original, patch, result) in [
        (r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
        (r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#),
        (r#"{"a":"b"}"#, r#"{"a":null}"#, r#"{}"#),
        (r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#, r#"{"b":"c"}"#),
        (r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
        (r#"{"a":"c"}"#, r#"{"a":["b"]}"#, r#"{"a":["b"]}"#),
        (
            r#"{"a":{"b":"c"}}"#,
            r#"{"a":{"b":"d","c":null}}"#,
            r#"{"a":{"b":"d"}}"#,
        ),
        (r#"{"a":[{"b":"c"}]}"#, r#"{"a":[1]}"#, r#"{"a":[1]}"#),
        (r#"["a","b"]"#, r#"["c","d"]"#, r#"["c","d"]"#),
        (r#"{"a":"b"}"#, r#"["c"]"#, r#"["c"]"#),
        (r#"{"a":"foo"}"#, "null", "null"),
        (r#"{"a":"foo"}"#, r#""bar""#, r#""bar""#),
        (r#"{"e":null}"#, r#"{"a":1}"#, r#"{"a":1,"e":null}"#),
        ("[1,2]", r#"{"a":"b","c":null}"#, r#"{"a":"b"}"#),
        ("{}", r#"{"a":{"bb":{"ccc":null}}}"#, r#"{"a":{"bb":{}}}"#),
    ] {
        let mut value = json(original);
        merge_patch(&mut value, json(patch));
        assert_eq!(value.to_json(), result, "{original} with {patch}");
    }
}

#[test]
fn a_merge_diff_leads_from_one_to_the_other() {
    let from = json(r#"{"a":1,"b":{"c":1,"d":2},"e":[1],"same":{"x":1.0}}"#);
    let to = json(r#"{"b":{"c":1,"d":3},"e":[1,2],"f":{},"same":{"x":1}}"#);
    let patch = diff_merge_patch(from.as_map().unwrap(), to.as_map().unwrap());
    let patch = Value::Map(patch);
    assert_eq!(
        patch.to_json(),
        r#"{"a":null,"b":{"d":3},"e":[1,2],"f":{}}"#
    );
    let mut value = from;
    merge_patch(&mut value, patch);
    assert!(value.equals(&to));
}

#[track_caller]
fn check_json_patch(document: &str, patch: &str, expected: Result<&str, &str>) {
    let mut value = json(document);
    let result = json_patch(&json(patch))
        .and_then(|patch| apply_json_patch(&mut value, patch).map_err(|failed| failed.cause));
    let result = result.map(|()| value.to_json()).map_err(|e| e.to_string());
    assert_eq!(result.as_deref().map_err(String::as_str), expected);
}

/// The examples of RFC 6902, appendix A, and evanphx/json-patch's indices.
#[test]
fn json_patches_as_the_rfc_says() {
    let check = check_json_patch;
    check(
        r#"{"foo":"bar"}"#,
        r#"[{"op":"add","path":"/baz","value":"qux"}]"#,
        Ok(r#"{"baz":"qux","foo":"bar"}"#),
    );
    check(
        r#"{"foo":["bar","baz"]}"#,
        r#"[{"op":"add","path":"/foo/1","value":"qux"}]"#,
        Ok(r#"{"foo":["bar","qux","baz"]}"#),
    );
    check(
        r#"{"foo":["bar"]}"#,
        r#"[{"op":"add","path":"/foo/-","value":["abc","def"]}]"#,
        Ok(r#"{"foo":["bar",["abc","def"]]}"#),
    );
    check(
        r#"{"foo":["bar","qux","baz"]}"#,
        r#"[{"op":"remove","path":"/foo/1"}]"#,
        Ok(r#"{"foo":["bar","baz"]}"#),
    );
    check(
        r#"{"foo":[1,2,3]}"#,
        r#"[{"op":"remove","path":"/foo/-1"}]"#,
        Ok(r#"{"foo":[1,2]}"#),
    );
    check(
        r#"{"foo":{"bar":"baz","waldo":"fred"},"qux":{"corge":"grault"}}"#,
        r#"[{"op":"move","from":"/foo/waldo","path":"/qux/thud"}]"#,
        Ok(r#"{"foo":{"bar":"baz"},"qux":{"corge":"grault","thud":"fred"}}"#),
    );
    check(
        r#"{"/":9,"~1":10}"#,
        r#"[{"op":"test","path":"/~01","value":10.0},{"op":"copy","from":"/~1","path":"/a"}]"#,
        Ok(r#"{"/":9,"a":9,"~1":10}"#),
    );
    check(
        r#"{"a":1}"#,
        r#"[{"op":"replace","path":"","value":[2]}]"#,
        Ok("[2]"),
    );
    check(
        r#"{"baz":"qux"}"#,
        r#"[{"op":"test","path":"/baz","value":"bar"}]"#,
        Err(r#"testing value /baz failed: it is "qux""#),
    );
    check(
        r#"{"foo":"bar"}"#,
        r#"[{"op":"add","path":"/baz/bat","value":"qux"}]"#,
        Err(r#"add operation does not apply: doc is missing path "/baz/bat""#),
    );
    check(
        r#"{"foo":[1]}"#,
        r#"[{"op":"remove","path":"/foo/01"}]"#,
        Err(r#"remove operation does not apply: doc is missing path "/foo/01""#),
    );
    check(
        "{}",
        r#"[{"op":"grow","path":"/a"}]"#,
        Err(r#"operation 1: unexpected kind "grow""#),
    );
    check(
        "{}",
        r#"[{"op":"add","path":"a"}]"#,
        Err(r#"operation 1: JSON pointer "a" must be empty or begin with '/'"#),
    );
}

#[test]
fn copies_cannot_explode() {
    let mut operations =
        vec![r#"{"op":"add","path":"/a","value":["xxxxxxxxxxxxxxxx"]}"#.to_owned()];
    for _ in 0..40 {
        operations.push(r#"{"op":"copy","from":"/a","path":"/a/-"}"#.to_owned());
    }
    check_json_patch(
        "{}",
        &format!("[{}]", operations.join(",")),
        Err("copy operations add more than 3145728 bytes"),
    );
}

#[test]
fn a_pointer_reads_and_removes() {
    let mut value = json(r#"{"a/b":[{"c~d":1},2]}"#);
    let pointer = Pointer::parse("/a~1b/0/c~0d").unwrap();
    assert_eq!(value.pointer(&pointer), Some(&Value::Int(1)));
    assert_eq!(pointer.to_string(), "/a~1b/0/c~0d");
    assert_eq!(value.remove_at(&pointer), Some(Value::Int(1)));
    assert_eq!(value.remove_at(&pointer), None);
    assert_eq!(value.to_json(), r#"{"a/b":[{},2]}"#);
    assert!(Pointer::parse("a").is_err());
    // As json-patch has it: from left to right, and `~` alone is itself.
    for (text, parts) in [
        ("/~2", "~2"),
        ("/~~10", "~/0"),
        ("/~01", "~1"),
        ("/a~", "a~"),
    ] {
        let pointer = Pointer::parse(text).expect("it is a pointer");
        assert_eq!(pointer.parts(), [parts.to_owned()], "{text}");
    }
}

#[test]
fn whole_floats_equal_integers_in_text_and_digest() {
    let (a, b) = (json(r#"{"a":[1.0,1e3,-0.0]}"#), json(r#"{"a":[1,1000,0]}"#));
    assert!(a.equals(&b));
    assert_eq!(a.to_json(), b.to_json());
    assert_eq!(a.digest(), b.digest());
    assert!(!a.equals(&json(r#"{"a":[1.5,1000,0]}"#)));
    let text = r#"{"a":"\u0001\b\f\n\r\t\"\\é<&>","b":[1e+21,1e-7,0.000001,1.5]}"#;
    assert_eq!(json(text).to_json(), text);
    let serde = serde_json::to_string(&json(text)).expect("serializes");
    assert!(json(&serde).equals(&json(text)));
}
