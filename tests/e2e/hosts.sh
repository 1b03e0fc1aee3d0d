# Hosts that are away, die, stay away, are turned away or revoked: the rollout says so, and the others are not harmed.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

# asks NAME TOKEN [OPTIONS]: the enrolment of $fleet_folder/hosts/NAME, in the foreground.
asks() {
  fleet_run "$fleet_folder/bin/relevo-agent" enrol --config "$fleet_folder/hosts/$1/agent.yaml" --token "$2" "${@:3}"
}
# turned_away WORDS COMMAND…: it ends by itself, not with 0, and says why.
turned_away() {
  local words=$1 code=0 said
  shift
  said=$("$@" 2>&1) || code=$?
  [ $code -ne 0 ] || fleet_fail "\"$*\" was let in: $said"
  grep -Eq -- "$words" <<<"$said" || fleet_fail "\"$*\" says \"$said\", without \"$words\""
}
# kills NAME: both of its agent's processes at once, as a power cut would.
kills() {
  local installer=${fleet_agent_pid[$1]} session
  session=$(pgrep -P "$installer" -f 'relevo-agent.*session' | head -n 1 || true)
  kill -KILL "$installer" ${session:+"$session"}
  wait "$installer" 2>/dev/null || true
}
host_is() { relevo host list 2>/dev/null | grep -Eq "^ *$1 .*$2"; }

fleet_up 1 3
everywhere 3 | plan base "$old_version" "$old_file"
start base
ends "$rollout" 0

echo "-- a host that is off when it starts, and comes back; another that dies in the middle"
kills p2
everywhere 3 | plan away "$new_version" "$new_file"
start away
fleet_wait 30 "the others" serving "$new_version" 3
phase_is "$rollout" Progressing || fleet_fail "it did not wait for p2"
fleet_agent p2
ends "$rollout" 0
runs "$new_version" "${hosts[@]}"

plan dies "$old_version" "$old_file" <<TEXT
  - deploy: { environment: staging, $quick }
  - test:   { suite: regression }
  - deploy: { environment: production, max_parallel: 1, min_healthy_time: 2s, healthy_deadline: 30s, progress_deadline: 1m }
  - test:   { suite: final }
TEXT
start dies
fleet_wait 30 "the first of production" serving "$old_version" 2
kills p1
sleep 1
fleet_agent p1
fleet_wait 30 "the second of production" serving "$old_version" 3
kills p2
fleet_agent p2
ends "$rollout" 0
runs "$old_version" "${hosts[@]}"

echo "-- a host that stays away: Degraded names it; the others return when an operator aborts"
kills p3
plan silent "$new_version" "$new_file" <<TEXT
  - deploy: { environment: staging, $quick }
  - test:   { suite: regression }
  - deploy: { environment: production, max_parallel: 3, min_healthy_time: 300ms, healthy_deadline: 2s, progress_deadline: 6s }
  - test:   { suite: final }
TEXT
start silent
ends "$rollout" 3
phase_is "$rollout" Degraded || fleet_fail "a rollout with a silent host is not Degraded"
says "$rollout" 'no progress for 6s: waiting for p3'
serving "$new_version" 3 || fleet_fail "the hosts that could go did not"
decide abort -m "p3 is on fire"
fleet_wait 20 "the return of the others" serving "$old_version" 4
runs "$old_version" s1 p1 p2
fleet_agent p3
fleet_wait 30 "the end, with p3 back" phase_is "$rollout" Aborted
runs "$old_version" "${hosts[@]}"

echo "-- strangers"
port=$(fleet_free_port 1)
for name in n1 n2 n3 twin; do fleet_host $name $product "$port"; done
token=$(relevo host token)
turned_away 'no token|not a token|token' asks n1 "relevo-token-of-nobody"
turned_away 'unknown, used or expired|token' asks n1 "${token%?????}aaaaa"
short=$(relevo host token --life 1s)
sleep 1.2
turned_away 'expired' asks n1 "$short"
fleet_spawn "$fleet_folder/log/n1" "$fleet_folder/bin/relevo-agent" enrol --config "$fleet_folder/hosts/n1/agent.yaml" --token "$token"
asking=$!
fleet_pids+=("$asking")
fleet_wait 20 "n1" fleet_is_pending n1
turned_away 'used' asks n2 "$token" --timeout 10s
refused 'has the fingerprint .* not that one' relevo host accept n1 --environment production --product $product \
  --fingerprint 0000:0000:0000:0000:0000:0000:0000:0000 --yes
! host_is n1 production || fleet_fail "n1 belongs to production in spite of its fingerprint"
relevo host reject n1 -m "not ours"
code=0
wait "$asking" || code=$?
[ $code -eq 3 ] || fleet_fail "a rejected host ended with $code"
grep -q 'rejected: not ours' "$fleet_folder/log/n1" || fleet_fail "a rejected host was not told why"
! host_is n1 '' || fleet_fail "a rejected host is still listed"
refused 'no host n1 waits' relevo host accept n1 --environment production --product $product --yes

echo "-- a second agent with the name of the first"
turned_away 'another relevo-agent works with' fleet_run "$fleet_folder/bin/relevo-agent" run \
  --config "$fleet_folder/hosts/p1/agent.yaml"
sed -i 's/^name: .*/name: p1/' "$fleet_folder/hosts/twin/agent.yaml"
token=$(relevo host token)
fleet_spawn "$fleet_folder/log/twin" "$fleet_folder/bin/relevo-agent" enrol --config "$fleet_folder/hosts/twin/agent.yaml" --token "$token"
asking=$!
fleet_pids+=("$asking")
fleet_wait 20 "the second p1" host_is p1 waiting
host_is p1 'production.*connected' || fleet_fail "the first p1 lost its place"
relevo host reject p1 -m "there is one already"
wait "$asking" && fleet_fail "the second p1 was let in"
host_is p1 'production.*connected' || fleet_fail "the first p1 lost its place"

echo "-- a revoked host"
everywhere 3 | plan revoked "$new_version" "$new_file"
relevo host revoke p3 --yes
! host_is p3 production || fleet_fail "p3 is still listed"
fleet_wait 10 "p3 to be turned away" grep -Eq 'refused: this key is not admitted' "$fleet_folder/log/controller"
refused 'p3' relevo rollout start "$work/revoked.plan"
everywhere 3 | plan without "$new_version" "$new_file"
start without
ends "$rollout" 0
runs "$new_version" s1 p1 p2
[ "$(fleet_version p3 $product)" = "$old_version" ] || fleet_fail "a revoked host's service was touched"

echo "-- revoked while a rollout stands: nobody waits, and the others go back, though the revoked one's word is in its history"
plan asks "$old_version" "$old_file" <<TEXT
  - deploy:  { environment: staging, $quick }
  - test:    { suite: regression }
  - deploy:  { environment: production, hosts: [p2], $quick }
  - test:    { suite: regression }
  - signoff: { role: release-managers }
  - deploy:  { environment: production, remaining: true, $quick }
TEXT
start asks
fleet_wait 30 "the sign-off" waits_at "$rollout" 5
relevo host revoke p2 --yes
ends "$rollout" 3 10
says "$rollout" 'p2 does not belong to the fleet any more: build the plan again without it'
decide abort -m "without p2"
fleet_wait 20 "the return of staging" serving "$new_version" 2
ends "$rollout" 3 10
says "$rollout" 'not yet returned: p2, no longer of this fleet'
runs "$new_version" s1 p1
relevo audit verify
