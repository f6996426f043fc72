#!/usr/bin/env bash
# Starts a real API server on free loopback ports, to look at by hand:
#
#   tests/apiserver/run.sh [--controller-manager] [--rbac] [--dir FOLDER] [-- FLAGS FOR kube-apiserver]
#
# The first line on stdout is the path of a kubeconfig (an administrator's); it
# is printed when the server is ready. Everything ends and is removed on Ctrl-C
# or SIGTERM. Logs are in FOLDER/*.log (default: a temporary folder).
#
# Without --controller-manager there is nobody who makes the default service
# account of a namespace, so the ServiceAccount admission plugin is off then;
# nothing is garbage-collected and namespaces stay in Terminating.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
with_manager=
authorization=AlwaysAllow
folder=
while [ $# -gt 0 ]; do
  case $1 in
    --controller-manager) with_manager=yes; shift ;;
    --rbac) authorization=RBAC; shift ;;
    --dir) folder=$2; shift 2 ;;
    --) shift; break ;;
    *) echo "run.sh: unknown flag $1" >&2; exit 2 ;;
  esac
done

programs=$("$here/build.sh" etcd kube-apiserver ${with_manager:+kube-controller-manager})
own_folder=
if [ -z "$folder" ]; then
  folder=$(mktemp -d)
  own_folder=yes
fi
mkdir -p "$folder/certs"

running=()
stop() {
  trap - EXIT INT TERM
  # The API server first, or it complains about its store.
  for ((i = ${#running[@]} - 1; i >= 0; i--)); do
    kill "${running[i]}" 2>/dev/null || true
    wait "${running[i]}" 2>/dev/null || true
  done
  [ -z "$own_folder" ] || rm -rf "$folder"
}
trap stop EXIT
trap 'exit 0' INT TERM

free_port() {
  local port
  while :; do
    port=$((20000 + RANDOM % 30000))
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
  done
}

etcd_port=$(free_port)
peer_port=$(free_port)
port=$(free_port)
token=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
echo "$token,admin,admin,system:masters" >"$folder/tokens.csv"
openssl genrsa -out "$folder/service-account.key" 2048 2>/dev/null

"$programs/etcd" --data-dir "$folder/etcd" --unsafe-no-fsync --log-level error \
  --listen-client-urls "http://127.0.0.1:$etcd_port" --advertise-client-urls "http://127.0.0.1:$etcd_port" \
  --listen-peer-urls "http://127.0.0.1:$peer_port" --initial-advertise-peer-urls "http://127.0.0.1:$peer_port" \
  --initial-cluster "default=http://127.0.0.1:$peer_port" >"$folder/etcd.log" 2>&1 &
running+=($!)

disabled=--disable-admission-plugins=ServiceAccount
[ -z "$with_manager" ] || disabled=--disable-admission-plugins=
"$programs/kube-apiserver" --bind-address 127.0.0.1 --secure-port "$port" --cert-dir "$folder/certs" \
  --etcd-servers "http://127.0.0.1:$etcd_port" --token-auth-file "$folder/tokens.csv" \
  --authorization-mode "$authorization" --allow-privileged --profiling=false \
  --service-cluster-ip-range 10.0.0.0/16 --endpoint-reconciler-type none \
  --service-account-issuer https://kubernetes.default.svc.cluster.local \
  --service-account-key-file "$folder/service-account.key" \
  --service-account-signing-key-file "$folder/service-account.key" \
  "$disabled" \
  "$@" >"$folder/kube-apiserver.log" 2>&1 &
running+=($!)

write_kubeconfig() {
  cat >"$folder/kubeconfig" <<EOF
apiVersion: v1
kind: Config
current-context: apiserver
clusters: [{name: apiserver, cluster: {server: "https://127.0.0.1:$port", certificate-authority: "$folder/certs/apiserver.crt"}}]
users: [{name: admin, user: {token: $token}}]
contexts: [{name: apiserver, context: {cluster: apiserver, user: admin}}]
EOF
}

ready=
for ((i = 0; i < 600; i++)); do
  for id in "${running[@]}"; do
    kill -0 "$id" 2>/dev/null || { echo "run.sh: a server ended early:" >&2; tail -n 5 "$folder"/*.log >&2; exit 1; }
  done
  if curl -s --cacert "$folder/certs/apiserver.crt" -H "Authorization: Bearer $token" \
    "https://127.0.0.1:$port/readyz" 2>/dev/null | grep -qx ok; then
    ready=yes
    break
  fi
  sleep 0.1
done
[ -n "$ready" ] || { echo "run.sh: the API server is not ready after 60 s; see $folder" >&2; exit 1; }
write_kubeconfig

if [ -n "$with_manager" ]; then
  "$programs/kube-controller-manager" --kubeconfig "$folder/kubeconfig" \
    --service-account-private-key-file "$folder/service-account.key" \
    --root-ca-file "$folder/certs/apiserver.crt" --leader-elect=false --profiling=false \
    --secure-port 0 --use-service-account-credentials=false >"$folder/kube-controller-manager.log" 2>&1 &
  running+=($!)
fi

echo "$folder/kubeconfig"
echo "run.sh: https://127.0.0.1:$port is ready; Ctrl-C ends it" >&2
wait -n "${running[@]}" || true
echo "run.sh: a server ended; logs in $folder" >&2
