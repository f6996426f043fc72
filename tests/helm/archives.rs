//! Archives that want to do harm, or are broken.

use crate::tgz::{Builder, archive};
use drupelet::helm::chart::packed_at;
use drupelet::helm::{Chart, chart::MAX_CHART_BYTES, chart::MAX_FILES};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;

const CHART_YAML: &[u8] = b"apiVersion: v2\nname: x\nversion: 1.0.0\n";

/// A file with any name at all, which the builder would refuse.
fn add(builder: &mut Builder, name: &str, data: &[u8]) {
    let mut header = tar::Header::new_old();
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.set_size(data.len() as u64);
    header.set_mode(0o644);
    header.set_cksum();
    builder
        .append(&header, data)
        .expect("it is packed in memory");
}

#[track_caller]
fn check(bytes: &[u8], expected: &str) {
    let found = match Chart::from_archive(bytes) {
        Ok(chart) => format!("loads {}", chart.name()),
        Err(error) => error.to_string(),
    };
    assert_eq!(found, expected);
}

/// CVE-2024-25620. The texts are those of `helm template` 4.2.4 for the same
/// archive.
#[test]
fn names_that_lead_out_are_refused() {
    let with = |name: &str| {
        archive(|builder| {
            add(builder, "x/Chart.yaml", CHART_YAML);
            add(builder, name, b"data");
        })
    };
    check(
        &with("x/../../etc/passwd"),
        "chart illegally references parent directory",
    );
    check(
        &with("x//etc/passwd"),
        "chart illegally contains absolute paths",
    );
    check(
        &with("x/c:/windows"),
        "chart contains illegally named files",
    );
    check(&with("x/a/../b"), "loads x");
    check(&with("x\\templates\\a.yaml"), "loads x");
    check(
        &with("stray"),
        "chart illegally contains content outside the base directory: \"stray\"",
    );
    check(&with("Chart.yaml/x"), "chart yaml not in base directory");
}

#[test]
fn links_are_not_followed() {
    let bytes = archive(|builder| {
        add(builder, "x/Chart.yaml", CHART_YAML);
        for (name, target) in [
            ("x/values.yaml", "/etc/passwd"),
            ("x/Chart.lock", "../../key"),
        ] {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(tar::EntryType::Symlink);
            header.set_size(0);
            builder
                .append_link(&mut header, name, target)
                .expect("it is packed in memory");
        }
    });
    let chart = Chart::from_archive(&bytes[..]).expect("links are empty files");
    assert!(chart.values.is_empty());
}

#[test]
fn what_is_no_archive_is_said() {
    check(b"", "gzip: invalid header");
    check(b"apiVersion: v2\n", "gzip: invalid header");
    check(&archive(|_| {}), "no files in chart archive");
    let mut cut = archive(|builder| add(builder, "x/Chart.yaml", CHART_YAML));
    cut.truncate(cut.len() / 2);
    let error = Chart::from_archive(&cut[..]).expect_err("it is cut in two");
    assert!(
        error.to_string().starts_with("the archive is damaged"),
        "{error}"
    );
    check(
        &archive(|builder| add(builder, "x/values.yaml", b"a: b\n")),
        "unable to detect chart version, no Chart.yaml found",
    );
}

/// CVE-2025-32386
#[test]
fn bombs_stop_at_the_limits() {
    let large = vec![b'a'; 6 << 20];
    check(
        &archive(|builder| add(builder, "x/big.txt", &large)),
        "decompressed chart file \"x/big.txt\" is larger than the maximum file size 5242880",
    );
    let four = vec![b'a'; 4 << 20];
    check(
        &archive(|builder| {
            for number in 0..27 {
                add(builder, &format!("x/{number}"), &four);
            }
        }),
        &format!("decompressed chart is larger than the maximum size {MAX_CHART_BYTES}"),
    );
    check(
        &archive(|builder| {
            for number in 0..=MAX_FILES {
                add(builder, &format!("x/{number}"), b"");
            }
        }),
        &format!("chart archive holds more than {MAX_FILES} files"),
    );
}

#[test]
fn zeros_without_end_are_not_unpacked() {
    // A tar file that ends after its header, and a gigabyte of padding.
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    let mut header = tar::Header::new_gnu();
    header.set_path("x/a").expect("a short name");
    header.set_size(8 << 30);
    header.set_cksum();
    gzip.write_all(header.as_bytes()).expect("in memory");
    gzip.write_all(&vec![0; 8 << 20]).expect("in memory");
    let bytes = gzip.finish().expect("in memory");
    check(
        &bytes,
        &format!("decompressed chart is larger than the maximum size {MAX_CHART_BYTES}"),
    );
}

#[test]
fn charts_inside_of_charts_end() {
    let mut inner = archive(|builder| add(builder, "x/Chart.yaml", CHART_YAML));
    for _ in 0..40 {
        let bytes = inner;
        inner = archive(|builder| {
            add(builder, "x/Chart.yaml", CHART_YAML);
            add(builder, "x/charts/x-1.0.0.tgz", &bytes);
        });
    }
    let error = Chart::from_archive(&inner[..]).expect_err("it is too deep");
    let text = error.to_string();
    assert!(
        text.ends_with("more than 32 charts inside of each other"),
        "{text}"
    );
}

#[test]
fn archives_in_an_archive_share_the_limits() {
    let zeros = vec![0; 4 << 20];
    let bomb = archive(|builder| {
        add(builder, "x/Chart.yaml", CHART_YAML);
        for number in 0..20 {
            add(builder, &format!("x/{number}"), &zeros);
        }
    });
    let bytes = archive(|builder| {
        add(builder, "x/Chart.yaml", CHART_YAML);
        add(builder, "x/charts/one.tgz", &bomb);
        add(builder, "x/charts/two.tgz", &bomb);
    });
    check(
        &bytes,
        &format!(
            "error unpacking subchart two.tgz in x: decompressed chart is larger than the maximum \
             size {MAX_CHART_BYTES}"
        ),
    );
}

#[test]
fn an_archive_says_when_it_was_packed() {
    let packed = |time: u64| {
        archive(|builder| {
            let mut header = tar::Header::new_gnu();
            header.set_size(0);
            header.set_mtime(time);
            builder
                .append_data(&mut header, "chart/Chart.yaml", &b""[..])
                .expect("memory takes it");
        })
    };
    assert_eq!(packed_at(&packed(1_760_000_000)), Some(1_760_000_000));
    assert_eq!(packed_at(&packed(0)), None, "reproducible archives");
    assert_eq!(packed_at(&packed(315_532_800)), None, "1980, as zip has it");
    for malformed in [&b""[..], b"\x1f\x8b\x08", b"no archive", &packed(1)[..20]] {
        assert_eq!(packed_at(malformed), None);
    }
}

/// `render helm` passes over the files that `.Files` alone shows, and reads them
/// after all where a template asks for one: what it prints is what it prints of the
/// chart's folder, of which it reads everything.
#[test]
fn files_of_files_alone_are_read_when_a_template_asks_for_them() {
    let crd = b"kind: Widget\n";
    let templates = [
        "a: {{ len .Files }}",
        "a: {{ .Files.Get \"crds/a.yaml\" | quote }}",
        "a: {{ .Files.GetBytes \"crds/a.yaml\" | toString | quote }}",
        "a: {{ .Files.Lines \"crds/a.yaml\" | toJson }}",
        "a: {{ (.Files.Glob \"crds/**\").AsConfig | quote }}",
        "a: {{ (.Files.Glob \"**\").AsSecrets | quote }}",
        "{{ range $path, $bytes := .Files }}{{ $path | quote }}: {{ $bytes | toString | quote }}\n{{ end }}",
        "{{ range $path, $bytes := .Files }}{{ $path | quote }}: {{ len $bytes }}\n{{ end }}",
        "{{ range $path, $bytes := .Files }}{{ $path | quote }}: {{ kindOf $bytes }} {{ typeOf $bytes }}\n{{ end }}",
        "a: {{ index .Files \"crds/a.yaml\" | printf \"%s\" | quote }}",
        "a: {{ index .Files \"crds/a.yaml\" | quote }}",
        "a: {{ toJson .Files | quote }}",
        "a: {{ printf \"%v\" .Files | quote }}",
        "a: {{ eq (toString .Files) \"\" }}",
        "a: {{ .Subcharts.sub.Files.Get \"crds/b.yaml\" | quote }}",
        "a: {{ .Files.Get \"dashboards/c.json\" | quote }}",
        "{{ range $path, $_ := .Files.Glob \"dashboards/*\" }}{{ $path }}: {{ $.Files.Get $path }}{{ end }}",
        "a: {{ .Subcharts.sub.Files.Get \"README.md\" | quote }}",
        "a: {{ fail (.Files.Get \"crds/a.yaml\") }}",
        "a: {{ if .Files.Get \"crds/a.yaml\" }}there{{ end }}",
    ];
    for template in templates {
        let files: [(&str, &[u8]); 8] = [
            ("x/Chart.yaml", CHART_YAML),
            ("x/templates/a.yaml", template.as_bytes()),
            ("x/crds/a.yaml", crd),
            ("x/crds/empty.yaml", b""),
            ("x/dashboards/c.json", b"{}"),
            (
                "x/charts/sub/Chart.yaml",
                b"apiVersion: v2\nname: sub\nversion: 1.0.0\n",
            ),
            ("x/charts/sub/crds/b.yaml", crd),
            ("x/charts/sub/README.md", b"# sub\n"),
        ];
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (name, data) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().expect("it has a folder"))
                .expect("the folder is ours");
            std::fs::write(path, data).expect("the folder is ours");
        }
        let packed = archive(|builder| {
            for (name, data) in files {
                add(builder, name, data);
            }
        });
        std::fs::write(folder.path().join("x.tgz"), packed).expect("the folder is ours");
        let print = |chart: &str| {
            let output = std::process::Command::new(env!("CARGO_BIN_EXE_drupelet"))
                .args(["render", "helm", "release", chart])
                .current_dir(folder.path())
                .output()
                .expect("the program runs");
            let text = |bytes| String::from_utf8_lossy(bytes).replace("x.tgz", "x");
            (text(&output.stdout), text(&output.stderr))
        };
        assert_eq!(print("x.tgz"), print("x"), "{template}");
    }
}
