# A lab for one test. Sourced by a script that has set `set -euo pipefail`; it skips the test where no hosts can be booted, takes away
# what a killed run of the same test left, and removes the whole lab when the test ends, however it ends.
#
#   lab_up NAME…                     new hosts
#   lab COMMAND…                     every command of `lab`
#   host NAME COMMAND…               runs a command in a host
#   inside NAME FUNCTION [WORD…]     runs a function of the test in a host, by its bash
#   wait_for SECONDS WHAT COMMAND…   until the command succeeds
#   step WORDS…, fail WORDS…         says what comes now; ends the test
cd "$RELEVO_ROOT_FOLDER" || exit 1
bin=${RELEVO_BIN:-$PWD/build/release}

# The same name for each run of this test in this checkout, so that a run finds what the one before it left.
lab_test=$(basename "$0" .sh)
lab_checkout=$(sha256sum <<<"$PWD")
export RELEVO_LAB=${RELEVO_LAB:-${lab_test:0:20}-${lab_checkout:0:8}}

lab() { "$RELEVO_ROOT_FOLDER/tests/lab/lab" "$@"; }
host() { lab exec "$@"; }
inside() { host "$1" bash -euo pipefail -c "$(declare -f "$2"); $2 \"\$@\"" "$2" "${@:3}"; }
step() { echo "-- $*"; }
fail() {
  echo "error: $*" >&2
  exit 1
}
wait_for() {
  local deadline=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt "$deadline" ] || fail "$what: not within time"
    sleep 0.1
  done
}

# For a test that has more to end; it runs before the lab goes.
before_end() { :; }
lab_end() {
  local status=$? name
  trap '' TERM INT HUP
  before_end || true
  if [ $status -ne 0 ] && [ $status -ne 77 ]; then
    for name in $(lab list | sed -n "/^$RELEVO_LAB\$/,/^[^ ]/s/^  \([^ ]*\) .* on\$/\1/p"); do
      echo "-- the end of $name's journal"
      lab exec "$name" timeout 5 journalctl --no-pager -n 15 2>&1 || true
    done
  fi
  lab down || status=1
  exit "$status"
}

lab_begin() {
  local status=0 said
  said=$(lab check 2>&1) || status=$?
  [ -z "$said" ] || echo "$said"
  [ $status -eq 0 ] || exit $status
  lab down
  trap lab_end EXIT
  trap 'exit 143' TERM INT HUP
}
lab_up() { lab up "$@"; }
lab_begin
