# A whole fleet on this machine, as unprivileged processes on loopback: for the quickstart and for the end-to-end tests.
# Sourced by bash with `set -euo pipefail`. The caller sets `bin` (folder with the three programs) and calls fleet_open;
# fleet_close ends every process that was started here, by its own number, and removes the folder.

fleet_folder=
fleet_pids=()
fleet_as=()

fleet_fail() {
  echo "error: $*" | tee -a ${fleet_folder:+"$fleet_folder/failure"} >&2
  exit 1
}

# fleet_open: makes $fleet_folder. When root, everything in it belongs to `nobody` and runs as `nobody`.
fleet_open() {
  fleet_folder=$(mktemp -d "${TMPDIR:-/tmp}/relevo-fleet.XXXXXX")
  mkdir -p "$fleet_folder/bin" "$fleet_folder/log"
  cp "$bin/relevo" "$bin/relevod" "$bin/relevo-agent" "$fleet_folder/bin/"
  if [ "$(id -u)" -eq 0 ]; then
    fleet_as=(setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all)
    chown -R 65534:65534 "$fleet_folder"
  fi
  export RELEVO_CONFIG=$fleet_folder/relevo.yaml
}

# fleet_run WORDS…: runs one command as the fleet's user.
fleet_run() {
  HOME=$fleet_folder "${fleet_as[@]}" "$@"
}

# fleet_spawn LOG WORDS…: the same in the background, with its output added to a log. $! is the program's own number.
fleet_spawn() {
  local log=$1
  shift
  (exec env HOME="$fleet_folder" "${fleet_as[@]}" "$@" >>"$log" 2>&1) &
}

relevo() {
  fleet_run "$fleet_folder/bin/relevo" "$@"
}

# fleet_free_port COUNT: the first of COUNT neighbouring ports on loopback on which nobody listens.
fleet_free_port() {
  local count=$1 base try port
  for try in $(seq 50); do
    # Tests that run side by side have ports of their own, so that none is taken between this look and its use.
    base=$((20000 + ${RELEVO_TEST_SLOT:-0} * 2000 + (RANDOM * 32768 + RANDOM) % 1900))
    for ((port = base; port < base + count; port++)); do
      if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then continue 2; fi
    done
    echo "$base"
    return
  done
  fleet_fail "no $count free ports on loopback after 50 tries"
}

# fleet_wait SECONDS WHAT COMMAND…: until the command succeeds.
fleet_wait() {
  local deadline=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $deadline ] || fleet_fail "$what: not within time"
    sleep 0.1
  done
}

# fleet_init OPTIONS…: keys, trust and configuration of a new fleet.
fleet_init() {
  local port
  port=$(fleet_free_port 4)
  relevo init "$fleet_folder/new" --listen 127.0.0.1 --port "$port" --no-password "$@" >"$fleet_folder/log/init" 2>&1
  mv "$fleet_folder"/new/* "$fleet_folder"
  rmdir "$fleet_folder/new"
}

# fleet_controller: starts relevod; its process number is in $fleet_controller_pid. Call again after its end.
fleet_controller() {
  fleet_spawn "$fleet_folder/log/controller" "$fleet_folder/bin/relevod" ${RELEVO_VERBOSE:+--verbose} \
    --config "$fleet_folder/controller/controller.yaml"
  fleet_controller_pid=$!
  fleet_pids+=("$fleet_controller_pid")
  fleet_wait 20 "the controller's start (see $fleet_folder/log/controller)" relevo rollout list
}

# fleet_host NAME PRODUCT PORT [NAME=VALUE…]: writes the agent's configuration.
fleet_host() {
  local name=$1 product=$2 port=$3 variable
  shift 3
  mkdir -p "$fleet_folder/hosts/$name"
  {
    echo "name: $name"
    echo "state: $fleet_folder/hosts/$name/state"
    echo "products:"
    echo "  $product:"
    echo "    root: $fleet_folder/hosts/$name/$product"
    echo "    variables:"
    echo "      port: $port"
    for variable in "$@"; do echo "      ${variable%%=*}: ${variable#*=}"; done
  } >"$fleet_folder/hosts/$name/agent.yaml"
  [ ${#fleet_as[@]} -eq 0 ] || chown -R 65534:65534 "$fleet_folder/hosts/$name"
}

# fleet_ask NAME: a token, and the host's request to join, which waits in the background.
declare -A fleet_asking
fleet_ask() {
  local name=$1 token
  token=$(relevo host token 2>>"$fleet_folder/log/tokens")
  fleet_spawn "$fleet_folder/log/enrol-$name" "$fleet_folder/bin/relevo-agent" enrol \
    --config "$fleet_folder/hosts/$name/agent.yaml" --token "$token"
  fleet_asking[$name]=$!
  fleet_pids+=("$!")
}

# fleet_accept NAME ENVIRONMENT PRODUCT: an operator's yes; the request in the background ends by it.
fleet_accept() {
  local name=$1 environment=$2 product=$3
  fleet_wait 20 "enrolment of $name (see $fleet_folder/log/enrol-$name)" fleet_is_pending "$name"
  relevo host accept "$name" --environment "$environment" --product "$product" --yes \
    >>"$fleet_folder/log/enrol-$name" 2>&1
}

# fleet_joined NAME: waits until the host knows that it belongs to the fleet.
fleet_joined() {
  wait "${fleet_asking[$1]}" || fleet_fail "enrolment of $1 failed: $(tail -n 3 "$fleet_folder/log/enrol-$1")"
}

# fleet_enrol NAME ENVIRONMENT PRODUCT: all three.
fleet_enrol() {
  fleet_ask "$1"
  fleet_accept "$@"
  fleet_joined "$1"
}

fleet_is_pending() {
  relevo host list | grep -Eq "^ *$1 .*(waiting|pending)"
}

# fleet_agent NAME: starts the agent; its process number is in ${fleet_agent_pid[NAME]}. Call again after its end.
declare -A fleet_agent_pid
fleet_agent() {
  fleet_spawn "$fleet_folder/log/$1" "$fleet_folder/bin/relevo-agent" run ${RELEVO_VERBOSE:+--verbose} \
    --config "$fleet_folder/hosts/$1/agent.yaml"
  fleet_agent_pid[$1]=$!
  fleet_pids+=("$!")
}

# Services that releases started: the numbers are in their own pid files.
fleet_service_pids() {
  local file
  for file in "$fleet_folder"/hosts/*/*/shared/run/*.pid; do
    [ ! -s "$file" ] || cat "$file" 2>/dev/null || true
  done
}

# fleet_stop: ends every process that was started here. The number of one that has ended long ago can be a stranger's by now; what
# this shell still counts among its running jobs is its own.
fleet_stop() {
  local pid running
  running=" $(jobs -rp | tr '\n' ' ')"
  for pid in "${fleet_pids[@]}"; do
    [[ $running != *" $pid "* ]] || kill -TERM "$pid" 2>/dev/null || true
  done
  for pid in "${fleet_pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  fleet_pids=()
  for pid in $(fleet_service_pids); do kill -TERM "$pid" 2>/dev/null || true; done
  for pid in $(fleet_service_pids); do
    for _ in $(seq 50); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
  done
}

fleet_close() {
  [ -n "$fleet_folder" ] || return 0
  fleet_stop
  rm -rf "$fleet_folder"
  fleet_folder=
}

# fleet_version NAME PRODUCT: what the running service says of itself.
fleet_version() {
  local port
  port=$(sed -n 's/^ *port: //p' "$fleet_folder/hosts/$1/agent.yaml")
  curl -fsS --max-time 5 "http://127.0.0.1:$port/__version__"
}
