# A fleet of many hosts with a product that is as light as a product can be: a release of a few files whose service is one sleeping
# process. So a rollout over all hosts takes a second, and a test can afford a hundred of them. Sourced after ../lib.sh.

# light_open: the fleet's folder, its keys and its controller.
light_open() {
  trap e2e_end EXIT
  trap 'exit 143' TERM INT HUP
  fleet_open
  product=light
  work=$fleet_folder/release
  hosts=()
  mkdir "$work"
  cat >"$work/light.yaml" <<'TEXT'
product: light
start:
  # The number is written before the service is what it is, so that a stop finds it however far a start has come.
  command: |
    mkdir -p "$RELEVO_SHARED/run"
    setsid sh -c 'echo $$ >"$RELEVO_SHARED/run/serve.pid"; exec "$RELEVO_RELEASE/bin/serve" 100000' >/dev/null 2>&1 </dev/null &
    until read -r pid <"$RELEVO_SHARED/run/serve.pid" && [ "/proc/$pid/exe" -ef "$RELEVO_RELEASE/bin/serve" ]; do sleep 0.05; done 2>/dev/null
  deadline: 20s
stop:
  command: |
    read -r pid 2>/dev/null <"$RELEVO_SHARED/run/serve.pid" || exit 0
    kill -KILL "$pid" 2>/dev/null
    # One that nobody has waited for yet has no program any more.
    while [ -e "/proc/$pid/exe" ]; do sleep 0.02; done
    rm -f "$RELEVO_SHARED/run/serve.pid"
  deadline: 20s
health:
  - exec: alive.sh
    deadline: 10s
health_interval: 100ms
keep_releases: 2
suites: {}
TEXT
  cat >"$work/alive.sh" <<'TEXT'
#!/bin/sh
read -r pid <"$RELEVO_SHARED/run/serve.pid" && kill -0 "$pid"
TEXT
  fleet_init --name e2e --approver release-managers=ana
  [ ${#fleet_as[@]} -eq 0 ] || chown -R 65534:65534 "$fleet_folder"
  fleet_controller
}

# light_hosts NAME…: enrolled side by side, and running.
light_hosts() {
  local name
  for name in "$@"; do
    fleet_host "$name" light 1
    fleet_ask "$name"
  done
  for name in "$@"; do fleet_accept "$name" staging light; done
  for name in "$@"; do
    fleet_joined "$name"
    fleet_agent "$name"
    hosts+=("$name")
  done
}

# light_release VERSION [BYTES [SOURCE]]: makes its files in $work/VERSION and its artefact; so many bytes of ballast are read from
# SOURCE, random ones by themselves.
light_release() {
  local tree=$work/$1
  mkdir -p "$tree/bin"
  cp "$(command -v sleep)" "$tree/bin/serve"
  echo "$1" >"$tree/version"
  ln -s bin/serve "$tree/service"
  [ -z "${2:-}" ] || head -c "$2" "${3:-/dev/urandom}" >"$tree/ballast"
  tar -C "$tree" --sort=name -czf "$work/$1.tgz" .
  relevo artifact add "$work/$1.tgz" >/dev/null
}

# light_plan VERSION: one deploy to all hosts at once.
light_plan() {
  echo "  - deploy: { environment: staging, max_parallel: 100%, min_healthy_time: 100ms, healthy_deadline: 1m, progress_deadline: 3m }" |
    plan "$1" "$1" "$1.tgz"
}

light_stop() { # HOST…: ends these agents; services keep running
  local host
  for host in "$@"; do kill -TERM "${fleet_agent_pid[$host]}" 2>/dev/null || true; done
  for host in "$@"; do wait "${fleet_agent_pid[$host]}" || true; done
}

# light_runs VERSION HOST…: `current` is one whole release, file by file what was released, and the one process that serves is its own.
light_runs() {
  local version=$1 host root served
  served=$(find /proc -maxdepth 2 -name exe -lname "$fleet_folder/hosts/*" -printf '%l\n' 2>/dev/null || true)
  for host in "${@:2}"; do
    root=$fleet_folder/hosts/$host/light
    [[ $(readlink "$root/current") == releases/$version-* ]] || fleet_fail "$host: current is $(readlink "$root/current"), not $version"
    diff -r --no-dereference "$work/$version" "$root/current/" || fleet_fail "$host: current is not what was released as $version"
    [ -x "$root/current/bin/serve" ] || fleet_fail "$host: the service has lost its mode"
    [ "$(grep -F "$root/" <<<"$served")" = "$(readlink -f "$root/current")/bin/serve" ] ||
      fleet_fail "$host: not one service of $version: $served"
  done
}

# light_tidy HOST…: nothing half-done lies around.
light_tidy() {
  local homes=("${@/#/$fleet_folder/hosts/}") home found
  [ -z "$(find "${homes[@]}" -name '*.partial' -o -name '.current.next' -o -name '.*.??????' -o -path '*/state/scratch/*')" ] || return 1
  for home in "${homes[@]}"; do
    found=("$home"/light/releases/*)
    [ ${#found[@]} -le 2 ] || return 1
  done
}

# light_receipts COUNT HOST…: the journal can be read to its end, and holds so many receipts, all stored by the controller.
light_receipts() {
  local count=$1 host said
  for host in "${@:2}"; do
    said=$(fleet_run "$fleet_folder/bin/relevo-agent" status --config "$fleet_folder/hosts/$host/agent.yaml") ||
      fleet_fail "$host: its journal is damaged"
    grep -q "  receipts $count\$" <<<"$said" || fleet_fail "$host has not $count receipts: $said"
  done
}
