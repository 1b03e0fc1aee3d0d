# clang builds everything without a warning, as gcc does.
set -euo pipefail
cd "$RELEVO_ROOT_FOLDER"
cmake --preset clang
nice cmake --build --preset clang
