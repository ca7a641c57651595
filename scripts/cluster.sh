# shellcheck shell=bash
# A cluster on this machine: nodes n1, n2, … that vote and take publishers, and e1, e2, … that serve viewers.
# Sourced by `up`, `down` and `demo` behind lib.sh, never run. A cluster lies in one folder: a folder for each node,
# `cluster.toml` for all of them, and `shape`, which says how many there are and where their ports begin.

# Ports of two neighbours are this far apart.
NODE_PORTS=10
CLUSTER_BASE=18000
export CLUSTER_BASE

is_cluster() { [ -f "$1/shape" ]; }

# set_shape NODES EDGES BASE — names the nodes.
set_shape() {
  local i
  NAMES=()
  for ((i = 1; i <= $1; i++)); do NAMES+=("n$i"); done
  for ((i = 1; i <= $2; i++)); do NAMES+=("e$i"); done
  SHAPE="$1 $2 $3" FIRST_BASE=$3
  set_ports "$((FIRST_BASE + NODE_PORTS * (${#NAMES[@]} - 1)))"
}

# read_shape DIR — the same for a cluster that is there.
read_shape() {
  local nodes edges base
  read -r nodes edges base <"$1/shape"
  set_shape "$nodes" "$edges" "$base"
}

# node_ports NAME — sets RTMP, HTTP, API, LINK, METRICS to those of a node.
node_ports() {
  local i
  for i in "${!NAMES[@]}"; do
    [ "${NAMES[i]}" != "$1" ] || break
  done
  set_ports "$((FIRST_BASE + NODE_PORTS * i))"
  LINK=$((RTMP + 6))
}

# weir_at NAME ARGUMENT… — the command line by way of a node.
weir_at() {
  local API
  API="$(node_ports "$1" && printf '%s' "$API")"
  shift
  "$TARGET/release/weir" --endpoint "http://127.0.0.1:$API" --token-file "$DATA/n1/operator.token" "$@"
}

roles_of() { case "$1" in n*) printf 'ingest,edge,voter' ;; *) printf 'edge' ;; esac; }

# run_node NAME ARGUMENT… — starts a node on its folder and waits until it answers.
run_node() {
  local name=$1 folder="$DATA/$1" port pid i
  shift
  mkdir -p "$folder" && chmod 700 "$folder"
  node_ports "$name"
  for port in "$RTMP" "$HTTP" "$API" "$METRICS"; do
    ! port_is_taken "$port" ||
      die "port $port is taken by another program; stop it, or choose other ports with --port-base"
  done
  setsid "$TARGET/release/weir-node" --config "$DATA/cluster.toml" --data "$folder" --port-base "$RTMP" --name "$name" \
    --roles "$(roles_of "$name")" "$@" >>"$folder/node.log" 2>&1 </dev/null &
  pid=$!
  printf '%s\n' "$pid" >"$folder/up.pid"
  for ((i = 0; i < 300; i++)); do
    ! http_answers "$API" /v1/version || return 0
    kill -0 "$pid" 2>/dev/null || die "$name ended at once: $(tail -n1 "$folder/node.log")"
    sleep 0.1
  done
  die "$name did not answer within 30 s; see $folder/node.log"
}

# A node that has joined once finds back by itself; a new one needs an invitation and the address of a member.
join_node() {
  local name=$1 folder="$DATA/$1"
  if [ ! -e "$folder/joined" ]; then
    mkdir -p "$folder" && chmod 700 "$folder"
    (umask 077 && weir_at n1 node invite --roles "$(roles_of "$name")" -o json |
      sed -n 's/.*"token": *"\([^"]*\)".*/\1/p' >"$folder/invitation")
    node_ports n1
    run_node "$name" --join "127.0.0.1:$LINK" --token-file "$folder/invitation"
    rm -f "$folder/invitation"
    touch "$folder/joined"
  else
    run_node "$name"
  fi
}

# node_state NAME [ASKED] — what a node, else the first one, says of another: up, suspect, fenced, …
node_state() {
  weir_at "${2:-n1}" node list -o jsonl 2>/dev/null | grep -F "\"name\":\"$1\"" | sed -n 's/.*"state":"\([a-z_]*\)".*/\1/p'
}

# eventually SECONDS COMMAND… — runs it until it succeeds; false when it does not.
eventually() {
  local end=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$end" ] || return 1
    sleep 0.2
  done
}

is_up() { [ "$(node_state "$1" "${2:-n1}")" = up ]; }

# Starts whatever of the cluster does not run.
cluster_up() {
  local name started=0
  mkdir -p "$DATA" && chmod 700 "$DATA"
  if is_cluster "$DATA"; then
    [ "$(cat "$DATA/shape")" = "$SHAPE" ] ||
      die "$DATA holds a cluster of another shape ($(cat "$DATA/shape")); remove it, or choose another --data"
  else
    # The defaults of every setting; all the nodes are on this machine.
    sed 's/^# address = .*/address = "127.0.0.1"/' "$ROOT/cluster.toml" >"$DATA/cluster.toml"
    printf '%s\n' "$SHAPE" >"$DATA/shape"
  fi
  for name in "${NAMES[@]}"; do
    ! node_pid "$DATA/$name" >/dev/null || continue
    if [ "$name" = n1 ]; then run_node n1; else join_node "$name"; fi
    started=$((started + 1))
  done
  for name in "${NAMES[@]}"; do
    eventually 30 is_up "$name" || die "$name is not up after 30 s; see $DATA/$name/node.log"
    case "$name" in
      n1 | e*) ;;
      *) eventually 30 weir_at n1 node promote "$name" --yes || die "$name gets no vote: $(weir_at n1 node promote "$name" --yes 2>&1)" ;;
    esac
  done
  [ "$started" -gt 0 ] || say "the cluster of $DATA runs already"
}

cluster_down() {
  local name pid status=0
  stop_publisher "$DATA"
  for name in "${NAMES[@]}"; do
    ! pid="$(node_pid "$DATA/$name")" || kill -TERM "$pid" 2>/dev/null || true
  done
  for name in "${NAMES[@]}"; do
    if pid="$(node_pid "$DATA/$name")" && ! stop_pid "$pid" 20; then
      say "$name (process $pid) does not stop; see $DATA/$name/node.log"
      status=1
    fi
    rm -f "$DATA/$name/up.pid"
  done
  return "$status"
}

cluster_runs() {
  local name
  for name in "${NAMES[@]}"; do node_pid "$DATA/$name" >/dev/null || return 1; done
}

ingest_ports() {
  local name
  for name in "${NAMES[@]}"; do
    case "$name" in n*) node_ports "$name" && printf '%s\n' "$RTMP" ;; esac
  done
}

# --- the test picture's publisher, which goes from ingest to ingest ----------------------------------

publisher_pid() {
  local pid
  pid="$(cat "$1/publisher.pid" 2>/dev/null)" || return 1
  tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF scripts/publisher || return 1
  printf '%s' "$pid"
}

# start_publisher DIR KEY CLIP PORT… — the key goes by the environment, which others on the machine cannot read.
start_publisher() {
  local folder=$1 key=$2
  shift 2
  ! publisher_pid "$folder" >/dev/null || return 0
  WEIR_STREAM_KEY=$key setsid "$ROOT/scripts/publisher" "$@" >"$folder/publisher.log" 2>&1 </dev/null &
  printf '%s\n' "$!" >"$folder/publisher.pid"
}

stop_publisher() {
  local pid
  ! pid="$(publisher_pid "$1")" || kill -TERM -- "-$pid" 2>/dev/null || true
  rm -f "$1/publisher.pid"
}
