//! Templates that want too much: they end with an error, on a thread of 2 MiB.

use std::any::Any;
use std::rc::Rc;

use drupelet::gotmpl::{Context, Kind, Limits, Map, Object, TemplateSet, Val, funcs};

use crate::support::FixedHost;

fn render(text: &str, limits: Limits) -> Result<String, String> {
    render_with(text, limits, Val::Map(Map::new()))
}

fn render_with(text: &str, limits: Limits, data: Val) -> Result<String, String> {
    let mut set = TemplateSet::new(funcs::table());
    set.parse("case", text.as_bytes())
        .map_err(|e| e.to_string())?;
    let mut context = Context::with_templates(set.into(), &FixedHost, limits);
    let result = context.render("case", data);
    result.map(|t| t.to_string()).map_err(|e| e.to_string())
}

#[track_caller]
fn fails(text: &str, wanted: &str) {
    let error = render(text, Limits::default()).expect_err("the template wants too much");
    let end = &error[error.len().saturating_sub(200)..];
    assert!(error.contains(wanted), "{end}");
}

#[test]
fn a_loop_of_includes_ends_as_in_helm() {
    fails(
        r#"{{ define "a" }}{{ include "a" . }}{{ end }}{{ include "a" . }}"#,
        "rendering template has a nested reference name: a: unable to execute template",
    );
}

#[test]
fn a_loop_of_templates_ends() {
    fails(
        r#"{{ define "a" }}{{ template "a" . }}{{ end }}{{ template "a" . }}"#,
        "exceeded maximum template depth",
    );
}

#[test]
fn a_loop_of_tpl_ends() {
    fails(
        r#"{{ define "a" }}{{ tpl "{{ template \"a\" . }}" . }}{{ end }}{{ template "a" . }}"#,
        "exceeded maximum template depth",
    );
}

#[test]
fn deep_parentheses_end() {
    let (open, close) = ("(".repeat(100_000), ")".repeat(100_000));
    fails(
        &format!("{{{{ {open}1{close} }}}}"),
        "max expression depth exceeded",
    );
}

#[test]
fn deep_blocks_end() {
    let text = "{{ if true }}".repeat(100_000) + &"{{ end }}".repeat(100_000);
    fails(&text, "max expression depth exceeded");
    let text = "{{ if false }}".to_owned() + &"{{ else if false }}".repeat(100_000) + "{{ end }}";
    fails(&text, "max expression depth exceeded");
}

#[test]
fn what_can_be_parsed_can_be_executed() {
    for depth in [10, 100, 200, 400, 800, 1600, 3200] {
        let (open, close) = ("(".repeat(depth), ")".repeat(depth));
        // An error is fine, an overflow of the stack would end the test.
        let _ = render(&format!("{{{{ {open}1{close} }}}}"), Limits::default());
        let text = "{{ if true }}".repeat(depth) + &"{{ end }}".repeat(depth);
        let _ = render(&text, Limits::default());
        let text = "{{ with 1 }}".repeat(depth) + "{{ .x }}" + &"{{ end }}".repeat(depth);
        let _ = render(&text, Limits::default());
    }
}

#[test]
fn a_value_that_holds_itself_is_not_printed() {
    let cycle = r#"{{ $d := dict }}{{ $_ := set $d "self" $d }}"#;
    for print in [
        "{{ $d }}",
        "{{ print $d }}",
        r#"{{ printf "%v %s %d" $d $d $d }}"#,
        "{{ $d | quote }}",
        "{{ $d | toString }}",
        "{{ eq $d $d }}",
        "{{ deepCopy $d }}",
        "{{ mustToJson $d }}",
        "{{ mustToYaml $d }}",
        "{{ mergeOverwrite $d $d | print }}",
    ] {
        let error = render(&format!("{cycle}{print}"), Limits::default());
        assert!(error.is_err(), "{print}");
    }
    // These swallow errors, or see that both are the same.
    for print in [
        "{{ toYaml $d }}",
        "{{ toJson $d }}",
        "{{ deepEqual $d $d }}",
    ] {
        assert!(
            render(&format!("{cycle}{print}"), Limits::default()).is_ok(),
            "{print}"
        );
    }
}

#[test]
fn values_nest_as_deep_as_they_like() {
    for nest in ["list $x", r#"dict "a" $x"#] {
        let text = format!(
            "{{{{ $x := list }}}}{{{{ range until 200000 }}}}{{{{ $x = {nest} }}}}{{{{ end }}}}ok"
        );
        assert_eq!(render(&text, Limits::default()).as_deref(), Ok("ok"));
    }
}

#[test]
fn steps_are_limited() {
    let limits = Limits {
        steps: 10_000,
        ..Limits::default()
    };
    for text in [
        "{{ range 100000000 }}{{ end }}",
        "{{ range until 100000000 }}{{ end }}",
        "{{ range 1000 }}{{ range 1000 }}{{ end }}{{ end }}",
    ] {
        let error = render(text, limits).expect_err("too many steps");
        assert!(error.contains("more than 10000 steps"), "{error}");
    }
}

#[test]
fn bytes_are_limited() {
    let limits = Limits {
        bytes: 1_000_000,
        ..Limits::default()
    };
    for text in [
        r#"{{ repeat 10000000 "x" }}"#,
        r#"{{ $x := "xxxxxxxxxxxxxxxx" }}{{ range 40 }}{{ $x = print $x $x }}{{ end }}"#,
        r#"{{ $x := "xxxxxxxxxxxxxxxx" }}{{ range 40 }}{{ $x = cat $x $x }}{{ end }}"#,
        r#"{{ $x := "xxxxxxxxxxxxxxxx" }}{{ range 40 }}{{ $x = replace "x" $x $x }}{{ end }}"#,
        r#"{{ range 1000000 }}0123456789{{ end }}"#,
        r#"{{ range 1000000 }}{{ printf "%999999d" 1 }}{{ end }}"#,
        r#"{{ define "a" }}{{ range 1000 }}{{ $ }}{{ end }}{{ end }}{{ $x := "xxxx" }}{{ range 9 }}{{ $x = include "a" $x }}{{ end }}"#,
    ] {
        let error = render(text, limits).expect_err("too many bytes");
        assert!(error.contains("more than 1000000 bytes"), "{text}: {error}");
    }
}

/// Tells whether it still lives.
struct Witness(#[expect(dead_code, reason = "held for its reference count")] Rc<()>);

impl Object for Witness {
    fn type_name(&self) -> &'static str {
        "test.Witness"
    }

    fn kind(&self) -> Kind {
        Kind::Struct
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

#[test]
fn cycles_are_freed_with_the_render() {
    let alive = Rc::new(());
    let data = Map::new();
    let witness: Rc<dyn Object> = Rc::new(Witness(Rc::clone(&alive)));
    data.insert("witness", Val::Object(witness));
    let text = r#"
        {{ $d := dict "w" .witness }}{{ $_ := set $d "self" $d }}
        {{ $a := dict "w" .witness }}{{ $b := dict "l" (list $a) }}{{ $_ := set $a "b" $b }}
        {{ $m := dict "w" .witness "x" dict }}{{ $_ := set $m.x "m" $m }}
        {{ $n := merge (dict "w" .witness) (dict "q" dict) }}{{ $_ := set $n.q "n" $n }}
        {{ $o := dict "w" .witness }}{{ $p := dict "o" $o }}{{ $_ := mergeOverwrite $o $p }}
        {{ $_ := set . "root" . }}"#;
    render_with(text, Limits::default(), Val::Map(data)).expect("the template is fine");
    assert_eq!(Rc::strong_count(&alive), 1);
}
