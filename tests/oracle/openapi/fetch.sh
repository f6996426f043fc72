#!/usr/bin/env bash
# fetch.sh FOLDER: the published documents of each release, from its Go module.
set -euo pipefail
folder=$1
for version in 1.16.15 1.17.17 1.18.20 1.19.16 1.20.15 1.21.14 1.22.17 1.23.17 1.24.17 1.25.16 1.26.15 1.27.16 1.28.15 1.29.14 1.30.14 1.31.14 1.32.13 1.33.13 1.34.4 1.35.4 1.36.3; do
  target=$folder/${version%.*}
  [ -d "$target" ] && continue
  source=$(cd "$folder" && GOFLAGS=-modcacherw go mod download -json "k8s.io/kubernetes@v$version" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
  mkdir -p "$target/pkg"
  cp -r "$source/api" "$target/"
  for package in controlplane master; do
    [ -d "$source/pkg/$package" ] && mkdir -p "$target/pkg/$package" && cp "$source/pkg/$package"/*.go "$target/pkg/$package/"
  done
done
