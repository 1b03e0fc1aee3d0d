# The systemd units are valid, and by systemd's own measure exposed for less than 3.0 of 10.
set -euo pipefail
cd "$RELEVO_ROOT_FOLDER"
most=30 # tenths
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
bad=0
for unit in deploy/systemd/*.service.in; do
  name=$(basename "$unit" .in)
  # The program is installed elsewhere later; `verify` wants to see one.
  sed "s|@sbin@|$PWD/build/release|" "$unit" >"$folder/$name"
  said=$(systemd-analyze verify --man=no "$folder/$name" 2>&1) || { echo "$name: $said"; bad=1; }
  [ -z "$said" ] || { echo "$name: $said"; bad=1; }
  code=0
  measured=$(systemd-analyze security --offline=true --no-pager --threshold=$((most - 1)) "$folder/$name") || code=$?
  figure=$(sed -n 's/.*Overall exposure level for .*: \([0-9.]*\) .*/\1/p' <<<"$measured")
  [ -n "$figure" ] || { echo "$name: systemd-analyze gives no figure: $measured"; bad=1; }
  echo "$name: exposure $figure"
  if [ $code -ne 0 ]; then
    grep '✗' <<<"$measured" || true
    echo "$name: 3.0 or more"
    bad=1
  fi
done
exit $bad
