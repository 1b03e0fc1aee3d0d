# The manuals are well formed, and name every command, option and key that the programs know.
set -euo pipefail
cd "$RELEVO_ROOT_FOLDER"
bin=${RELEVO_BIN:-$PWD/build/release}
manuals=deploy/man
bad=0
complain() { echo "$*"; bad=1; }

said=$(man --warnings -E UTF-8 -l -Tutf8 -Z "$manuals"/*.[158] 2>&1 >/dev/null)
[ -z "$said" ] || complain "$said"

count=0
names() { # MANUAL PATTERN WHAT
  count=$((count + 1))
  grep -qE -- "$2" "$manuals/$1" || complain "$1 does not name $3"
}
options() { sed -nE 's/^ +(-., )?--([a-z-]+).*/\2/p; s/^ +--help, --version$/version/p'; }
has_options() { # MANUAL PROGRAM WORD…
  local option
  while read -r option; do names "$1" "Fl Fl $option( |\$)" "--$option of ${*:2}"; done < <("$bin/$2" "${@:3}" --help | options)
}
commands() { "$bin/relevo" "$@" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z-]*\) .*/\1/p'; }
for group in $(commands); do
  below=$(commands "$group")
  for command in ${below:-''}; do
    names relevo.1 "Cm $group${below:+ $command}( |\$)" "relevo $group $command"
    # shellcheck disable=SC2086
    has_options relevo.1 relevo $group ${below:+$command}
  done
done
has_options relevod.8 relevod
has_options relevo-agent.8 relevo-agent
for command in $("$bin/relevo-agent" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z-]*\) .*/\1/p'); do
  names relevo-agent.8 "^\.It Cm $command\$" "relevo-agent $command"
done

# has_keys MANUAL SOURCE…: what the sources' lists of known keys hold.
has_keys() {
  local key
  while read -r key; do names "$1" "^\.(It )?Ic (.*, Ic )?$key( |\$)" "the key \"$key\""; done < <(
    sed -n '/keys\[\] = {/{:whole; /};/!{N; b whole}; p}' "${@:2}" | grep -o '"[a-z_]*"' | tr -d '"' | LC_ALL=C sort -u)
}
has_keys agent.yaml.5 agent/io/config.c
has_keys controller.yaml.5 controller/io/config.c
has_keys relevo.1 controller/cli/settings.c
has_keys relevo-plan.5 controller/core/plan_*.c
[ "$count" -gt 300 ] || complain "only $count things were looked for"
exit $bad
