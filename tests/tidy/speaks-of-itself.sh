# The project speaks of itself alone: no absolute path of a developer's machine, no registry host.
set -euo pipefail
cd "$RELEVO_ROOT_FOLDER"
found=$(git grep -nIE '(^|[^a-z])/(work|home/[a-z]+|root)/|deb\.debian\.org|registry\.npmjs' -- . ':!tests/tidy/speaks-of-itself.sh') ||
  [ $? -eq 1 ] # 1: nothing found; more: git could not look
if [ -n "$found" ]; then echo "$found"; exit 1; fi
