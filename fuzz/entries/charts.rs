//! Templates, YAML, packed charts, charts as text, index files, `--set`.

use drupelet::gotmpl::{Context, Error, Host, Limits, Map, Numbers, TemplateSet, Val, funcs};
use drupelet::helm::{
    Capabilities, Chart, ReleaseOptions, RenderOptions, ValueOptions, render, split_manifests,
};
use drupelet::registry::read_index;
use drupelet::tree::MemoryTree;
use drupelet::value::yaml;
use std::io::Write as _;

struct FixedHost;

impl Host for FixedHost {
    fn now(&self) -> jiff::Zoned {
        jiff::Timestamp::UNIX_EPOCH.to_zoned(jiff::tz::TimeZone::UTC)
    }

    fn random(&self, buffer: &mut [u8]) {
        buffer.fill(7);
    }

    fn lookup(&self, _: &str, _: &str, _: &str, _: &str) -> Result<Val, Error> {
        Ok(Val::Map(Map::new()))
    }
}

const VALUES: &str =
    "{a: 1, b: [x, y, 2.5], c: {d: {e: true}}, s: text, n: null, t: '{{ .a }}', big: 1e300}";

/// Little enough that a case ends within moments.
fn limits() -> Limits {
    Limits {
        steps: 100_000,
        bytes: 1 << 20,
        ..Limits::default()
    }
}

pub fn template(text: &[u8]) {
    let mut set = TemplateSet::new(funcs::table());
    if set.parse("fuzz", text).is_err() {
        return;
    }
    let values = yaml::parse_one(VALUES).expect("it is YAML");
    let data = Val::from_value(&values, Numbers::Float64);
    let mut context = Context::with_templates(set.into(), &FixedHost, limits());
    let _ = context.render("fuzz", data);
}

pub fn yaml(bytes: &[u8]) {
    let Ok(text) = yaml::decode(bytes) else {
        return;
    };
    let _ = yaml::parse_one_strict(&text);
    for raw in yaml::documents(&text) {
        let _ = raw.map(|raw| raw.parse());
    }
    let Ok(documents) = yaml::parse_stream(&text) else {
        return;
    };
    for document in documents {
        // What is printed is what is read, but for the line breaks of YAML 1.1
        // alone (docs/compatibility.md), and for a key that go-yaml too prints as
        // it prints what merges.
        let text = document.value.to_json();
        if text.contains(['\u{85}', '\u{2028}', '\u{2029}']) || text.contains("\"<<\":") {
            continue;
        }
        let printed = yaml::emit(&document.value);
        let read = yaml::parse_one(&printed);
        assert_eq!(read.as_ref(), Ok(&document.value), "printed as {printed}");
        let _ = yaml::emit_indented(&document.value);
    }
}

/// A packed chart; what does not begin as gzip is packed first, so that the
/// mutations reach the tar inside.
pub fn archive(bytes: &[u8]) {
    const GZIP: &[u8] = b"\x1f\x8b";
    let chart = if bytes.starts_with(GZIP) {
        Chart::from_archive(bytes)
    } else {
        let level = flate2::Compression::fast();
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), level);
        packer.write_all(bytes).expect("it is packed in memory");
        let packed = packer.finish().expect("it is packed in memory");
        Chart::from_archive(&packed[..])
    };
    if let Ok(chart) = chart {
        render_chart(chart);
    }
}

/// A chart as text: lines `-- path --`, each with a file behind it.
pub fn chart(bytes: &[u8]) {
    let mut tree = MemoryTree::default();
    let mut file: Option<(String, Vec<u8>)> = None;
    for line in bytes.split_inclusive(|b| *b == b'\n') {
        let name = line
            .trim_ascii()
            .strip_prefix(b"-- ")
            .and_then(|rest| rest.strip_suffix(b" --"));
        if let Some(name) = name {
            tree.files.extend(file.take());
            file = Some((String::from_utf8_lossy(name).into_owned(), Vec::new()));
        } else if let Some((_, text)) = &mut file {
            text.extend_from_slice(line);
        }
    }
    tree.files.extend(file);
    if let Ok(chart) = Chart::from_tree(&tree, "") {
        render_chart(chart);
    }
}

fn render_chart(chart: Chart) {
    let options = RenderOptions {
        release: ReleaseOptions {
            name: "fuzz".to_owned(),
            namespace: "default".to_owned(),
            is_upgrade: false,
        },
        capabilities: Capabilities::default(),
        values: Map::new(),
        skip_schema_validation: false,
        ignore_missing_dependencies: true,
        host: &FixedHost,
        limits: limits(),
        ends_process: false,
    };
    if let Ok(release) = render(chart, &options) {
        for manifest in &release.manifests {
            let _ = split_manifests(&manifest.text).count();
        }
    }
}

pub fn index(bytes: &[u8]) {
    let _ = read_index(bytes, "app");
}

pub fn set(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let given = vec![text];
    for options in [
        ValueOptions {
            set: given.clone(),
            ..ValueOptions::default()
        },
        ValueOptions {
            string: given.clone(),
            ..ValueOptions::default()
        },
        ValueOptions {
            json: given.clone(),
            ..ValueOptions::default()
        },
        ValueOptions {
            file: given.clone(),
            ..ValueOptions::default()
        },
        ValueOptions {
            literal: given,
            ..ValueOptions::default()
        },
    ] {
        let _ = options.merge(&|path| Ok(path.as_bytes().to_vec()));
    }
}
