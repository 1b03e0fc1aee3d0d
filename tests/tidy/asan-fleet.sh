# A whole fleet with kills, every program built with ASan and UBSan.
set -euo pipefail
cd "$RELEVO_ROOT_FOLDER"
RELEVO_BIN=$PWD/build/dev bash tests/e2e/controller-killed.sh
