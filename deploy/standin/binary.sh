#!/bin/sh
# The process that serves is the released binary, and not one left over from the version before.
set -eu
pid=$(cat "$RELEVO_SHARED/run/nginx.pid")
running=$(readlink "/proc/$pid/exe")
released=$(readlink -f "$RELEVO_RELEASE/usr/sbin/nginx")
echo "process $pid runs $running"
[ "$running" = "$released" ] || { echo "expected $released" >&2; exit 1; }
