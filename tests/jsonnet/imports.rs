//! Sources of Jsonnet: variables, libraries, and imports that stay inside.

use drupelet::app::{Directory, Jsonnet, JsonnetVar};
use drupelet::render::Evaluation;
use drupelet::render::directory::directory;
use drupelet::tree::MemoryTree;

fn tree(files: &[(&str, &str)]) -> MemoryTree {
    let files = files
        .iter()
        .map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()));
    MemoryTree {
        files: files.collect(),
    }
}

fn give(files: &[(&str, &str)], jsonnet: Jsonnet) -> Result<Vec<String>, String> {
    let options = Directory {
        jsonnet: Some(jsonnet),
        ..Directory::default()
    };
    let found = directory(&tree(files), "app", &options, &Evaluation::default())
        .map_err(|error| error.to_string())?;
    let names = found.manifests.iter().map(|manifest| {
        let key = manifest.object.key();
        format!("{} {} {}", key.kind, key.name, manifest.file)
    });
    Ok(names.collect())
}

const NAMED: &str = "function(name, n=1) [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: name + '-' + i } } for i in std.range(1, n)]";

fn variable(name: &str, value: &str, code: bool) -> JsonnetVar {
    JsonnetVar {
        name: name.into(),
        value: value.into(),
        code,
    }
}

#[test]
fn an_array_is_a_manifest_each_and_an_object_is_one() {
    let options = Jsonnet {
        tlas: vec![variable("name", "a", false), variable("n", "2", true)],
        ..Jsonnet::default()
    };
    let found = give(&[("app/x.jsonnet", NAMED)], options);
    assert_eq!(
        found,
        Ok(vec![
            "ConfigMap a-1 app/x.jsonnet".to_owned(),
            "ConfigMap a-2 app/x.jsonnet".to_owned()
        ])
    );
    let one = "{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: std.extVar('x') } }";
    let options = Jsonnet {
        ext_vars: vec![variable("x", "'o' + 'ne'", true)],
        ..Jsonnet::default()
    };
    assert_eq!(
        give(&[("app/x.jsonnet", one)], options),
        Ok(vec!["ConfigMap one app/x.jsonnet".to_owned()])
    );
}

#[test]
fn libraries_are_paths_of_the_repository() {
    let files = [
        (
            "app/x.jsonnet",
            "(import 'lib.libsonnet').make(importstr 'name.txt')",
        ),
        ("app/name.txt", "beside"),
        (
            "vendor/lib.libsonnet",
            "{ make(n): import 'deep/er.libsonnet' { metadata+: { name: n } } }",
        ),
        (
            "vendor/deep/er.libsonnet",
            "{ apiVersion: 'v1', kind: 'ConfigMap' }",
        ),
    ];
    let lib = |text: &str| {
        text.replace(
            "import 'deep/er.libsonnet' {",
            "(import 'deep/er.libsonnet') {",
        )
    };
    let with = lib(files[2].1);
    let files = [files[0], files[1], (files[2].0, &*with), files[3]];
    let options = Jsonnet {
        libs: vec!["vendor".into()],
        ..Jsonnet::default()
    };
    assert_eq!(
        give(&files, options),
        Ok(vec!["ConfigMap beside app/x.jsonnet".to_owned()])
    );
    assert_eq!(
        give(&files, Jsonnet::default()),
        Err("app/x.jsonnet: app/x.jsonnet:1:2: couldn't open import \"lib.libsonnet\": no match locally or in the Jsonnet library paths (called from app/x.jsonnet:1:1)".to_owned())
    );
}

/// CVE-2022-24348's class: a path that leaves the repository.
#[test]
fn imports_stay_inside_of_the_repository() {
    for path in [
        "/etc/passwd",
        "../../etc/passwd",
        "../../../../../etc/hostname",
        "./../../x",
    ] {
        for import in ["import", "importstr", "importbin"] {
            let program = format!("{import} '{path}'");
            let said = give(&[("app/x.jsonnet", &program)], Jsonnet::default());
            let said = said.expect_err("nothing is outside");
            assert!(said.contains("leads outside of the repository"), "{said}");
        }
    }
    let libs = Jsonnet {
        libs: vec!["../..".into()],
        ..Jsonnet::default()
    };
    let said = give(&[("app/x.jsonnet", "importstr 'etc/passwd'")], libs);
    assert!(
        said.expect_err("outside")
            .contains("leads outside of the repository")
    );
}
