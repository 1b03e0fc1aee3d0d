# What people decide about rollouts, with real keys: each decision does what it says, and nothing less than it needs is taken.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
fleet_up 1 3
everywhere 3 | plan base "$old_version" "$old_file"
start base
ends "$rollout" 0

echo "-- pause, resume, abort in mid step"
plan slow "$new_version" "$new_file" <<TEXT
  - deploy: { environment: staging, $quick }
  - test:   { suite: regression }
  - deploy: { environment: production, max_parallel: 1, min_healthy_time: 6s, healthy_deadline: 30s, progress_deadline: 1m }
  - test:   { suite: final }
TEXT
start slow
fleet_wait 30 "staging and one host" serving "$new_version" 2
decide pause -m "looking at a graph"
phase_is "$rollout" Paused || fleet_fail "a paused rollout is not Paused"
says "$rollout" 'paused by .*looking at a graph'
refused 'held already' decide pause
sleep 8 # longer than the host at work needs, so that the next one could begin
serving "$new_version" 2 || fleet_fail "a host began while the rollout was paused"
decide resume -m "it was the graph"
fleet_wait 20 "another host after the pause" serving "$new_version" 3
decide abort -m "wrong build"
ends "$rollout" 3
phase_is "$rollout" Aborted || fleet_fail "an aborted rollout is not Aborted"
says "$rollout" 'aborted by .*wrong build'
runs "$old_version" "${hosts[@]}"
refused 'nothing to resume' decide resume

echo "-- manual steps, a sign-off by two, a rejection"
plan seven "$new_version" "$new_file" <<TEXT
  - deploy:  { environment: staging, $quick }
  - test:    { suite: regression }
  - deploy:  { environment: production, canary: 1, $quick }
  - test:    { suite: regression }
  - manual:  { instructions: "open the front page", role: testers }
  - manual:  { instructions: "look at it in another browser", role: testers, optional: true }
  - signoff: { role: release-managers, approvals: 2 }
  - pause: until promoted
  - pause:   { duration: 3s }
  - deploy:  { environment: production, remaining: true, max_parallel: 2, $quick }
  - test:    { suite: final }
TEXT
everywhere 3 | plan rival "$new_version" "$new_file"
start seven
fleet_wait 30 "the manual test" waits_at "$rollout" 5
refused "rollout $rollout .*stands in the way" relevo rollout start "$work/rival.plan"
refused 'not optional' decide skip --key eva -m "no time"
refused 'testers' decide approve --key ana
refused 'none to promote' decide promote
decide approve --key eva -m "opens"
fleet_wait 10 "the optional test" waits_at "$rollout" 6
refused 'needs a reason' decide skip --key eva
refused 'needs a reason' decide skip --key eva -m ""
decide skip --key eva -m "the change is one line"
fleet_wait 10 "the sign-off" waits_at "$rollout" 7
says "$rollout" 'the change is one line'
refused 'release-managers' decide approve --key eva
decide approve --key ana -m "fine"
refused 'ana has decided' decide approve --key ana -m "very fine"
refused 'ana has decided' decide approve --key "$fleet_folder/keys/ana.key"
sleep 1
waits_at "$rollout" 7 || fleet_fail "one person was counted twice"
refused 'needs a reason' decide reject --key luis
decide reject --key luis -m "the charts are empty"
ends "$rollout" 4
phase_is "$rollout" RolledBack || fleet_fail "a rejected rollout is not RolledBack"
says "$rollout" 'rejected by luis.*the charts are empty'
runs "$old_version" "${hosts[@]}"

echo "-- another attempt: everything is asked again, to the end"
decide retry -m "the charts were somebody else's"
fleet_wait 30 "the manual test again" waits_at "$rollout" 5
says "$rollout" 'attempt 2'
decide approve --key eva
fleet_wait 10 "the optional test again" waits_at "$rollout" 6
decide approve --key eva
fleet_wait 10 "the sign-off again" waits_at "$rollout" 7
decide approve --key luis
sleep 1
waits_at "$rollout" 7 || fleet_fail "an approval of the first attempt counts in the second"
decide approve --key ana
fleet_wait 10 "the pause" phase_is "$rollout" Paused
refused 'none to approve' decide approve --key ana
sleep 1
serving "$new_version" 2 || fleet_fail "a host began before the pause was promoted"
sleep 3
decide promote
promoted=$(date +%s%N)
fleet_wait 30 "the step after the pauses" at_step "$rollout" 10
paused=$((($(date +%s%N) - promoted) / 1000000))
[ $paused -ge 2500 ] || fleet_fail "a pause of 3 s lasted $paused ms"
ends "$rollout" 0
runs "$new_version" "${hosts[@]}"
refused 'undo it' decide abort

echo "-- undo"
began=$(date +%s%N)
decide undo -m "customers complain"
ends "$rollout" 4
echo "undone in $((($(date +%s%N) - began) / 1000000)) ms"
phase_is "$rollout" RolledBack || fleet_fail "an undone rollout is not RolledBack"
says "$rollout" 'undone by .*customers complain'
runs "$old_version" "${hosts[@]}"

echo "-- the one that was refused meanwhile"
everywhere 3 | plan rival "$new_version" "$new_file"
start rival
ends "$rollout" 0
runs "$new_version" "${hosts[@]}"
relevo audit verify
