"""What the binary is made of: a CycloneDX document and the licences' texts.

    sbom.py --cyclonedx FILE --licenses FILE

Both come from `cargo metadata` and Cargo.lock: the crates that are linked for
any of the three targets, without those that only build or test.
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import time
import tomllib
import uuid

TARGETS = ["aarch64-unknown-linux-musl", "armv7-unknown-linux-musleabihf", "x86_64-unknown-linux-musl"]
# Linked beside the crates; zig brings musl.
RUNTIME = [
    {"name": "rust-std", "licence": "MIT OR Apache-2.0", "url": "https://github.com/rust-lang/rust"},
    {"name": "musl", "version": "1.2.5", "licence": "MIT", "url": "https://musl.libc.org"},
]
# mlua's feature `vendored` brings it, the feature lua51 leaves it alone.
NOT_COMPILED = {"luajit_src"}
LICENCE_FILE = re.compile(r"^(licen[cs]e|copying|copyright|notice|unlicense)", re.IGNORECASE)


def metadata():
    command = [os.environ.get("CARGO", "cargo"), "metadata", "--format-version=1", "--locked"]
    for target in TARGETS:
        command += ["--filter-platform", target]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def is_linked(dependency, kind):
    """What a build script compiles is linked, too."""
    is_source = is_source_crate(dependency["name"]) and dependency["name"] not in NOT_COMPILED
    return kind["kind"] is None or (kind["kind"] == "build" and is_source)


def is_source_crate(name):
    """Crates that are C sources and the code that compiles them are named so."""
    return name.endswith(("_src", "-src"))


def linked(data):
    """Ids of the packages that end up in the binary, and whom they link. Packages
    of this repository are one with the main one."""
    nodes = {node["id"]: node for node in data["resolve"]["nodes"]}
    macros = {
        package["id"]
        for package in data["packages"]
        if any("proc-macro" in target["kind"] for target in package["targets"])
    }
    names = {package["id"]: package["name"] for package in data["packages"]}
    ours = {package["id"] for package in data["packages"] if package["source"] is None}
    graph, waiting = {}, [data["resolve"]["root"]]

    def links(package):
        for dependency in [] if is_source_crate(names[package]) else nodes[package]["deps"]:
            if dependency["pkg"] in macros or not any(is_linked(dependency, kind) for kind in dependency["dep_kinds"]):
                continue
            if dependency["pkg"] in ours:
                yield from links(dependency["pkg"])
            else:
                yield dependency["pkg"]

    while waiting:
        package = waiting.pop()
        if package in graph:
            continue
        graph[package] = sorted(set(links(package)))
        waiting += graph[package]
    return graph


def licence(package):
    """An SPDX expression; old crates write A/B for A OR B."""
    text = package.get("license")
    return re.sub(r"\s*/\s*", " OR ", text) if text else None


def cyclonedx(packages, graph, root, checksums, rustc):
    def reference(package):
        return f"pkg:cargo/{package['name']}@{package['version']}"

    def component(package):
        entry = {
            "type": "library",
            "bom-ref": reference(package),
            "name": package["name"],
            "version": package["version"],
            "purl": reference(package),
            "scope": "required",
        }
        if licence(package):
            entry["licenses"] = [{"expression": licence(package)}]
        checksum = checksums.get((package["name"], package["version"]))
        if checksum:
            entry["hashes"] = [{"alg": "SHA-256", "content": checksum}]
        if package.get("repository"):
            entry["externalReferences"] = [{"type": "vcs", "url": package["repository"]}]
        return entry

    top = component(packages[root])
    top["type"] = "application"
    del top["scope"]
    others = sorted((packages[key] for key in graph if key != root), key=lambda p: (p["name"], p["version"]))
    components = [component(package) for package in others]
    for part in RUNTIME:
        version = part.get("version", rustc)
        components.append(
            {
                "type": "library",
                "bom-ref": f"pkg:generic/{part['name']}@{version}",
                "name": part["name"],
                "version": version,
                "purl": f"pkg:generic/{part['name']}@{version}",
                "licenses": [{"expression": part["licence"]}],
                "externalReferences": [{"type": "website", "url": part["url"]}],
            }
        )
    epoch = int(os.environ["SOURCE_DATE_EPOCH"])
    dependencies = [
        {"ref": reference(packages[key]), "dependsOn": sorted(reference(packages[other]) for other in graph[key])}
        for key in graph
    ]
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": uuid.uuid5(uuid.NAMESPACE_URL, f"{reference(packages[root])}#{epoch}").urn,
        "version": 1,
        "metadata": {
            "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(epoch)),
            "component": top,
        },
        "components": components,
        "dependencies": sorted(dependencies, key=lambda it: it["ref"]),
    }


def licences(packages):
    """All crates with their licences, then each text once."""
    out = ["drupelet links these crates:", ""]
    texts = {}
    for package in packages:
        name = f"{package['name']} {package['version']}"
        out.append(f"  {name}: {licence(package) or 'see its text below'}")
        folder = pathlib.Path(package["manifest_path"]).parent
        for path in sorted(folder.iterdir()):
            if path.is_file() and LICENCE_FILE.match(path.name):
                text = path.read_text(encoding="utf-8", errors="replace").strip()
                texts.setdefault(text, []).append(name)
    out += ["", "and Rust's standard library (MIT OR Apache-2.0) and musl (MIT).", ""]
    for text, names in sorted(texts.items(), key=lambda it: it[1]):
        out += ["-" * 79, ", ".join(dict.fromkeys(names)) + ":", "", text, ""]
    return "\n".join(out)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cyclonedx", required=True)
    parser.add_argument("--licenses", required=True)
    arguments = parser.parse_args()
    data = metadata()
    packages = {package["id"]: package for package in data["packages"]}
    graph = linked(data)
    root = data["resolve"]["root"]
    unlicensed = [
        packages[key]["name"] for key in graph if not (packages[key].get("license") or packages[key].get("license_file"))
    ]
    if unlicensed:
        sys.exit(f"cross/sbom.py: crates without a licence: {', '.join(sorted(unlicensed))}")
    lock = tomllib.loads(pathlib.Path("Cargo.lock").read_text())
    checksums = {(it["name"], it["version"]): it.get("checksum") for it in lock["package"]}
    rustc = subprocess.run([os.environ.get("RUSTC", "rustc"), "--version"], check=True, stdout=subprocess.PIPE, text=True)
    document = cyclonedx(packages, graph, root, checksums, rustc.stdout.split()[1])
    pathlib.Path(arguments.cyclonedx).write_text(json.dumps(document, indent=2) + "\n")
    others = sorted((packages[key] for key in graph if key != root), key=lambda p: (p["name"], p["version"]))
    pathlib.Path(arguments.licenses).write_text(licences(others))


main()
