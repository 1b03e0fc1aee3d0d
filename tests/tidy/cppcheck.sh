# cppcheck has nothing to say.
set -euo pipefail
cd "$RELEVO_ROOT_FOLDER"
cppcheck --std=c17 --enable=warning,performance,portability --inline-suppr --quiet --error-exitcode=1 -j "$(nproc)" \
  --suppress=missingIncludeSystem -D_GNU_SOURCE -I . common proto controller agent
