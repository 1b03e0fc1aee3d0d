# A small real fleet for one end-to-end test: real programs, real sockets, real nginx as the released software. Sourced.
# A test sets `set -euo pipefail`, sources this, and calls fleet_up; everything is ended and removed when it exits.
cd "$RELEVO_ROOT_FOLDER"
bin=${RELEVO_BIN:-$PWD/build/release}
. deploy/local-fleet.sh
. deploy/nginx-releases.sh

e2e_end() {
  local status=$? report
  [ -z "$fleet_folder" ] || fleet_stop
  # What a sanitizer noticed in any process is a failure, even where the test did not see it.
  for report in "$fleet_folder"/log/sanitizer.*; do
    [ -s "$report" ] || continue
    head -n 60 "$report"
    status=1
  done
  if [ $status -ne 0 ] && [ $status -ne 77 ] && [ -n "$fleet_folder" ]; then
    tail -n 15 "$fleet_folder"/log/* || true
    # Last, as a long log is cut from its beginning.
    cat "$fleet_folder/failure" 2>/dev/null || true
  fi
  fleet_close
  exit $status
}

# For tests whose fleet is made with more: before_init can put files into $fleet_folder, and options into init_options.
init_options=()
before_init() { :; }

# fleet_up STAGING PRODUCTION: that many hosts of rstudio-connect each, enrolled and running; two versions in $work.
fleet_up() {
  local staging=$1 production=$2 port number
  trap e2e_end EXIT
  trap 'exit 143' TERM INT HUP
  fleet_open
  export ASAN_OPTIONS=log_path=$fleet_folder/log/sanitizer UBSAN_OPTIONS=print_stacktrace=1:log_path=$fleet_folder/log/sanitizer
  export TSAN_OPTIONS=log_path=$fleet_folder/log/sanitizer:ignore_noninstrumented_modules=1:suppressions=$PWD/tests/tidy/tsan.supp
  product=rstudio-connect
  work=$fleet_folder/release
  mkdir "$work"
  nginx_two_versions
  cp deploy/standin/* "$work/"
  before_init
  fleet_init --name e2e --approver release-managers=ana,luis --approver testers=eva \
    --target "managers=command:$fleet_folder/bin/note" "${init_options[@]}"
  cat >"$fleet_folder/bin/note" <<TEXT
#!/bin/sh
echo "\$RELEVO_NOTICE_KEY \$RELEVO_NOTICE_TEXT" >>"$fleet_folder/log/notifications"
TEXT
  chmod 755 "$fleet_folder/bin/note"
  [ ${#fleet_as[@]} -eq 0 ] || chown -R 65534:65534 "$fleet_folder"
  fleet_controller
  port=$(fleet_free_port $((staging + production)))
  hosts=()
  for ((number = 1; number <= staging; number++)); do e2e_host "s$number" staging $((port++)); done
  for ((number = 1; number <= production; number++)); do e2e_host "p$number" production $((port++)); done
  relevo artifact add "$work/$old_file" >/dev/null
  relevo artifact add "$work/$new_file" >/dev/null
}

e2e_host() { # NAME ENVIRONMENT PORT
  fleet_host "$1" $product "$3"
  fleet_enrol "$1" "$2" $product
  fleet_agent "$1"
  hosts+=("$1")
}

# plan NAME VERSION FILE: reads the steps from standard input; builds and signs $work/NAME.plan.
plan() {
  {
    printf 'plan: %s\nproduct: %s\nversion: %s\nartifact: %s\nprofile: %s\n' "$1" $product "$2" "$3" "${profile:-$product.yaml}"
    printf 'on_failure: %s\nsteps:\n' "${on_failure:-rollback}"
    cat
  } >"$work/$1.yaml"
  [ ${#fleet_as[@]} -eq 0 ] || chown -R 65534:65534 "$work"
  relevo plan build "$work/$1.yaml" -o "$work/$1.plan" >"$work/$1.changes" 2>"$fleet_folder/log/plan"
  relevo plan sign "$work/$1.plan" --key release-1 --yes >/dev/null 2>"$fleet_folder/log/plan"
}

quick='min_healthy_time: 300ms, healthy_deadline: 30s, progress_deadline: 1m'
everywhere() { # steps without people
  cat <<TEXT
  - deploy: { environment: staging, $quick }
  - test:   { suite: regression }
  - deploy: { environment: production, max_parallel: ${1:-2}, $quick }
  - test:   { suite: final }
TEXT
}

# start NAME: starts the rollout of $work/NAME.plan; its number is in $rollout.
start() {
  rollout=$(relevo rollout start "$work/$1.plan" -o json | sed -n 's/.*"rollout": *\([0-9]*\).*/\1/p' | head -n 1)
  [ -n "$rollout" ] || fleet_fail "rollout start of $1 gave no number"
}

# ends ROLLOUT CODE [SECONDS]: it ends with that exit code.
ends() {
  local code=0
  relevo rollout watch "$1" --timeout "${3:-90}s" || code=$?
  [ $code -eq "$2" ] || fleet_fail "rollout $1 ended with exit code $code, expected $2"
}

# status exits with the phase's own code, which is not what is asked here.
status_says() { { relevo rollout status "$1" -o json 2>/dev/null || true; } | grep -Eq "$2"; }
phase_is() { status_says "$1" "\"phase\": *\"$2\""; }
# At that step, or past it already: steps can be faster than looking.
at_step() {
  local step
  step=$({ relevo rollout status "$1" -o json 2>/dev/null || true; } | sed -n 's/.*"step": *\([0-9]*\).*/\1/p' | head -n 1)
  [ "${step:-0}" -ge "$2" ]
}

# runs VERSION HOSTS…: each host's service says that it is this version, and `current` is one whole release of it.
runs() {
  local version=$1 host link
  shift
  for host in "$@"; do
    [ "$(fleet_version "$host" $product)" = "$version" ] || fleet_fail "$host does not run $version"
    link=$(readlink -f "$fleet_folder/hosts/$host/$product/current")
    [ "$(zcat "$link/usr/share/doc/nginx/changelog.Debian.gz" | sed -n '1s/.*(\(.*\)).*/\1/p')" = "$version" ] ||
      fleet_fail "$host: current is not $version"
    cmp "$link/usr/sbin/nginx" "/proc/$(cat "$fleet_folder/hosts/$host/$product/shared/run/nginx.pid")/exe" ||
      fleet_fail "$host: the running binary is not the released one"
  done
}

# refused WORDS COMMAND…: it fails (1), or was typed wrongly (2), and says why.
refused() {
  local words=$1 code=0 said
  shift
  said=$("$@" 2>&1) || code=$?
  [ $code -eq 1 ] || [ $code -eq 2 ] || fleet_fail "exit code $code of \"$*\": $said"
  grep -Eq -- "$words" <<<"$said" || fleet_fail "\"$*\" says \"$said\", without \"$words\""
}

# decide DECISION OPTIONS…: a signed decision about $rollout.
decide() { relevo rollout "$1" "$rollout" --yes "${@:2}"; }

# says ROLLOUT WORDS: its picture, as people see it, contains these words.
says() {
  local picture
  picture=$(relevo rollout status "$1" 2>&1 || true)
  grep -Eq -- "$2" <<<"$picture" || fleet_fail "rollout $1 does not say \"$2\": $picture"
}

# serving VERSION COUNT: so many services say that they are this version.
serving() {
  local host count=0
  for host in "${hosts[@]}"; do
    [ "$(fleet_version "$host" $product 2>/dev/null)" != "$1" ] || count=$((count + 1))
  done
  [ $count -eq "$2" ]
}

waits_at() { phase_is "$1" AwaitingApproval && status_says "$1" "\"step\": *$2\b"; }
