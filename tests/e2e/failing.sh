# Releases that fail in every way that a release can: the old version serves again, the host sees to that itself, and the rollout
# says in words what it was.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

# failing NAME SED…: a profile like the stand-in's, damaged; used by the next plan.
failing() {
  profile=$1-profile.yaml
  sed "${@:2}" "$work/$product.yaml" >"$work/$profile"
}
everything() { # the next plan's steps
  cat <<TEXT
  - deploy: { environment: staging, ${1:-$quick} }
  - test:   { suite: regression }
TEXT
}
# rolls_back NAME WORDS [OPTIONS]: the plan's rollout goes back by itself, with these words as its cause.
rolls_back() {
  everything "${@:3}" | plan "$1" "$new_version" "${file:-$new_file}"
  start "$1"
  ends "$rollout" 4
  phase_is "$rollout" RolledBack || fleet_fail "$1 is not RolledBack"
  says "$rollout" "$2"
  runs "$old_version" s1
  echo "== $1: $(relevo rollout status "$rollout" -o json 2>/dev/null | grep -m 1 '"cause"' || true)"
}

fleet_up 1 1
shared=$fleet_folder/hosts/s1/$product/shared
# From the first release on, the stop command hangs where somebody wants it to.
sed -i "s|^    pid_file=|    [ ! -e \"\$RELEVO_SHARED/hang\" ] \|\| exec sleep 77\n    pid_file=|; /^stop:/,/deadline:/s/deadline: .*/deadline: 5s/" \
  "$work/$product.yaml"
cat >"$work/hangs.sh" <<'TEXT'
#!/bin/sh
echo "I am about to wait"
sleep 78
TEXT
cat >"$work/talks.sh" <<'TEXT'
#!/bin/sh
head -c 3000000 /dev/zero | tr '\0' x
echo
head -c 3000000 /dev/zero | tr '\0' y
echo "and this is the end"
exit 9
TEXT
printf 'this is no program\n' >"$work/noprogram.sh"
everywhere 2 | plan base "$old_version" "$old_file"
start base
ends "$rollout" 0

echo "-- the start command fails"
failing start-fails 's|^    exec "$RELEVO_RELEASE.*|    echo "the licence has expired" >\&2; exit 3|'
rolls_back start-fails 'start command.*exit.* 3.*the licence has expired'

echo "-- it never becomes healthy"
failing never-healthy '/^health:/,/^health_interval:/s|/__ping__|/__nothing__|'
rolls_back never-healthy 'status 404' 'min_healthy_time: 300ms, healthy_deadline: 2s, progress_deadline: 1m'

echo "-- the archive is broken"
failing broken-archive ''
head -c 200000 "$work/$new_file" >"$work/broken.deb"
file=broken.deb rolls_back broken-archive 'broken.deb|archive|truncated'

echo "-- the old release does not stop"
failing no-stop ''
touch "$shared/hang"
rolls_back no-stop 'stop command.*5s|stop command.*00:05|stop command.*deadline'
rm "$shared/hang"

echo "-- a test hangs"
failing test-hangs '0,/exec: binary.sh/s//exec: hangs.sh/; /exec: hangs.sh/,/deadline/s/deadline: .*/deadline: 1s/'
rolls_back test-hangs 'hangs.sh \(no end within 1s\)'

echo "-- a test writes megabytes"
failing test-talks '0,/exec: binary.sh/s//exec: talks.sh/'
rolls_back test-talks 'talks.sh \(exit code 9\)'
relevo audit export "$work/history" >/dev/null
grep -aq 'and this is the end' "$work/history" || fleet_fail "the end of the test's output is not in the history"
[ "$(stat -c %s "$work/history")" -lt 1000000 ] || fleet_fail "all of the test's output is in the history"

echo "-- a test is no program"
failing test-noprogram '0,/exec: binary.sh/s//exec: noprogram.sh/'
rolls_back test-noprogram 'noprogram.sh \('

echo "-- it dies within min_healthy_time, and only in production: staging goes back too"
failing dies 's|^    exec \("$RELEVO_RELEASE.*\)|    \1\n    [ "$RELEVO_ENVIRONMENT" = staging ] \|\| { sleep 1; kill -TERM "$(cat "$run/nginx.pid")"; } >/dev/null 2>\&1 \&|'
plan dies "$new_version" "$new_file" <<TEXT
  - deploy: { environment: staging, $quick }
  - test:   { suite: regression }
  - deploy: { environment: production, min_healthy_time: 3s, healthy_deadline: 5s, progress_deadline: 1m }
  - test:   { suite: final }
TEXT
start dies
ends "$rollout" 4
says "$rollout" 'p1'
relevo rollout status "$rollout" || true
runs "$old_version" s1 p1

echo "-- on_failure: pause, the cause removed, another attempt"
failing licence 's|^    set -eu$|    set -eu\n    [ "$RELEVO_VERSION" != "'"$new_version"'" ] \|\| cat "$RELEVO_SHARED/licence"|'
on_failure=pause
everywhere 2 | plan licence "$new_version" "$new_file"
start licence
fleet_wait 30 "the pause" phase_is "$rollout" Paused
says "$rollout" 'licence'
says "$rollout" 'retry or abort'
runs "$old_version" s1 p1
refused 'retried or aborted' decide resume
decide retry -m "hoping"
fleet_wait 30 "the second pause" phase_is "$rollout" Paused
says "$rollout" 'attempt 2'
echo good >"$shared/licence"
echo good >"$fleet_folder/hosts/p1/$product/shared/licence"
decide retry -m "the licence is there now"
ends "$rollout" 0
runs "$new_version" s1 p1
decide undo
ends "$rollout" 4
runs "$old_version" s1 p1

echo "-- on_failure: pause, and abort"
rm "$shared/licence"
everywhere 2 | plan licence-2 "$new_version" "$new_file"
start licence-2
fleet_wait 30 "the pause" phase_is "$rollout" Paused
decide abort -m "not today"
ends "$rollout" 3
says "$rollout" 'aborted by .*not today'
runs "$old_version" s1 p1
relevo audit verify
