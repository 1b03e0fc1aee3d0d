# The README's first command: ends well, and leaves no process and no file behind.
set -euo pipefail
cd "$RELEVO_ROOT_FOLDER"
export TMPDIR
TMPDIR=$(mktemp -d)
chmod 755 "$TMPDIR"
trap 'rm -rf "$TMPDIR"' EXIT
began=$SECONDS
./deploy/quickstart
took=$((SECONDS - began))
left=$(pgrep -af "$TMPDIR" | grep -v pgrep || true)
[ -z "$left" ] || { echo "left behind: $left"; exit 1; }
[ -z "$(ls -A "$TMPDIR")" ] || { ls -lR "$TMPDIR"; exit 1; }
[ $took -lt 180 ] || { echo "took ${took}s"; exit 1; }
