# A host whose disk is really full: before staging, in the middle of it, when the receipt must be written down, and on the way back.
# Each time it goes on serving one whole release, says what is wrong in words, and goes on once there is room.
set -euo pipefail
# The small disk is seen by this test alone, and is gone when it ends.
if [ -z "${RELEVO_OWN_MOUNTS:-}" ]; then
  own=(unshare --mount)
  [ "$(id -u)" -eq 0 ] || own=(unshare --map-current-user --keep-caps --mount)
  "${own[@]}" mount -t tmpfs -o size=1m none /mnt 2>/dev/null || {
    echo "only root, or a user who may make user namespaces, can mount a small disk"
    exit 77
  }
  RELEVO_OWN_MOUNTS=1 exec "${own[@]}" bash "$0"
fi
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/light/lib.sh"
light_open
disk=$fleet_folder/hosts/h1
mkdir -p "$disk"
user=$(id -u)
[ "$user" -ne 0 ] || user=65534
mount -t tmpfs -o "size=16m,mode=755,uid=$user,gid=$user" none "$disk"
close_folder=$(declare -f fleet_close)
eval "${close_folder/fleet_close/fleet_close_rest}"
fleet_close() {
  fleet_stop
  umount --lazy "$disk" 2>/dev/null || true
  fleet_close_rest
}
# The start waits while somebody wants to see the host just before it is done; and the probe needs no file of its own, whose end
# would make room: somebody always listens at the controller's port.
port=$(sed -n 's/.*agents tcp:..127.0.0.1:\([0-9]*\).*/\1/p' "$fleet_folder/log/controller")
sed -i "s|^  - exec: alive.sh|  - tcp: 127.0.0.1:$port|" "$work/light.yaml"
sed -i '/^    until /a\    [ ! -e "$RELEVO_SHARED/hold" ] || touch "$RELEVO_SHARED/held"\n    while [ -e "$RELEVO_SHARED/hold" ]; do sleep 0.02; done' "$work/light.yaml"
light_hosts h1
log=$fleet_folder/log/h1
journal=$disk/state/installer.journal
hold=$disk/light/shared/hold
held=$disk/light/shared/held

# fill [BYTES]: so many are left, or none at all.
fill() {
  local free
  free=$(df --output=avail -B1 "$disk" | tail -n 1)
  if [ "${1:-0}" -gt 0 ]; then head -c $((free - $1)) /dev/zero; else cat /dev/zero; fi >"$disk/filler" 2>/dev/null || [ "${1:-0}" -eq 0 ]
}
empty() { rm "$disk/filler"; }

number=0
prepare() { # BALLAST [SOURCE]: the next release
  number=$((number + 1))
  version=1.$number
  light_release "$version" "$@"
  light_plan "$version"
}
installs() { # BALLAST: one that nothing is in the way of
  prepare "$1"
  start "$version"
  ends "$rollout" 0
  settles
}
settles() {
  fleet_wait 20 "the end of all tidying" light_tidy h1
  light_runs "$version" h1
}
# What cannot be written down is not done: the agent ends, and says why. While the disk is full, so does each next one.
gives_up() {
  local code=0 try
  for try in 1 2; do
    fleet_wait 20 "the agent's end" eval "! kill -0 ${fleet_agent_pid[h1]}"
    wait "${fleet_agent_pid[h1]}" || code=$?
    [ $code -eq 1 ] || fleet_fail "the agent ended with $code"
    tail -n 3 "$log" | grep -q 'installer.journal: write the journal: No space left on device' ||
      fleet_fail "the agent's last words do not say that the disk is full: $(tail -n 3 "$log")"
    [ $try -eq 2 ] || fleet_agent h1
  done
}

ballast=1000000
installs $ballast
installs $ballast
running=$version

echo "-- no room for the artefact"
prepare $ballast
fill 300000
start "$version"
fleet_wait 30 "words about it" eval "says $rollout 'No space left on device'"
relevo rollout status "$rollout" || true
light_runs "$running" h1
empty
ends "$rollout" 0
settles
running=$version

echo "-- no room for a second copy of it, in the store"
on_failure=pause prepare $ballast
artifact=$(stat -c %s "$work/$version.tgz")
fill $((artifact + artifact / 2))
start "$version"
fleet_wait 30 "the pause" phase_is "$rollout" Paused
says "$rollout" 'No space left on device'
says "$rollout" "light $running → $version"
light_runs "$running" h1
empty
decide retry -m "there is room now"
ends "$rollout" 0
settles
running=$version

echo "-- no room for all of its files"
# A small artefact that unpacks to much: its copies are no trouble.
on_failure=pause prepare 4000000 /dev/zero
fill 2000000
start "$version"
fleet_wait 30 "the pause" phase_is "$rollout" Paused
says "$rollout" 'No space left on device'
relevo rollout status "$rollout" || true
light_runs "$running" h1
[ -z "$(find "$disk" -name '*.partial')" ] || fleet_fail "a part of the release was left behind on a full disk"
empty
decide retry -m "there is room now"
ends "$rollout" 0
settles
running=$version

echo "-- the same where a failure sends everybody back"
prepare 4000000 /dev/zero
fill 2000000
start "$version"
ends "$rollout" 4
says "$rollout" 'No space left on device'
light_runs "$running" h1
empty
# The unwritten release is no obstacle for the next one.
installs 1000
# A plan's comment stands in the journal, and is as long as we like: so the receipt can be made to meet the last byte of a block.
block=4096
touch "$hold"
sleep 0.5
before=$(stat -c %s "$journal")
prepare 1000
start "$version"
fleet_wait 20 "the start" test -e "$held"
grows=$(($(stat -c %s "$journal") - before))
rm "$hold" "$held"
ends "$rollout" 0
settles
running=$version

echo "-- no room in the journal for the receipt"
sleep 0.5
touch "$hold"
before=$(stat -c %s "$journal")
receipts=$(fleet_run "$fleet_folder/bin/relevo-agent" status --config "$disk/agent.yaml" | sed -n 's/.*receipts \([0-9]*\).*/\1/p')
# Three notes of acts, of some 120 bytes each, fit before the block's end; the receipt does not.
length=$(((2 * block - 500 - (before + grows + 2) % block) % block))
# A plan has no other place for it: plan() writes one line after another.
on_failure="rollback
comment: $(head -c $length /dev/zero | tr '\0' x)" prepare 1000
start "$version"
fleet_wait 20 "the start" test -e "$held"
fill
rm "$hold" "$held"
gives_up
[ $((block - $(stat -c %s "$journal") % block)) -lt 400 ] || fleet_fail "it was not the receipt that found no room"
light_receipts "$receipts" h1
light_runs "$version" h1
empty
fleet_agent h1
ends "$rollout" 0
settles
light_receipts $((receipts + 1)) h1

echo "-- no room on the way back"
fill
decide undo -m "users complain" >/dev/null
gives_up
empty
fleet_agent h1
ends "$rollout" 4
version=$running
settles
light_receipts $((receipts + 2)) h1
relevo audit verify
echo "$SECONDS s"
