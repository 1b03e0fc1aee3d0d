# Ten good stories are told as they were when somebody last read them. After a change that is meant:
# build/release/tests/sim_golden tests/sim/golden --write, and read what is different.
set -euo pipefail
cd "$RELEVO_ROOT_FOLDER"
build/release/tests/sim_golden tests/sim/golden
