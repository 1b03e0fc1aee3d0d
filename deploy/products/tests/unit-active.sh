#!/bin/sh
# Every unit that is named runs, and runs since its last start: a unit that systemd had to restart by itself is no success.
set -eu
for unit in "$@"; do
  state=$(systemctl is-active "$unit" || true)
  restarts=$(systemctl show --property=NRestarts --value "$unit")
  echo "$unit: $state, restarted by systemd $restarts times"
  [ "$state" = active ] || { echo "expected $unit to be active" >&2; exit 1; }
  [ "$restarts" = 0 ] || { echo "$unit crashed and was restarted" >&2; exit 1; }
done
