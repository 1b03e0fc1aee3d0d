# The packages on real hosts: installed, they wait in silence; enrolled, they say when they are ready; a hanging program is restarted;
# an upgrade keeps the configuration and touches no service of a product; purged, nothing is left but what products have.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
work=$(mktemp -d)
beside=
before_end() {
  [ -z "$beside" ] || kill "$beside" 2>/dev/null || true
  rm -rf "$work"
}
agent=/etc/relevo/agent.yaml
controller=/etc/relevo/controller/controller.yaml

step "packages are made, and two fresh hosts boot"
package() { ls "$work/$1"_*-"${2:-1}"_*.deb; } # NAME [REVISION]
# again NAME REVISION [FILE LINE]: the same package as a later one, with one more line in a file.
again() {
  local folder=$work/again-$1
  rm -rf "$folder"
  dpkg-deb --raw-extract "$(package "$1")" "$folder"
  sed -i "s/^\(Version: .*\)-1\$/\1-$2/" "$folder/DEBIAN/control"
  [ $# -eq 2 ] || echo "$4" >>"$folder/$3"
  dpkg-deb --build --root-owner-group -Znone "$folder" "$(package "$1" | sed "s/-1_/-$2_/")" >/dev/null
}
pack() {
  cpack --config "$bin/CPackConfig.cmake" -G 'DEB;RPM' -B "$work" >"$work/log" 2>&1 || fail "cpack: $(tail -n 20 "$work/log")"
  again relevo-agent 2
  again relevo-agent 3 $agent '# A later version says more.'
  again relevo-controller 2
}
pack &
beside=$!
lab_up c h
wait $beside || fail "the packages could not be made"
lintian --allow-root --fail-on error,warning --tag-display-limit 0 "$work"/*-1_*.deb &
beside=$!
# files HOST: what there is, but for what every boot and every package writes.
files() {
  host "$1" find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /run -o -path /tmp -o -path /var/tmp -o -path /var/log \
    -o -path /var/lib/dpkg -o -path /var/cache \) -prune -o -print | LC_ALL=C sort
}
files h >"$work/before"

step "installed: enabled, waiting in silence"
lab copy c "$(package relevo)" "$(package relevo-controller)" /var/tmp/packages
lab copy h "$work"/*-[123]_*.deb "$work"/*.rpm /var/tmp/packages
there() { echo "/var/tmp/packages/$(basename "$(package "$@")")"; }
# dpkg_on HOST WORD…: nobody is there to be asked.
dpkg_on() { host "$1" dpkg "${@:2}" </dev/null >"$work/dpkg" 2>&1 || fail "dpkg ${*:2} on $1: $(cat "$work/dpkg")"; }
dpkg_on c -i "$(there relevo)" "$(there relevo-controller)"
dpkg_on h -i "$(there relevo)" "$(there relevo-agent)" "$(there relevo-controller)"
for unit in relevod relevo-agent; do
  [ "$(host h systemctl is-enabled $unit)" = enabled ] || fail "$unit is not enabled"
  [ "$(host h systemctl is-active $unit)" = inactive ] || fail "$unit is $(host h systemctl is-active $unit), not waiting"
done
[ "$(host h systemctl is-system-running)" = running ] || fail "h is not well: $(host h systemctl --failed --plain)"
[ "$(host h stat -c '%U %G %a' /etc/relevo/controller)" = 'root relevo 750' ] || fail "/etc/relevo/controller is not relevo's to read"
[ "$(host h relevo version) $(host h relevod --version)" = "$(host h relevo-agent --version | sed 's/-agent//; s/\(.*\) \(.*\)/\1 \2 relevod \2/')" ] ||
  fail "the programs have different versions"
host h sh -c 'relevo-agent enrol --token x 2>&1 || true' | grep -q '"name" is missing' || fail "the example configuration is not told from a real one"

step "a controller, as controller.yaml.example says"
make_controller() { # ADDRESS
  cd /srv
  relevo init fleet --listen "$1" --no-password --approver release-managers=ana >/dev/null 2>&1
  sed -i 's|^local:.*|local: ipc:///run/relevo/local|' fleet/relevo.yaml
  cd /etc/relevo/controller
  sed "s/10\.0\.0\.1/$1/" controller.yaml.example >controller.yaml
  install -m 0600 -o relevo -g relevo /srv/fleet/controller/*.key .
  install -m 0644 /srv/fleet/*.relevo* .
  systemctl start relevod
}
inside c make_controller "$(lab address c)"
relevo() { host c env RELEVO_CONFIG=/srv/fleet/relevo.yaml relevo "$@"; }
show() { host "$1" systemctl show --value -p "$3" "$2"; } # HOST UNIT PROPERTY
is_ready() { [ "$(show "$1" "$2" ActiveState) $(show "$1" "$2" Type)" = "active notify" ]; }
is_ready c relevod || fail "relevod is $(show c relevod ActiveState)"
[[ $(show c relevod StatusText) == "controller-1 serves agents at tcp://$(lab address c):7401,"* ]] || fail "relevod's status: $(show c relevod StatusText)"
relevo rollout list >/dev/null 2>&1

step "a host is enrolled, and its agent is ready"
host h sed -i 's/^#name: .*/name: h/; s/^#products:/products:/; s|^#  rstudio-connect: .*|  light: { root: /opt/relevo/light }|' $agent
host h systemctl start relevo-agent
[ "$(host h systemctl is-active relevo-agent)" = inactive ] || fail "an agent that is not enrolled runs"
host h relevo-agent enrol --token "$(relevo host token 2>/dev/null)" >"$work/enrol" 2>&1 &
enrolling=$!
is_waiting() { relevo host list | grep -Eq '^ *h .*(waiting|pending)'; }
wait_for 20 "the request of h" is_waiting
relevo host accept h --environment staging --product light --yes >/dev/null 2>&1
wait $enrolling || fail "enrol: $(cat "$work/enrol")"
host h systemctl start relevo-agent
is_ready h relevo-agent || fail "the agent is $(show h relevo-agent ActiveState)"
[ "$(show h relevo-agent StatusText)" = "host h: nothing to do" ] || fail "its status: $(show h relevo-agent StatusText)"
is_connected() { relevo host list -o json | grep -q '"connected": *true'; }
wait_for 20 "the agent's connection" is_connected
session() { host h pgrep -x relevo-session; }
[ "$(host h ps -o user:20= -p "$(session)")" = relevo-session ] || fail "the session is $(host h ps -o user:20= -p "$(session)")"
environment() { host h cat "/proc/$1/environ" | tr '\0' '\n'; }
told_nobody() { # WHAT PID
  ! environment "$2" | grep -E '^(NOTIFY_SOCKET|WATCHDOG_)' || fail "$1 finds the service manager's address in its environment"
}
told_nobody "the session" "$(session)"

step "a release: its service is started by the agent"
make_release() {
  mkdir -p /srv/release/bin
  cd /srv/release
  cp "$(command -v sleep)" bin/serve
  tar -czf ../light-1.tgz .
  cd /srv
  cat >light.yaml <<'TEXT'
product: light
start:
  command: |
    mkdir -p "$RELEVO_SHARED"
    setsid sh -c 'echo $$ >"$RELEVO_SHARED/pid"; exec "$RELEVO_RELEASE/bin/serve" 100000' >/dev/null 2>&1 </dev/null &
    until [ -s "$RELEVO_SHARED/pid" ]; do sleep 0.05; done
stop: { command: 'kill "$(cat "$RELEVO_SHARED/pid")"' }
health: [{ exec: alive.sh, deadline: 5s }]
health_interval: 100ms
TEXT
  printf '#!/bin/sh\nkill -0 "$(cat "$RELEVO_SHARED/pid")"\n' >alive.sh
  cat >plan.yaml <<'TEXT'
plan: light-1
product: light
version: 1
artifact: light-1.tgz
profile: light.yaml
steps:
  - deploy: { environment: staging, min_healthy_time: 100ms }
TEXT
  relevo plan build plan.yaml -o light-1.plan >/dev/null
  relevo plan sign light-1.plan --key release-1 --yes >/dev/null
  relevo rollout start light-1.plan --watch --timeout 30s
}
host c env RELEVO_CONFIG=/srv/fleet/relevo.yaml bash -euo pipefail -c "$(declare -f make_release); make_release" >"$work/rollout" 2>&1 ||
  fail "the rollout: $(cat "$work/rollout")"
service=$(host h cat /opt/relevo/light/shared/pid)
born() { host h sh -c 'cut -d " " -f 22 "/proc/$1/stat"' born "$service"; }
service_born=$(born)
runs_on() { [ "$(born)" = "$service_born" ] || fail "the product's service was touched"; }
told_nobody "the product's service" "$service"

step "a program that hangs is restarted"
for each in "c relevod" "h relevo-agent"; do
  read -r on unit <<<"$each"
  host "$on" sh -c "mkdir -p /run/systemd/system/$unit.service.d && printf '[Service]\nWatchdogSec=2s\n' >/run/systemd/system/$unit.service.d/quick.conf &&
    systemctl daemon-reload && systemctl restart $unit"
done
main() { show "$1" "$2" MainPID; }
# Signs of life come from the loop, in time: as long as nothing hangs, nothing is restarted.
sleep 3
declare -A stopped
for each in "c relevod" "h relevo-agent"; do
  read -r on unit <<<"$each"
  [ "$(show "$on" "$unit" NRestarts)" -eq 0 ] || fail "$unit was restarted, and did not hang"
  stopped[$unit]=$(main "$on" "$unit")
  host "$on" kill -STOP "${stopped[$unit]}"
done
is_anew() { is_ready "$1" "$2" && [ "$(main "$1" "$2")" != "${stopped[$2]}" ] && [ "$(show "$1" "$2" NRestarts)" -eq 1 ]; }
for each in "c relevod" "h relevo-agent"; do
  read -r on unit <<<"$each"
  wait_for 20 "the restart of $unit" is_anew "$on" "$unit"
  host "$on" journalctl -u "$unit" --no-pager -g 'Watchdog timeout' >/dev/null || fail "it was not the watchdog that restarted $unit"
  host "$on" rm -r "/run/systemd/system/$unit.service.d"
done
runs_on
wait_for 20 "the agent's return" is_connected

step "upgraded: a new program, the same configuration, the same service"
upgrade() { # NAME REVISION OPTION…
  dpkg_on h "${@:3}" -i "$(there "$1" "$2")"
  [[ $(host h dpkg-query -W -f '${Version}' "$1") == *-$2 ]] || fail "$1 is $(host h dpkg-query -W -f '${Version}' "$1")"
}
told=$(host h sha256sum $agent)
before=$(main h relevo-agent)
upgrade relevo-agent 2
is_ready h relevo-agent || fail "after an upgrade the agent is $(show h relevo-agent ActiveState)"
[ "$(main h relevo-agent)" != "$before" ] || fail "the old agent still runs"
[ "$(host h readlink "/proc/$(main h relevo-agent)/exe")" = /usr/sbin/relevo-agent ] || fail "the agent is not the installed one"
# One whose own example has changed, too.
upgrade relevo-agent 3 --force-confold
upgrade relevo-controller 2
[ "$(host h sha256sum $agent)" = "$told" ] || fail "the administrator's configuration was changed"
host h grep -q 'later version' $agent.dpkg-dist || fail "the new example is not beside it"
runs_on
wait_for 20 "the upgraded agent's connection" is_connected
# What the administrator has disabled stays so.
host h systemctl disable --now --quiet relevo-agent
upgrade relevo-agent 3
[ "$(host h systemctl is-enabled relevo-agent) $(host h systemctl is-active relevo-agent)" = "disabled inactive" ] || fail "an upgrade enables or starts the agent"
host h systemctl enable --now --quiet relevo-agent

step "removed: it stops, and what it knows stays"
dpkg_on h -r relevo relevo-agent relevo-controller
[ "$(host h systemctl is-active relevo-agent)" = inactive ] || fail "a removed agent runs"
! session >/dev/null || fail "a removed agent's session runs"
host h test -s /var/lib/relevo-agent/installer.journal -a -s $agent || fail "state or configuration is gone"
dpkg_on h -i "$(there relevo-agent 3)"
is_ready h relevo-agent || fail "come back, the agent is $(show h relevo-agent ActiveState)"
runs_on

step "purged: nothing is left but what the product has"
dpkg_on h -P relevo relevo-agent relevo-controller
runs_on
[ "$(host h readlink -f /opt/relevo/light/current/bin/serve)" = "$(host h readlink "/proc/$service/exe")" ] || fail "the product's root was touched"
files h | LC_ALL=C comm -13 "$work/before" - | grep -v '^/opt/relevo' >"$work/left" || true
# The numbers of both users stay taken.
! grep -vxE '/etc/(passwd|group|shadow|gshadow)-|/etc/\.pwd\.lock' "$work/left" || fail "that is left of the packages"
owned=$(host h find / -xdev \( -user relevo -o -user relevo-session -o -nouser \) ! -path '/proc/*')
[ -z "$owned" ] || fail "files of their users are left: $owned"
[ -z "$(host h systemctl list-unit-files --no-legend 'relevo*')" ] || fail "a unit is left: $(host h systemctl list-unit-files --no-legend 'relevo*')"

step "the other kind of package"
host h sh -c 'rpm -i --nodeps /var/tmp/packages/*.rpm' >"$work/rpm" 2>&1 || fail "rpm: $(cat "$work/rpm")"
[ "$(host h rpm -qc relevo-agent)" = $agent ] || fail "$agent is no configuration of the package: $(host h rpm -qc relevo-agent)"
[ "$(host h systemctl is-enabled relevo-agent)" = enabled ] || fail "the unit is $(host h systemctl is-enabled relevo-agent)"
host h sh -c "echo 'name: h' >>$agent; rpm -e relevo relevo-agent relevo-controller" >"$work/rpm" 2>&1 || fail "rpm: $(cat "$work/rpm")"
host h test -s $agent.rpmsave || fail "rpm has dropped the administrator's configuration"
host h test ! -e /usr/sbin/relevo-agent || fail "rpm has left the program"

wait $beside || fail "lintian complains"
