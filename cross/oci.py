"""A multi-architecture OCI image layout as one tar archive, without a container engine.

    oci.py --version VERSION --out FILE ARCHITECTURE=BINARY...

The image is empty but for the binary and the name of its user: the binary
carries CA roots and time zones, and takes a system's own where they are mounted.
The same input gives the same bytes.
"""

import argparse
import gzip
import hashlib
import io
import json
import os
import tarfile
import time

NAME = "ghcr.io/drupelet/drupelet"
USER = 65532
PLATFORMS = {
    "aarch64": {"architecture": "arm64", "os": "linux", "variant": "v8"},
    "armv7": {"architecture": "arm", "os": "linux", "variant": "v7"},
    "x86_64": {"architecture": "amd64", "os": "linux"},
}
EPOCH = int(os.environ["SOURCE_DATE_EPOCH"])
CREATED = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(EPOCH))


def add(archive, name, data, mode=0o644):
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode, entry.mtime = len(data), mode, EPOCH
    archive.addfile(entry, io.BytesIO(data))


def add_folder(archive, name):
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode, entry.mtime = tarfile.DIRTYPE, 0o755, EPOCH
    archive.addfile(entry)


def layer(binary):
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        add_folder(archive, "etc")
        add(archive, "etc/passwd", f"drupelet:x:{USER}:{USER}:drupelet:/nonexistent:/sbin/nologin\n".encode())
        add(archive, "etc/group", f"drupelet:x:{USER}:\n".encode())
        add_folder(archive, "usr")
        add_folder(archive, "usr/bin")
        with open(binary, "rb") as file:
            add(archive, "usr/bin/drupelet", file.read(), 0o755)
    return tar.getvalue()


class Layout:
    def __init__(self):
        self.blobs = {}

    def put(self, data, media_type):
        digest = hashlib.sha256(data).hexdigest()
        self.blobs[digest] = data
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(data)}

    def put_json(self, value, media_type):
        return self.put(json.dumps(value, sort_keys=True, separators=(",", ":")).encode(), media_type)

    def write(self, path, index):
        with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as archive:
            add(archive, "oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
            add(archive, "index.json", json.dumps(index, sort_keys=True).encode())
            add_folder(archive, "blobs")
            add_folder(archive, "blobs/sha256")
            for digest in sorted(self.blobs):
                add(archive, f"blobs/sha256/{digest}", self.blobs[digest])


def image(layout, platform, binary, labels):
    tar = layer(binary)
    compressed = gzip.compress(tar, 9, mtime=0)
    config = {
        **platform,
        "created": CREATED,
        "config": {
            "User": f"{USER}:{USER}",
            "Entrypoint": ["/usr/bin/drupelet"],
            "WorkingDir": "/",
            "Labels": labels,
        },
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(tar).hexdigest()}"]},
        "history": [{"created": CREATED, "created_by": "cross/oci.py"}],
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": layout.put_json(config, "application/vnd.oci.image.config.v1+json"),
        "layers": [layout.put(compressed, "application/vnd.oci.image.layer.v1.tar+gzip")],
        "annotations": labels,
    }
    return {**layout.put_json(manifest, manifest["mediaType"]), "platform": platform}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--version", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("binaries", nargs="+", metavar="ARCHITECTURE=BINARY")
    arguments = parser.parse_args()
    labels = {
        "org.opencontainers.image.title": "drupelet",
        "org.opencontainers.image.version": arguments.version,
        "org.opencontainers.image.source": "https://github.com/drupelet/drupelet",
        "org.opencontainers.image.licenses": "Apache-2.0",
    }
    layout = Layout()
    index = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [],
        "annotations": labels,
    }
    for pair in arguments.binaries:
        architecture, binary = pair.split("=", 1)
        index["manifests"].append(image(layout, PLATFORMS[architecture], binary, labels))
    # containerd names what it imports after the first annotation, others after the second.
    names = {
        "io.containerd.image.name": f"{NAME}:{arguments.version}",
        "org.opencontainers.image.ref.name": arguments.version,
    }
    root = {**layout.put_json(index, index["mediaType"]), "annotations": names}
    layout.write(arguments.out, {"schemaVersion": 2, "mediaType": index["mediaType"], "manifests": [root]})


main()
