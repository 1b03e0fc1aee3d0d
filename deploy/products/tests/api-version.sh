#!/bin/sh
# The running service reports the released version. Argument: an endpoint that answers {"version":"…", …}. A package's revision or
# distribution (2024.04.4-35, 2026.06.1~ubuntu22) is not part of what the product says of itself.
set -eu
expected=${RELEVO_VERSION%%[~-]*}
answer=$(curl -fsS --max-time 10 "$1" | tr -d ' \n')
reported=$(printf '%s' "$answer" | sed -n 's/.*"version":"\([^"]*\)".*/\1/p')
echo "$1 reports version ${reported:-unknown}"
case ${reported%%[~-]*} in
  "$expected") ;;
  *) echo "expected version $expected" >&2; exit 1 ;;
esac
