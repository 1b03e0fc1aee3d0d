# A thousand stories: no invariant breaks.
set -euo pipefail
cd "$RELEVO_ROOT_FOLDER"
build/release/tests/sim_swarm --seeds "${RELEVO_SWARM_SEEDS:-1000}" --jobs "$(nproc)"
# The same with ASan and UBSan, for fewer.
build/dev/tests/sim_swarm --seeds 60 --jobs "$(nproc)"
