#!/bin/sh
# Workbench has no version endpoint that is open to all: the released program says its version, and the running server is that program.
set -eu
program=$RELEVO_RELEASE/usr/lib/rstudio-server/bin/rserver
reported=$("$RELEVO_RELEASE/usr/lib/rstudio-server/bin/rstudio-server" version | cut -d ' ' -f 1)
echo "the release says $reported"
[ "$reported" = "$RELEVO_VERSION" ] || { echo "expected version $RELEVO_VERSION" >&2; exit 1; }
pid=$(systemctl show --property=MainPID --value rstudio-server.service)
running=$(readlink "/proc/$pid/exe")
echo "process $pid runs $running"
[ "$running" = "$(readlink -f "$program")" ] || { echo "expected $program" >&2; exit 1; }
