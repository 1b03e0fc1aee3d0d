# More trust documents than one message carries: the command line follows the whole chain from the first one, a host that
# slept through all of them catches up, one that joins begins with the newest; links that expired are only the way.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
count=270

fleet_up 2 0
kill -TERM "${fleet_agent_pid[s2]}"
wait "${fleet_agent_pid[s2]}" 2>/dev/null || true

# Made as on a machine without a network: each draft follows the one before it. Every tenth lives for a second alone.
relevo trust show --save "$work/trust.1" >/dev/null 2>&1
files=()
for ((version = 2; version <= count; version++)); do
  life=365d
  [ $((version % 10)) -ne 0 ] || [ "$version" -eq $count ] || life=1s
  relevo trust renew --for $life --current "$work/trust.$((version - 1))" --file "$work/trust.$version" >/dev/null 2>&1
  relevo trust sign "$work/trust.$version" --key root --current "$work/trust.$((version - 1))" --yes >/dev/null 2>&1 ||
    fleet_fail "version $version was not signed"
  files+=("$work/trust.$version")
done
sleep 1
refused 'trust expired at' relevo trust rotate "${files[@]:0:9}" --yes
relevo trust show -o json | grep -q '"version": 1,' || fleet_fail "a chain that ends expired came into force"
relevo trust rotate "${files[@]:0:200}" --yes --wait 1s >/dev/null 2>"$fleet_folder/log/first"
relevo trust rotate "${files[@]:200}" --yes --wait 1s >/dev/null 2>"$fleet_folder/log/second"
relevo trust show | grep -q "^trust version $count," || fleet_fail "the newest version is not $count"

fleet_agent s2
have() { relevo trust show | grep -Eq "^$1 of $1 hosts have version $count$"; }
fleet_wait 40 "version $count on both hosts" have 2
e2e_host s3 staging "$(fleet_free_port 1)"
fleet_wait 20 "version $count on the new host" have 3
everywhere | sed '/production/,$d' | plan chain "$new_version" "$new_file"
start chain
ends "$rollout" 0
runs "$new_version" "${hosts[@]}"
relevo audit verify
