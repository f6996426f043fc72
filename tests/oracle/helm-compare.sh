#!/usr/bin/env bash
# What `drupelet render helm` prints beside what `helm template` prints, chart
# by chart. A row a render: chart, what was set, "equal", or the first line
# that differs. Lines that differ between five runs of helm itself (passwords,
# certificates, and checksums over them) are left out, with their number.
#
#   tests/oracle/helm-compare.sh [--only NAME] [--values-dir DIR] [CHART...]
#
# CHART is a folder or a .tgz; the default is every chart of the corpus and,
# with its value files, flags and release names, every chart of the cluster
# repository in it. Value sets: tests/helm/values/<chart>/*.yaml, and for the
# cluster repository's tests/helm/values/brassberry/<chart>/*.yaml.
# HELM and DRUPELET name the binaries, DRUPELET_CORPUS the corpus.
# The exit code is the number of rows that differ, 100 at most.
set -u
here=$(cd "$(dirname "$0")/../.." && pwd)
helm=${HELM:-helm}
drupelet=${DRUPELET:-$here/target/debug/drupelet}
corpus=${DRUPELET_CORPUS:-$here/../shared/corpus}
values_dir=$here/tests/helm/values
only=
charts=()
while [ $# -gt 0 ]; do
  case $1 in
    --only) only=$2; shift 2 ;;
    --values-dir) values_dir=$2; shift 2 ;;
    *) charts+=("$1"); shift ;;
  esac
done
command -v "$helm" >/dev/null || { echo "no helm: set HELM (go install helm.sh/helm/v4/cmd/helm@v4.2.4)"; exit 100; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export HOME=$work/home HELM_CACHE_HOME=$work/home HELM_CONFIG_HOME=$work/home HELM_DATA_HOME=$work/home
mkdir -p "$work/home"
n_rows=0
n_different=0

row() { # CHART SET RESULT
  printf '%-34s %-34s %s\n' "$1" "$2" "$3"
}

# compare CHART SET ARGUMENTS...
compare() {
  local chart=$1 set=$2
  shift 2
  n_rows=$((n_rows + 1))
  "$helm" template "$@" >"$work/want" 2>"$work/want.err"
  local helm_code=$?
  "$drupelet" render helm "$@" >"$work/got" 2>"$work/got.err"
  local our_code=$?
  if [ $helm_code != 0 ]; then
    compare_errors "$chart" "$set" $our_code
    return
  fi
  if [ $our_code != 0 ]; then
    n_different=$((n_different + 1))
    row "$chart" "$set" "FAILS: $(grep -v '^warning' "$work/got.err" | head -3 | tr '\n' ' ')"
    return
  fi
  if cmp -s "$work/want" "$work/got"; then
    row "$chart" "$set" "equal ($(wc -l <"$work/want") lines)"
    return
  fi
  for run in 1 2 3 4; do
    "$helm" template "$@" >"$work/run$run" 2>/dev/null
  done
  # The first line that differs although all runs of helm agree on it.
  paste -d $'\001' "$work/want" "$work/run1" "$work/run2" "$work/run3" "$work/run4" "$work/got" |
    awk -F $'\001' '
      { random = 0; for (i = 2; i <= 5; i++) if ($i != $1) random = 1 }
      random { n++; next }
      $6 != $1 { printf "DIFFERS in line %d: helm %s | ours %s\n", NR, $1, $6; found = 1; exit }
      END { if (!found) printf "equal (%d lines, %d of them random)\n", NR, n }' >"$work/verdict"
  if [ "$(wc -l <"$work/want")" != "$(wc -l <"$work/got")" ] && grep -q '^equal' "$work/verdict"; then
    echo "DIFFERS in the number of lines" >"$work/verdict"
  fi
  grep -q '^equal' "$work/verdict" || n_different=$((n_different + 1))
  row "$chart" "$set" "$(cut -c1-300 "$work/verdict")"
}

# Helm refuses: so must we, and say where and why as it does.
compare_errors() { # CHART SET OUR_CODE
  local cause
  cause=$(grep -v '^$\|^Use --debug\|level=\|^warning' "$work/want.err" | tail -1 | sed 's/^Error: //; s/^ *//')
  if [ "$3" != 0 ] && grep -qF -- "$cause" "$work/got.err"; then
    row "$1" "$2" "equal (both refuse: ${cause:0:120})"
  else
    n_different=$((n_different + 1))
    row "$1" "$2" "DIFFERS: helm refuses: ${cause:0:200} | ours ($3): $(tail -1 "$work/got.err" | cut -c1-200)"
  fi
}

chart_rows() { # CHART
  local name
  name=$(basename "$1" .tgz)
  name=$(sed -E 's/-v?[0-9]+\.[0-9]+\.[0-9]+.*$//' <<<"$name")
  case $name in *"$only"*) ;; *) return ;; esac
  # A chart may need flags of its own: its schema is in the web.
  local flags=()
  [ -e "$values_dir/$name/flags" ] && read -ra flags <"$values_dir/$name/flags"
  set -- "$1" "${flags[@]}"
  compare "$name" "default" release "$@"
  compare "$name" "--include-crds, given apis" release "$@" --include-crds --kube-version 1.34.1 \
    -a monitoring.coreos.com/v1,monitoring.coreos.com/v1/ServiceMonitor -a cert-manager.io/v1 -a gateway.networking.k8s.io/v1
  local file
  for file in "$values_dir/$name"/*.yaml; do
    [ -e "$file" ] && compare "$name" "$(basename "$file")" release "$@" -n spaces -f "$file"
  done
}

# The charts of the cluster repository, as its Applications render them.
repository_rows() {
  local bundle=$corpus/repos/brassberry-kubernetes-cluster-state.bundle
  git clone -q "$bundle" "$work/cluster" 2>/dev/null || { echo "no $bundle: its charts are left out"; return; }
  while read -r path release namespace; do
    case $path in *"$only"*) ;; *) continue ;; esac
    local chart=$work/cluster/$path
    local common=("$release" "$chart" -n "$namespace" -f "$chart/values.yaml")
    compare "$path" "as the application" "${common[@]}"
    compare "$path" "--kube-version 1.21" "${common[@]}" --kube-version 1.21
    compare "$path" "--kube-version 1.34" "${common[@]}" --kube-version 1.34
    compare "$path" "--include-crds" "${common[@]}" --include-crds
    compare "$path" "--api-versions" "${common[@]}" --kube-version 1.21 --include-crds \
      -a monitoring.coreos.com/v1 -a monitoring.coreos.com/v1/ServiceMonitor,networking.k8s.io/v1beta1/Ingress
    compare "$path" "defaults" "$release" "$chart" --skip-tests --is-upgrade
    local file
    for file in "$values_dir/brassberry/$(basename "$path")"/*.yaml; do
      [ -e "$file" ] && compare "$path" "$(basename "$file")" "${common[@]}" -f "$file"
    done
  done <<'END'
argocd/argo-cd argo-cd argocd
default/nfs-client-provisioner nfs-client-provisioner default
fip/fip-slack-bot fip-slack-bot fip
fip/fip-telegram-bot fip-telegram-bot fip
fip/spotify-api spotify-api fip
fip/whats-on-fip whats-on-fip fip
logging/loki loki logging
logging/promtail promtail logging
monitoring/kube-prometheus-stack kube-prometheus-stack monitoring
nginx/ingress-nginx ingress-nginx nginx
END
}

row CHART SET RESULT
if [ ${#charts[@]} = 0 ]; then
  repository_rows
  charts=("$corpus"/charts/*.tgz)
fi
for chart in "${charts[@]}"; do
  [ -e "$chart" ] && chart_rows "$chart"
done
echo "$n_rows renders, $n_different differ"
[ $n_different -le 100 ] || n_different=100
exit $n_different
