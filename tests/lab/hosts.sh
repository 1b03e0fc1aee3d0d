# The lab itself: hosts boot, reach each other, are killed, restarted, lose their power and their network, install a package; and
# nothing of them is left afterwards, also when the test that raised them was killed.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

# left: what there is of a lab of this name on the machine, whoever's: files, processes, mounts in any namespace, loop devices.
left() { # NAME
  local place=/var/tmp/relevo-lab/$1
  ! compgen -G "$place" || true
  find /sys/fs/cgroup -maxdepth 3 -type d -name "relevo-lab-$1"
  grep -ls "$place/" /proc/[0-9]*/mountinfo || true
  grep -ls -- "--machine=$1-" /proc/[0-9]*/cmdline || true
  grep -hs "^$place/" /sys/block/loop*/loop/backing_file || true
}
nothing_left() { # NAME
  local found
  found=$(left "$1")
  [ -z "$found" ] || fail "of the lab $1 is left: $found"
}
network() { ip -oneline link; ip -oneline address; ip route; ls /run/netns 2>/dev/null || true; }
outer_network=$(network)

step "three hosts boot"
lab_up a b c
state=$(host a systemctl is-system-running) || true
[ "$state" = running ] || fail "a is $state: $(host a systemctl list-units --failed --plain)"
[ "$(host a hostname) $(host b hostname)" = "a b" ] || fail "a and b are $(host a hostname) and $(host b hostname)"
[ "$(host a cat /etc/machine-id)" != "$(host b cat /etc/machine-id)" ] || fail "a and b have the same machine-id"
lab namespace control

step "the programs find their libraries in there"
lab copy a "$bin/relevod" "$bin/relevo" "$bin/relevo-agent" /usr/local/bin
for program in relevod relevo relevo-agent; do
  missing=$(host a ldd "/usr/local/bin/$program" | grep 'not found') || true
  [ -z "$missing" ] || fail "$program: $missing"
done

step "a package is installed, and its unit runs"
mapfile -t packages < <(lab fetch nginx)
oldest=$(sed -E 's/.*\/nginx_([^_]*)_.*/\1/;t;d' < <(printf '%s\n' "${packages[@]}") | head -n 1)
mapfile -t packages < <(printf '%s\n' "${packages[@]}" | grep -F "_${oldest}_")
lab copy a "${packages[@]}" /var/tmp/packages
host a sh -c 'dpkg -i /var/tmp/packages/*.deb' >/dev/null
[ "$(host a dpkg-query -W -f '${Version}' nginx)" = "$oldest" ] || fail "a has not nginx $oldest"
answers() { host "$1" curl -fsS -o /dev/null --max-time 2 "http://$(lab address "$2")/"; }
wait_for 10 "nginx on a" answers b a
lab in control curl -fsS -o /dev/null --max-time 2 "http://$(lab address a)/" || fail "the namespace does not reach a"

step "cut off, in each way, and mended"
refuses() { ! answers "$@" 2>/dev/null; }
lab cut a
refuses b a || fail "b reaches a, which is cut off"
host a curl -fsS -o /dev/null --max-time 2 http://127.0.0.1/ || fail "a does not reach itself"
lab mend a
answers b a || fail "b does not reach a, which is mended"
lab cut a --port 80 --to
refuses b a || fail "b reaches port 80 of a, which is cut off"
lab mend a
lab cut a --port 81
answers b a || fail "a cut of another port reaches port 80"
lab mend a

step "a narrow cable"
host a sh -c 'head -c 1000000 /dev/zero >/var/www/html/large'
took() { host b curl -fsS -o /dev/null --max-time 30 -w '%{time_total}' "http://$(lab address a)/large"; }
wide=$(took)
lab rate a 8mbit
narrow=$(took)
lab rate a off
echo "1 MB in $wide s, through 8 Mbit/s in $narrow s"
awk -v narrow="$narrow" 'BEGIN { exit !(narrow > 0.4 && narrow < 5) }' || fail "a megabyte through 8 Mbit/s in $narrow s"

step "killed, it has its disk and its services after a boot"
host a sh -c 'echo kept >/srv/kept'
lab kill a
! host a true 2>/dev/null || fail "a was killed, and runs a command"
refuses b a || fail "a was killed, and answers"
lab boot a
[ "$(host a cat /srv/kept)" = kept ] || fail "a lost a file"
wait_for 10 "nginx on a after a kill" answers b a

step "an orderly restart"
before=$(host b journalctl --list-boots --no-pager | wc -l)
lab reboot b
[ "$(host b journalctl --list-boots --no-pager | wc -l)" -eq $((before + 1)) ] || fail "the journal of b has not both boots"

step "a loss of power: what was synced is there, what was not is gone"
lose() {
  mkdir /srv/power
  echo synced >/srv/power/synced
  sync /srv/power/synced /srv/power /srv
  echo not synced >/srv/power/not-synced
  echo added >>/srv/power/synced
}
# Whoever syncs all of the machine's disks in this moment syncs this one: then it is tried again.
for try in 1 2 3; do
  inside c lose
  lab power-cut c
  lab boot c
  [ "$(host c head -n 1 /srv/power/synced)" = synced ] || fail "c lost what it had synced"
  found=$(host c sh -c 'cat /srv/power/*')
  [ "$found" != synced ] || break
  [ "$try" -lt 3 ] || fail "c has after a loss of power what it had not synced: $found"
  host c rm -r /srv/power
done

step "a loss of power in the middle of writing: all that was reported as synced is there"
counts() {
  for number in $(seq 100000); do
    echo "$number" >>/srv/counted
    sync /srv/counted
    echo "$number"
  done
}
told=$(mktemp)
before_end() { rm -f "$told" "${said:-}"; }
inside c counts >"$told" 2>/dev/null &
counting=$!
counted() { [ "$(wc -l <"$told")" -ge 50 ]; }
wait_for 20 "fifty synced lines" counted
lab power-cut c
wait $counting || true
lab boot c
last=$(tail -n 1 "$told")
host c grep -qx "$last" /srv/counted || fail "c reported line $last as synced, and has $(host c tail -n 1 /srv/counted)"
echo "$last lines were reported, $(host c sh -c 'wc -l </srv/counted') are there"

step "another lab beside it"
first=$(lab address a)
RELEVO_LAB=$RELEVO_LAB-x
lab_up a
[ "$(lab address a)" != "$first" ] || fail "two labs have the address $first"
lab down
nothing_left "$RELEVO_LAB"
RELEVO_LAB=${RELEVO_LAB%-x}
host a true || fail "a went with the other lab"

step "nothing is left: of this lab, and of one whose test was killed"
lab down
nothing_left "$RELEVO_LAB"
# killed_when COMMAND…: a test that raises a lab, killed as soon as the command succeeds; it is a group of processes, which end all
# at once, as when a terminal or a runner ends.
killed_when() {
  local child lab=$RELEVO_LAB-k
  said=$(mktemp)
  RELEVO_LAB=$lab setsid bash -euo pipefail -c '. "$0"; lab_up a b c; lab namespace control; lab in control sleep 600 & echo up; wait' \
    tests/lab/lib.sh >"$said" 2>&1 &
  child=$!
  wait_for 60 "a lab to kill" "$@"
  kill -KILL -- "-$child"
  wait "$child" 2>/dev/null || true
  rm -f "$said"
  on=$(lab list | sed -n "/^$lab\$/,/^[^ ]/p" | grep -c ' on$') || true
  RELEVO_LAB=$lab lab down
  nothing_left "$lab"
  echo "killed when \"$*\": $on of its hosts were on, and are gone"
}
# In the check, at the first disk, in the first boot and in the last; and when all run.
place=/var/tmp/relevo-lab/$RELEVO_LAB-k
for file in trial hosts/a/image hosts/a/pid hosts/c/console; do killed_when test -e "$place/$file"; done
is_up() { grep -qx up "$said"; }
killed_when is_up
[ "$on" -eq 3 ] || fail "only $on of 3 hosts were on when their test was killed"
[ "$(network)" = "$outer_network" ] || fail "this machine's own network changed: $(network)"
