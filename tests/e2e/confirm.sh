# Hosts that want to be confirmed: with the controller dead, or a neighbour silent, they go back by themselves; and failures that
# people answer for by name.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

status_of() { fleet_run "$fleet_folder/bin/relevo-agent" status --config "$fleet_folder/hosts/$1/agent.yaml"; }
confirmed='min_healthy_time: 2s, healthy_deadline: 5s, progress_deadline: 6s, confirm_within: 12s'
careful() { # production's hosts at once
  cat <<TEXT
  - deploy: { environment: staging, $confirmed }
  - test:   { suite: regression }
  - deploy: { environment: production, max_parallel: 2, $confirmed }
  - test:   { suite: final }
TEXT
}

fleet_up 1 2
everywhere 2 | plan base "$old_version" "$old_file"
start base
ends "$rollout" 0

echo "-- the controller dies right after the switch, and stays dead"
careful | plan dies "$new_version" "$new_file"
start dies
fleet_wait 30 "the switch of s1" serving "$new_version" 1
kill -KILL "$fleet_controller_pid"
wait "$fleet_controller_pid" 2>/dev/null || true
fleet_wait 20 "what s1 knows" eval 'status_of s1 | grep -q "rstudio-connect: not confirmed yet; it returns to $old_version at "'
fleet_wait 40 "the return of s1, which nobody ordered" serving "$old_version" 3
fleet_wait 20 "its word for why" eval 'status_of s1 | grep -q "returned: not confirmed within 12s"'
! status_of s1 | grep -q 'not confirmed yet' || fleet_fail "s1 still waits to be confirmed"
fleet_controller
ends "$rollout" 4
phase_is "$rollout" RolledBack || fleet_fail "it is not RolledBack"
says "$rollout" 's1 went back: returned \(not confirmed within 12s'
runs "$old_version" "${hosts[@]}"

echo "-- a neighbour falls silent: nobody reports a failure, and all go back all the same"
kill -STOP "${fleet_agent_pid[p2]}"
careful | plan silent "$new_version" "$new_file"
start silent
ends "$rollout" 3
fleet_wait 40 "the return of the others" serving "$old_version" 3
kill -CONT "${fleet_agent_pid[p2]}"
fleet_wait 40 "the end" phase_is "$rollout" RolledBack
runs "$old_version" "${hosts[@]}"

echo "-- all is well: they are confirmed, and stay"
careful | plan well "$new_version" "$new_file"
start well
ends "$rollout" 0
sleep 13
runs "$new_version" "${hosts[@]}"
! status_of p1 | grep -q 'not confirmed' || fleet_fail "p1 waits to be confirmed"

echo "-- failures that people answer for"
printf '#!/bin/sh\n[ ! -e "$RELEVO_SHARED/flaky" ] || { echo "connection reset"; exit 1; }\n' >"$work/flaky.sh"
sed 's|^  regression:|  regression:\n    - { exec: flaky.sh, deadline: 5s }|' "$work/$product.yaml" >"$work/flaky.yaml"
touch "$fleet_folder/hosts/s1/$product/shared/flaky"
people() {
  everywhere 2
  echo "  - signoff: { role: release-managers }"
}
profile=flaky.yaml on_failure=pause plan nobody "$old_version" "$old_file" < <(people)
start nobody
fleet_wait 30 "the failed test" phase_is "$rollout" Paused
refused 'lets nobody override' decide override --key ana -m "never mind"
decide abort
ends "$rollout" 3
profile=flaky.yaml on_failure=$'pause\noverride: { role: release-managers, approvals: 2 }' plan answered "$old_version" "$old_file" < <(people)
start answered
fleet_wait 30 "the failed test" phase_is "$rollout" Paused
says "$rollout" 'retry, override or abort'
refused 'needs a reason' decide override --key ana
refused 'no part in the role release-managers' decide override --key eva -m "known flake"
shown=$(decide override --key ana -m "known flake" 2>&1)
grep -q 'to override: the 1 failure and rejection above' <<<"$shown" || fleet_fail "nothing of the failure was shown: $shown"
grep -q 'connection reset' <<<"$shown" || fleet_fail "the failure was not shown: $shown"
refused 'answered for all of them already' decide override --key ana -m "known flake"
sleep 1
phase_is "$rollout" Paused || fleet_fail "one person was enough for what takes two"
decide override --key luis -m "known flake, seen before"
fleet_wait 60 "the sign-off, over an overridden test" phase_is "$rollout" AwaitingApproval
says "$rollout" 'overridden by ana, luis: "known flake, seen before"'
decide reject --key luis -m "not today"
fleet_wait 20 "the rejection" phase_is "$rollout" Paused
decide override --key ana -m "today after all"
decide override --key luis -m "today after all"
fleet_wait 20 "the sign-off again" phase_is "$rollout" AwaitingApproval
shown=$(decide approve --key ana 2>&1)
grep -q 'differences between hosts:' <<<"$shown" || fleet_fail "no difference is shown: $shown"
grep -q 'test flaky.sh: ran in staging, and not in production' <<<"$shown" || fleet_fail "the difference is not shown: $shown"
ends "$rollout" 0
runs "$old_version" "${hosts[@]}"

echo "-- the history, elsewhere, by nothing but an export and the first trust document"
relevo audit verify
relevo audit export "$work/history.audit"
(cd / && RELEVO_CONFIG=/nonexistent fleet_run env -u RELEVO_CONFIG "$fleet_folder/bin/relevo" audit verify \
  --from "$work/history.audit" --trust "$fleet_folder/trust.relevo")
refused 'not a trust document' relevo audit verify --from "$work/history.audit" --trust "$fleet_folder/fleet.relevo"
