# shellcheck shell=bash
# What the other scripts share: talking to people, missing packages, ports, building, the node of a data directory.
# Sourced, never run. Everything that changes the machine says so first.

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
TARGET="${CARGO_TARGET_DIR:-$ROOT/target}"
RUST_MIN="$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$ROOT/Cargo.toml")"
export ROOT TARGET

say() { printf '%s\n' "$*" >&2; }
die() { say "error: $*"; exit 1; }

# --- the machine ------------------------------------------------------------------------------------

# True where `apt-get` may be used: Debian 12 and 13, Ubuntu 24.04.
system_is_known() {
  [ -r /etc/os-release ] || return 1
  local id version
  id="$(. /etc/os-release && printf '%s' "${ID:-}")"
  version="$(. /etc/os-release && printf '%s' "${VERSION_ID:-}")"
  case "$id $version" in
    "debian 12" | "debian 13" | "ubuntu 24.04") return 0 ;;
    *) return 1 ;;
  esac
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "this needs root: install sudo, or run as root: $*"
  fi
}

# need COMMAND:PACKAGE… — installs the packages whose command is missing.
need() {
  local missing=() pair
  for pair in "$@"; do
    command -v "${pair%%:*}" >/dev/null || missing+=("${pair#*:}")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  if ! system_is_known; then
    say "Packages are installed on Debian 12, Debian 13 and Ubuntu 24.04 only."
    say "On this system install them yourself, then run this again (Debian names): ${missing[*]}"
    exit 1
  fi
  say "installing: ${missing[*]}"
  apt_install "${missing[@]}" ||
    die "the packages could not be installed; try: apt-get install ${missing[*]}"
}

apt_install() {
  as_root apt-get update -qq || say "apt-get update failed; trying with the lists that are there"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >&2
}

need_rust() {
  if ! command -v cargo >/dev/null && [ -x "$HOME/.cargo/bin/cargo" ]; then
    PATH="$HOME/.cargo/bin:$PATH"
  fi
  command -v cargo >/dev/null ||
    die "cargo is missing. Install the Rust toolchain with rustup (https://rustup.rs), then run this again."
  local have
  have="$(rustc --version | cut -d' ' -f2)"
  [ "$(printf '%s\n%s\n' "$RUST_MIN" "$have" | sort -V | head -n1)" = "$RUST_MIN" ] ||
    die "Rust $have is too old, $RUST_MIN or newer is needed: rustup update stable"
}

# --- building ---------------------------------------------------------------------------------------

# npm_install DIR — exactly what its lock file says, and only when that changed.
npm_install() {
  local stamp="$1/node_modules/.package-lock.json"
  [ "$stamp" -nt "$1/package-lock.json" ] && return 0
  (cd "$1" && npm ci --no-audit --no-fund --loglevel=error >&2) && touch "$stamp"
}

# The watch page is embedded in the node, so it is built first. Without it the node still works and its page says so.
build_watch_page() {
  local page="$ROOT/src/edge/watch"
  [ -f "$page/package.json" ] || return 0
  if [ -f "$page/dist/player.js" ] &&
    [ -z "$(find "$page" \( -name node_modules -o -name dist \) -prune -o -type f -newer "$page/dist/player.js" -print -quit)" ]; then
    return 0
  fi
  say "building the watch page"
  npm_install "$page" && (cd "$page" && npm run --silent build >&2) && touch "$page/dist/player.js"
}

# --- ports ------------------------------------------------------------------------------------------

# shellcheck disable=SC2034 # read by the scripts that source this
# set_ports BASE — the addresses of a node; an empty BASE means the defaults.
set_ports() {
  if [ -z "$1" ]; then
    RTMP=1935 RTMPS=1936 HTTP=8080 HTTPS=8443 API=7070 METRICS=9464
    return
  fi
  case "$1" in *[!0-9]*) die "--port-base wants a number, not '$1'" ;; esac
  { [ "$1" -ge 1 ] && [ "$1" -le 65528 ]; } || die "--port-base must be between 1 and 65528"
  RTMP=$1 RTMPS=$(($1 + 1)) HTTP=$(($1 + 3)) HTTPS=$(($1 + 4)) API=$(($1 + 5)) METRICS=$(($1 + 7))
}

port_is_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# http_answers PORT PATH — true when something there speaks HTTP.
http_answers() {
  (
    exec 3<>"/dev/tcp/127.0.0.1/$1" || exit 1
    printf 'GET %s HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n' "$2" >&3
    IFS= read -r -t 2 line <&3 || exit 1
    [[ $line == HTTP/* ]]
  ) 2>/dev/null
}

# --- the node of a data directory -------------------------------------------------------------------

# pid_in FILE NAME — prints the process id kept in FILE if that process still runs the program NAME.
pid_in() {
  local pid exe
  pid="$(cat "$1" 2>/dev/null)" || return 1
  [ -n "$pid" ] || return 1
  exe="$(readlink "/proc/$pid/exe" 2>/dev/null)" || return 1
  # A rebuilt program shows as `… (deleted)`.
  exe="${exe% (deleted)}"
  [ "${exe##*/}" = "$2" ] || return 1
  printf '%s' "$pid"
}

node_pid() { pid_in "$1/up.pid" weir-node; }

# stop_pid PID SECONDS — asks it to end and waits; false when it is still there after that.
stop_pid() {
  kill -TERM "$1" 2>/dev/null || return 0
  local i
  for ((i = 0; i < $2 * 10; i++)); do
    kill -0 "$1" 2>/dev/null || return 0
    # A finished child of this shell stays as a zombie until it is waited for.
    grep -q '^State:[[:space:]]*Z' "/proc/$1/status" 2>/dev/null && return 0
    sleep 0.1
  done
  return 1
}
