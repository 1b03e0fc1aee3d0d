# ThreadSanitizer over controller and agent: the io tests, and a whole fleet with kills.
set -euo pipefail
cd "$RELEVO_ROOT_FOLDER"
cmake --preset tsan >/dev/null
nice cmake --build --preset tsan --target relevod relevo relevo-agent io_tests
export TSAN_OPTIONS=ignore_noninstrumented_modules=1:suppressions=$PWD/tests/tidy/tsan.supp
for program in build/tsan/tests/io_{common,controller,agent}_io_*; do
  # It unpacks for a minute, in processes of one thread each.
  if [ "$program" = build/tsan/tests/io_agent_io_stage ]; then continue; fi
  echo "$program"
  "$program"
done
RELEVO_BIN=$PWD/build/tsan bash tests/e2e/controller-killed.sh
