#!/usr/bin/env bash
# Builds etcd, kube-apiserver, kube-controller-manager and kubectl from the
# modules that go.mod pins, and prints the folder that holds them.
#
# The folder is $KUBEBUILDER_ASSETS where that is set (nothing is built then),
# otherwise ${DRUPELET_CACHE:-~/.cache/drupelet}/apiserver/<version>, filled
# once. With names as arguments only these are built: build.sh kubectl
set -euo pipefail

if [ -n "${KUBEBUILDER_ASSETS:-}" ]; then
  echo "$KUBEBUILDER_ASSETS"
  exit 0
fi

cd "$(dirname "$0")"
version=$(awk '$1 == "k8s.io/kubernetes" { print $2; exit }' go.mod)
folder=${DRUPELET_CACHE:-$HOME/.cache/drupelet}/apiserver/$version
mkdir -p "$folder"

# What a release build stamps in; /version and kubectl print it.
number=${version#v}
major=${number%%.*}
minor=${number#*.}
minor=${minor%%.*}
stamp=""
for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
  stamp+=" -X $package.gitVersion=$version -X $package.gitMajor=$major -X $package.gitMinor=$minor"
  stamp+=" -X $package.gitTreeState=archive -X $package.buildDate=1970-01-01T00:00:00Z"
done

package_of() {
  case $1 in
    etcd) echo go.etcd.io/etcd/server/v3 ;;
    kube-apiserver | kube-controller-manager | kubectl) echo "k8s.io/kubernetes/cmd/$1" ;;
    *) echo "build.sh: no such program: $1" >&2; return 1 ;;
  esac
}

[ $# -gt 0 ] || set -- kubectl etcd kube-apiserver kube-controller-manager
for name in "$@"; do
  [ -x "$folder/$name" ] && continue
  package=$(package_of "$name")
  command -v go >/dev/null || { echo "build.sh: go is needed to build $name" >&2; exit 1; }
  echo "build.sh: building $name $version" >&2
  # Under another name first: an interrupted build leaves no half file behind.
  CGO_ENABLED=0 go build -p "${DRUPELET_GO_JOBS:-2}" -trimpath -ldflags "-s -w$stamp" \
    -o "$folder/.$name.$$" "$package" >&2
  mv "$folder/.$name.$$" "$folder/$name"
done
echo "$folder"
