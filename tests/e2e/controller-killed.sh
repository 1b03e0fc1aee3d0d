# kill -9 of relevod in the middle of step 5 (and once in each other step): after a restart the rollout goes on to its end.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
fleet_up 1 4
everywhere 4 | plan today "$old_version" "$old_file"
start today
ends "$rollout" 0

plan seven "$new_version" "$new_file" <<TEXT
  - deploy:  { environment: staging, $quick }
  - test:    { suite: regression }
  - deploy:  { environment: production, canary: 10%, $quick }
  - test:    { suite: regression }
  - signoff: { role: release-managers, approvals: 2 }
  - deploy:  { environment: production, remaining: true, max_parallel: 1, min_healthy_time: 1s, healthy_deadline: 30s, progress_deadline: 1m }
  - test:    { suite: final }
  - notify:  { to: managers }
TEXT
start seven
restart() {
  kill -KILL "$fleet_controller_pid"
  wait "$fleet_controller_pid" || true
  fleet_controller
}
for step in 1 3 4; do
  fleet_wait 60 "step $step" at_step "$rollout" $step
  restart
done
fleet_wait 60 "the sign-off" phase_is "$rollout" AwaitingApproval
relevo rollout approve "$rollout" --key ana --yes -m "seen" >/dev/null
restart
relevo rollout approve "$rollout" --key luis --yes -m "seen too" >/dev/null
for _ in 1 2 3; do
  fleet_wait 60 "the remaining servers" at_step "$rollout" 6
  sleep 0.7
  restart
done
ends "$rollout" 0
runs "$new_version" "${hosts[@]}"
relevo audit verify
# At least once, always under the same key.
[ "$(grep completed "$fleet_folder/log/notifications" | awk '{ print $1 }' | sort -u | wc -l)" -eq 1 ] ||
  fleet_fail "the notification went out under several keys, or not at all"
echo "seven kills, one rollout, $(grep -c . "$fleet_folder/log/notifications") notification(s)"
