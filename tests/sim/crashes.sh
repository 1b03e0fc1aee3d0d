# An installer, or its whole host, dies before each effect of an install and of a way back, on a disk that is well, full or rotten.
set -euo pipefail
cd "$RELEVO_ROOT_FOLDER"
build/release/tests/sim_matrix
