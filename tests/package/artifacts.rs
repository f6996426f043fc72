//! Archives, packages, the image, and their checksums.

use crate::digest::sha256;
use crate::{ARCHITECTURES, VERSION, deb, dist, package, printed, root, stand_in};
use drupelet::value::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;
use std::process::Command;

fn bytes_of_all(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).expect("the folder is there");
    entries
        .map(|entry| {
            let entry = entry.expect("the folder is readable");
            let name = entry.file_name().to_string_lossy().into_owned();
            (name, std::fs::read(entry.path()).expect("it is readable"))
        })
        .collect()
}

#[test]
fn two_packagings_give_the_same_bytes() {
    let Some(first) = dist() else { return };
    let again = tempfile::tempdir().expect("a temporary folder");
    package(again.path());
    let (first, again) = (bytes_of_all(first), bytes_of_all(again.path()));
    assert_eq!(
        first.keys().collect::<Vec<_>>(),
        again.keys().collect::<Vec<_>>()
    );
    let differing: Vec<&String> = first
        .iter()
        .filter(|(name, bytes)| again[*name] != **bytes)
        .map(|(name, _)| name)
        .collect();
    assert!(differing.is_empty(), "{differing:?}");
}

#[test]
fn checksums_hold_for_everything_that_is_published() {
    let Some(dist) = dist() else { return };
    let said = printed(
        Command::new("sha256sum")
            .args(["--check", "--strict", "SHA256SUMS"])
            .current_dir(dist),
    );
    let checked: BTreeSet<&str> = said
        .lines()
        .filter_map(|l| l.strip_suffix(": OK"))
        .collect();
    let published: BTreeSet<String> = bytes_of_all(dist)
        .into_keys()
        .filter(|name| name.contains(VERSION))
        .collect();
    assert_eq!(checked, published.iter().map(String::as_str).collect());
    // Archive and package of each architecture, image, chart, manifests, two lists.
    assert_eq!(checked.len(), 2 * ARCHITECTURES.len() + 5);
}

#[test]
fn archives_hold_the_binary_its_licences_and_systemds_files() {
    let Some(dist) = dist() else { return };
    for (architecture, _) in ARCHITECTURES {
        let name = format!("drupelet-{VERSION}-linux-{architecture}");
        let file = std::fs::File::open(dist.join(format!("{name}.tar.gz"))).expect("it is there");
        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(file));
        let mut files = BTreeMap::new();
        for entry in archive.entries().expect("a tar archive") {
            let mut entry = entry.expect("a tar archive");
            let path = entry.path().expect("UTF-8").display().to_string();
            let mode = entry.header().mode().expect("a mode");
            assert_eq!(entry.header().uid().expect("an owner"), 0);
            let mut text = String::new();
            entry.read_to_string(&mut text).expect("all are texts");
            files.insert(path, (mode & 0o777, text));
        }
        assert_eq!(
            files[&format!("{name}/drupelet")],
            (0o755, stand_in(architecture))
        );
        for file in [
            "README.md",
            "LICENSE",
            "LICENSES-OF-DEPENDENCIES.txt",
            "systemd/drupelet.service",
            "systemd/drupelet.sysusers",
            "systemd/drupelet.tmpfiles",
        ] {
            assert!(files.contains_key(&format!("{name}/{file}")), "no {file}");
        }
    }
}

#[test]
fn debs_hold_what_the_unit_needs() {
    let Some(dist) = dist() else { return };
    for (architecture, debian) in ARCHITECTURES {
        let deb = deb(dist, debian);
        let field = |name: &str| {
            let text = printed(Command::new("dpkg-deb").arg("--field").arg(&deb).arg(name));
            text.trim().to_owned()
        };
        assert_eq!(field("Architecture"), *debian);
        assert_eq!(field("Version"), VERSION);
        let folder = tempfile::tempdir().expect("a temporary folder");
        printed(
            Command::new("dpkg-deb")
                .arg("--extract")
                .arg(&deb)
                .arg(folder.path()),
        );
        let read = |path: &str| {
            std::fs::read_to_string(folder.path().join(path))
                .unwrap_or_else(|error| panic!("{path}: {error}"))
        };
        assert_eq!(read("usr/bin/drupelet"), stand_in(architecture));
        for (path, source) in [
            (
                "usr/lib/systemd/system/drupelet.service",
                "drupelet.service",
            ),
            ("usr/lib/sysusers.d/drupelet.conf", "drupelet.sysusers"),
            ("usr/lib/tmpfiles.d/drupelet.conf", "drupelet.tmpfiles"),
            ("etc/default/drupelet", "drupelet.default"),
        ] {
            let source = std::fs::read_to_string(root().join("systemd").join(source));
            assert_eq!(read(path), source.expect("it is there"), "{path}");
        }
        assert!(read("usr/share/doc/drupelet/copyright").contains("Apache-2.0"));
    }
}

/// An OCI image layout as the specification has it: each descriptor's digest
/// and size are those of its blob.
#[test]
fn the_image_is_one_for_all_architectures() {
    let Some(dist) = dist() else { return };
    let mut blobs = bytes_of_tar(&dist.join(format!("drupelet-{VERSION}-oci.tar")));
    let layout = blobs.remove("oci-layout").expect("it says what it is");
    assert_eq!(layout, br#"{"imageLayoutVersion":"1.0.0"}"#);
    let root = json(&blobs.remove("index.json").expect("it has an index"));
    let mut take = |descriptor: &Value| {
        let digest = descriptor.get("digest").and_then(Value::as_str);
        let hex = digest.and_then(|digest| digest.strip_prefix("sha256:"));
        let hex = hex.expect("digests are SHA-256");
        let blob = blobs
            .remove(&format!("blobs/sha256/{hex}"))
            .expect("the blob is there");
        assert_eq!(sha256(&blob), hex);
        let size = descriptor.get("size").and_then(Value::as_i64);
        assert_eq!(size, i64::try_from(blob.len()).ok());
        blob
    };
    let [image] = seq(&root, "manifests") else {
        panic!("one image");
    };
    let name = image.at(&["annotations", "io.containerd.image.name"]);
    let expected = format!("ghcr.io/drupelet/drupelet:{VERSION}");
    assert_eq!(name.and_then(Value::as_str), Some(&*expected));
    let index = json(&take(image));
    let manifests = seq(&index, "manifests");
    assert_eq!(manifests.len(), ARCHITECTURES.len());
    for (descriptor, (architecture, _)) in manifests.iter().zip(ARCHITECTURES) {
        let manifest = json(&take(descriptor));
        let config = json(&take(manifest.get("config").expect("it has one")));
        let platform = descriptor.get("platform").expect("it has one");
        let of =
            |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        let name = match *architecture {
            "aarch64" => ("arm64", Some("v8")),
            "armv7" => ("arm", Some("v7")),
            _ => ("amd64", None),
        };
        for value in [platform, &config] {
            assert_eq!(of(value, "architecture").as_deref(), Some(name.0));
            assert_eq!(of(value, "variant").as_deref(), name.1);
        }
        // The user of the Pods in deploy/.
        let user = config.at(&["config", "User"]).and_then(Value::as_str);
        assert_eq!(user, Some("65532:65532"));
        let [layer] = seq(&manifest, "layers") else {
            panic!("one layer");
        };
        let mut tar = Vec::new();
        flate2::read::GzDecoder::new(&take(layer)[..])
            .read_to_end(&mut tar)
            .expect("it is compressed");
        let files = files_of_tar(&tar[..]);
        assert_eq!(files["usr/bin/drupelet"], stand_in(architecture).as_bytes());
        let entry = config.at(&["config", "Entrypoint"]).and_then(Value::as_seq);
        assert_eq!(entry, Some(&[Value::from("/usr/bin/drupelet")][..]));
    }
    assert!(blobs.is_empty(), "nothing refers to {:?}", blobs.keys());
}

#[test]
fn the_image_is_read_by_skopeo() {
    let Some(dist) = dist() else { return };
    if Command::new("skopeo").arg("--version").output().is_err() {
        println!("not run: no skopeo to read the image with");
        return;
    }
    let image = format!("oci-archive:{}/drupelet-{VERSION}-oci.tar", dist.display());
    for (architecture, debian) in ARCHITECTURES {
        let (name, variant) = match *debian {
            "armhf" => ("arm", "v7"),
            "arm64" => ("arm64", "v8"),
            other => (other, ""),
        };
        let folder = tempfile::tempdir().expect("a temporary folder");
        printed(
            Command::new("skopeo")
                .args(["copy", "--quiet", "--override-os", "linux"])
                .args(["--override-arch", name, "--override-variant", variant])
                .arg(&image)
                .arg(format!("dir:{}", folder.path().display())),
        );
        let layer = bytes_of_all(folder.path())
            .into_values()
            .filter(|bytes| bytes.starts_with(&[0x1f, 0x8b]))
            .map(|bytes| {
                let mut tar = Vec::new();
                flate2::read::GzDecoder::new(&bytes[..])
                    .read_to_end(&mut tar)
                    .expect("it is compressed");
                files_of_tar(&tar[..])
            });
        let files: Vec<_> = layer.collect();
        assert_eq!(files.len(), 1);
        assert_eq!(
            files[0]["usr/bin/drupelet"],
            stand_in(architecture).as_bytes()
        );
    }
}

#[test]
fn the_packed_chart_is_the_chart() {
    let Some(dist) = dist() else { return };
    let render = |chart: &Path| {
        printed(
            Command::new(env!("CARGO_BIN_EXE_drupelet"))
                .args(["render", "helm", "drupelet"])
                .arg(chart)
                .args(["--namespace", "argocd", "--include-crds"]),
        )
    };
    let packed = dist.join(format!("drupelet-{VERSION}.tgz"));
    assert_eq!(render(&packed), render(&root().join("deploy/chart")));
}

#[test]
fn all_files_speak_of_the_same_version() {
    for path in ["deploy/chart/Chart.yaml", "deploy/install.yaml"] {
        let text = std::fs::read_to_string(root().join(path)).expect("it is there");
        let named = |line: &&str| line.contains("ersion: ") || line.contains("image: ghcr");
        let of_ours = |line: &&str| !line.contains("apiVersion") && !line.contains("kubeVersion");
        let lines: Vec<&str> = text.lines().filter(named).filter(of_ours).collect();
        assert!(lines.len() >= 2, "{path}: {lines:?}");
        for line in lines {
            assert!(line.contains(VERSION), "{path}: {line}");
        }
    }
}

fn bytes_of_tar(path: &Path) -> BTreeMap<String, Vec<u8>> {
    files_of_tar(std::fs::File::open(path).expect("it is there"))
}

fn files_of_tar(source: impl Read) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut archive = tar::Archive::new(source);
    for entry in archive.entries().expect("a tar archive") {
        let mut entry = entry.expect("a tar archive");
        if entry.header().entry_type().is_file() {
            let path = entry.path().expect("UTF-8").display().to_string();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).expect("a tar archive");
            files.insert(path, bytes);
        }
    }
    files
}

fn json(bytes: &[u8]) -> Value {
    Value::from_json(bytes).expect("it is JSON")
}

#[track_caller]
fn seq<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_seq).expect("a list")
}
