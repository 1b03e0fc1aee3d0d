# Unit tests under valgrind: no invalid access, no leak. (ASan sees the same tests; valgrind sees what comes from libraries and
# what is not initialised.)
set -euo pipefail
cd "$RELEVO_ROOT_FOLDER"
mkdir -p build/valgrind-logs
check() { # NAME
  local log=build/valgrind-logs/${1// /_}.log
  if nice valgrind --quiet --leak-check=full --show-leak-kinds=definite,indirect --errors-for-leak-kinds=definite,indirect \
    --error-exitcode=9 build/release/tests/$1 >"$log" 2>&1; then
    echo "ok   $1"
  else
    echo "FAIL $1, see $log"
    tail -n 60 "$log"
    return 1
  fi
}
export -f check
export RELEVO_MUTATIONS=40 # thirty times slower: thousands run without it
# Those that go through hundreds of whole rollouts would take half of the time: two stories of the simulator go the same ways.
long='controller_core_(rollout|crash|hostile|confirm)|agent_core_work|mutations_gate'
mapfile -t names < <(git ls-files 'tests/unit/*/*.c' | sed 's/\.c$//; s/^tests.//; s/\//_/g' | grep -vE "$long")
[ ${#names[@]} -gt 5 ] || { echo "only ${#names[@]} unit tests found"; exit 1; }
printf '%s\n' "sim_sim --seed 9" "sim_sim --seed 4" "${names[@]}" | xargs -P "$(nproc)" -I {} bash -c 'check "{}"'
