# clang-format leaves every source as it is.
set -euo pipefail
cd "$RELEVO_ROOT_FOLDER"
git ls-files '*.c' '*.h' | xargs clang-format --dry-run -Werror
