# The shells' completions are what the program's own help makes of them, and both shells can read them.
set -euo pipefail
cd "$RELEVO_ROOT_FOLDER"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
deploy/completions/generate "${RELEVO_BIN:-$PWD/build/release}/relevo" "$folder"
for file in relevo.bash _relevo; do
  diff -u "deploy/completions/$file" "$folder/$file" || {
    echo "deploy/completions/$file is older than the commands: run deploy/completions/generate build/release/relevo deploy/completions"
    exit 1
  }
done
[ "$(wc -l <deploy/completions/relevo.bash)" -gt 60 ] || { echo "no help was understood"; exit 1; }
# What comes after "relevo WORDS…" is asked as bash asks it.
. deploy/completions/relevo.bash
offers() { # WANTED WORD…
  COMP_WORDS=("${@:2}") COMP_CWORD=$(($# - 2)) COMPREPLY=()
  _relevo
  [ "${COMPREPLY[*]}" = "$1" ] || { echo "\"${*:2}\" offers \"${COMPREPLY[*]}\", not \"$1\""; exit 1; }
}
offers 'artifact audit' relevo a
offers 'lint build show sign verify diff' relevo --config x plan ''
offers '--timeout' relevo rollout start --watch 7.plan --t
offers 'json jsonl' relevo rollout list -o j
offers '' relevo plan build -o ''
! command -v zsh >/dev/null || zsh -n deploy/completions/_relevo
