# ThreadSanitizer over controller and agent: the io tests, and a whole fleet with kills.
set -euo pipefail
cd "$RELEVO_ROOT_FOLDER"
cmake --preset tsan >/dev/null
nice cmake --build --preset tsan
export TSAN_OPTIONS=ignore_noninstrumented_modules=1:suppressions=$PWD/tests/tidy/tsan.supp
for program in build/tsan/tests/io_common_io_* build/tsan/tests/io_controller_io_*; do
  echo "$program"
  "$program"
done
RELEVO_BIN=$PWD/build/tsan bash tests/e2e/controller-killed.sh
