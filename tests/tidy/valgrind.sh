# Every unit test under valgrind: no invalid access, no leak. (ASan sees the same tests; valgrind sees what comes from libraries and
# what is not initialised.)
set -euo pipefail
cd "$RELEVO_ROOT_FOLDER"
count=0
for program in build/release/tests/unit_*; do
  [ -x "$program" ] || continue
  echo "$program"
  if ! nice valgrind --quiet --leak-check=full --show-leak-kinds=definite,indirect --errors-for-leak-kinds=definite,indirect \
    --error-exitcode=9 "$program" >build/valgrind.log 2>&1; then
    tail -n 60 build/valgrind.log
    exit 1
  fi
  count=$((count + 1))
done
[ $count -gt 5 ]
