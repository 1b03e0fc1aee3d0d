#!/usr/bin/env bash
# Searches the model of gate, permit and receipt (tests/sim/model/README.md) to its last state, two variants at a time;
# then shows that states which must be reachable are found, and that each mutant is caught.
#
#   tests/sim/model.sh          what takes less than a minute
#   tests/sim/model.sh --long   also two at once that may get stuck, and a thief's second attempt; some minutes
set -euo pipefail
cd "$RELEVO_ROOT_FOLDER"
command -v spin >/dev/null || { echo "spin is not installed: ./deploy/install-packages test"; exit 77; }

source=$PWD/tests/sim/model/gate.pml
folder=$PWD/build/model
# Names of -D options joined by commas. `clean` must have no error in any state; `reach N` must find the state N.
quick=(
  "clean STUCK" "clean WIDTH=2" "clean HOSTILE" "clean HOSTILE,WIDTH=2"
  "reach 1" "reach 2" "reach 3" "reach 4 RETRY" "reach 5 RETRY"
  "mutant OLD_ATTEMPT RETRY" "mutant CARRIED_FORGOTTEN RETRY" "mutant FAILURE_OVERLOOKED"
  "mutant SEND_FIRST" "mutant ACT_FIRST" "mutant SETTLES_EARLY" "mutant UNTOUCHED_UNTIL_KEPT" "mutant END_FORGOTTEN"
  "mutant ONE_APPROVER HOSTILE" "mutant BLIND_APPROVAL HOSTILE" "mutant ROLE_IGNORED HOSTILE" "mutant REJECTION_IGNORED HOSTILE"
  "mutant WINDOW_IGNORED HOSTILE" "mutant HOST_FORGOTTEN HOSTILE" "mutant TWICE HOSTILE"
  "mutant OLD_EVIDENCE HOSTILE,RETRY" "mutant RETRY_UNPROVEN HOSTILE,RETRY")
long=("clean WIDTH=2,STUCK" "clean HOSTILE,RETRY")

# Words of the assertion that says that the state was reached: another one that failed is no such proof.
reached=("" "assertion violated 0 " "(know&(1<<20))" "!((know&(1<<20)))" "(attempt==0)" "(attempt==0)")

search() { # KIND then [NAME] [OPTIONS], as above; prints one line, and returns 1 where it is not what was expected
  local kind=$1 options name place level words states seconds took verdict=wrong
  case $kind in
    clean) options=$2 level=-O2 ;;
    reach) options=REACH=$2,${3:-} level=-O0 ;;
    mutant) options=MUTANT_$2,${3:-} level=-O0 ;;
  esac
  options=${options%,}
  name=$kind-${options//,/-}
  place=$folder/$name
  rm -rf "$place"
  mkdir -p "$place"
  cd "$place"
  local -a defines
  IFS=, read -ra defines <<<"$options"
  # What stops at the first error is built without optimising, for that would take longer than the search.
  # SAFETY: there is nothing but assertions and end states. COLLAPSE keeps every state, in less memory. The lowest bit of a
  # set is taken by negating it, of which bit 31 must be no surprise to the compiler: wrapv.
  if ! { spin "${defines[@]/#/-D}" -a "$source" && gcc "$level" -w -fwrapv -DSAFETY -DCOLLAPSE -DMEMLIM=900 -o pan pan.c; } \
    >build.log 2>&1; then
    tail -n 20 build.log
    echo "WRONG  $name: does not build"
    return 1
  fi
  local status=0
  ./pan -m10000 -w22 >pan.log 2>&1 || status=$?
  states=$(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' pan.log)
  seconds=$(sed -n 's/^pan: elapsed time \([0-9.e+-]*\) seconds.*/\1/p' pan.log)
  took=$(printf '%9s states %6s s' "${states:-?}" "${seconds:-?}")
  words=$(grep -m1 '^pan:1:' pan.log || true)
  # A search that ended for want of depth or memory says so, and has proved nothing.
  if [ "$status" -ne 0 ] || grep -Eqi 'too small|out of memory|truncated|bit.?state' pan.log; then
    verdict=wrong
  elif [ "$kind" = clean ]; then
    if ! grep -q 'not completed' pan.log && grep -q '^Full statespace search' pan.log && grep -q 'errors: 0$' pan.log; then
      verdict=clean
    fi
  elif [[ $words == *"assertion violated"* && $status -eq 0 ]]; then
    if [ "$kind" = mutant ]; then
      verdict=caught
    elif [[ "$words " == *"${reached[$2]}"* ]]; then
      verdict=found
    fi
  fi
  if [ "$verdict" = wrong ]; then
    echo "WRONG  $name: $took; ${words:-see $place/pan.log}"
    return 1
  fi
  printf '%-6s %s  %s\n' "$verdict" "$took" "${options//,/ }"
}

runs=("${quick[@]}")
case ${1:-} in
  "") ;;
  --long) runs+=("${long[@]}") ;;
  # How this script calls itself, for two searches at a time.
  --one) shift; search "$@"; exit ;;
  *) echo "model.sh: unknown option '$1'" >&2; exit 2 ;;
esac

mkdir -p "$folder"
SECONDS=0
# Unquoted by xargs: a line is one search and its words.
if ! printf '%s\n' "${runs[@]}" | xargs -P 2 -L 1 bash "$PWD/tests/sim/model.sh" --one; then
  echo "the model has surprises, see WRONG above; pan -r in the folder of that variant, or spin -t -p, shows the way there"
  exit 1
fi
echo "${#runs[@]} searches as expected, $SECONDS s"
