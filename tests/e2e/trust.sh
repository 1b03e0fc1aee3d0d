# Who is believed changes while releases go on: keys come and go, thresholds move, roots and the controller itself are
# replaced; too few signatures change nothing; hosts that were down catch up; and the history holds.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

# The two roots sign everything; fleet_up makes one, so the second comes with the first rotation.
draft=
new_draft() { draft=$work/$1.trust; }
edit() { relevo trust "$@" --file "$draft" >/dev/null 2>>"$fleet_folder/log/trust"; }
sign() {
  local key
  for key in "$@"; do relevo trust sign "$draft" --key "$key" --yes >/dev/null 2>>"$fleet_folder/log/trust"; done
}
rotate() { relevo trust rotate "$draft" --yes 2>>"$fleet_folder/log/trust"; }
make_key() { relevo key generate "$1" --no-password >/dev/null 2>&1; }
public() { echo "$fleet_folder/keys/$1.pub"; }
in_force() { relevo trust show -o json | grep -q "\"version\": $1,"; }
# have VERSION: every host has told that it has it.
have() { relevo trust show | grep -Eq "^([0-9]+) of \1 hosts have version $1$"; }

fleet_up 1 2
steps_with_signoff() {
  cat <<TEXT
  - deploy:  { environment: staging, $quick }
  - test:    { suite: regression }
  - signoff: { role: release-managers, approvals: 1 }
  - deploy:  { environment: production, max_parallel: 2, $quick }
  - test:    { suite: final }
TEXT
}
everywhere | plan base "$old_version" "$old_file"
start base
ends "$rollout" 0

echo "-- a second root, and both have to sign from then on; too few do not do"
relevo trust show | grep -Eq '^root +all +1 of 1 +root$' || fleet_fail "the first trust document is not shown"
make_key root-2
new_draft second
edit add-key root-2 --public "$(public root-2)" --role root
edit set-threshold root 2
refused '0 of 1 signatures that the role root needs' relevo trust rotate "$draft" --yes
sign root
refused 'by its own roots: 1 of 2 signatures .* missing from: root-2' relevo trust rotate "$draft" --yes
in_force 1 || fleet_fail "a draft with one signature came into force"
sign root-2
rotate | grep -q 'trust version 2 is in force' || fleet_fail "version 2 did not come into force"
fleet_wait 20 "version 2 on every host" have 2
refused 'is in force already, as version 2' relevo trust rotate "$draft" --yes

echo "-- a new approver, who signs off"
make_key tom
new_draft third
edit add-key tom --public "$(public tom)" --role release-managers
sign root root-2
rotate >/dev/null
steps_with_signoff | plan tom "$new_version" "$new_file"
start tom
fleet_wait 40 "the sign-off" waits_at "$rollout" 3
decide approve --key tom -m "my first"
ends "$rollout" 0
runs "$new_version" "${hosts[@]}"

echo "-- an approver is revoked after the word was given: it does not count, and the others are not touched"
steps_with_signoff | sed 's/approvals: 1/approvals: 2/' | plan luis "$old_version" "$old_file"
start luis
fleet_wait 40 "the sign-off" waits_at "$rollout" 3
decide approve --key luis
new_draft fourth
edit remove-key luis
sign root root-2
rotate >/dev/null
refused 'luis|no part in the role' relevo rollout approve "$rollout" --key luis --yes
decide approve --key ana
waits_at "$rollout" 3 || fleet_fail "the approval of a revoked key opened the gate"
serving "$old_version" 1 || fleet_fail "production was touched with one approval of two"
decide approve --key tom
ends "$rollout" 0
runs "$old_version" "${hosts[@]}"

echo "-- an operator's key is replaced, a root too, and a threshold moves, all at once"
make_key op-2
make_key root-3
cp "$fleet_folder/keys/operator.key" "$fleet_folder/keys/operator-old.key"
[ ${#fleet_as[@]} -eq 0 ] || chown 65534:65534 "$fleet_folder/keys/operator-old.key"
new_draft fifth
edit replace-key operator --public "$(public op-2)"
edit replace-key root-2 --public "$(public root-3)"
edit set-threshold release-managers 2 --for 200d
relevo trust show "$draft" | grep -q 'signatures by roots of version 4: 0 of 2; missing from root, root-2' ||
  fleet_fail "the roots of both versions are not named"
sign root root-2
refused 'by its own roots: 1 of 2' relevo trust rotate "$draft" --yes
sign root-3
rotate >/dev/null
grep -q 'next: an operator signs the fleet document anew' "$fleet_folder/log/trust" || fleet_fail "the fleet's signer is gone unsaid"
fleet_wait 20 "version 5 on every host" have 5
refused 'operators of trust version 4, who are operators no more' relevo host list
refused 'not in the role operator' relevo host renew --key operator-old --yes
relevo host renew --key op-2 --yes 2>&1 | grep -Eq '^p2 +production' || fleet_fail "the fleet is signed anew unseen"
refused 'not in the role operator' relevo host revoke p2 --key operator-old --yes
cp "$fleet_folder/keys/op-2.key" "$fleet_folder/keys/operator.key"
cp "$fleet_folder/keys/root-3.key" "$fleet_folder/keys/root-2.key"
steps_with_signoff >"$work/one"
plan one "$new_version" "$new_file" <"$work/one"
refused '1 approvals are asked for, and the role release-managers needs 2' relevo rollout start "$work/one.plan"

echo "-- a host that sleeps through two rotations catches up"
kill -TERM "${fleet_agent_pid[p2]}"
wait "${fleet_agent_pid[p2]}" 2>/dev/null || true
for name in sixth seventh; do
  new_draft $name
  edit renew --for 365d
  sign root root-2
  rotate >"$work/$name.said"
done
grep -q '2 of 3 hosts have version 7; not yet: p2' "$work/seventh.said" ||
  fleet_fail "the sleeping host is not named: $(cat "$work/seventh.said")"
fleet_agent p2
fleet_wait 20 "version 7 on every host" have 7

echo "-- the controller was stolen, in the middle of a rollout"
steps_with_signoff | sed 's/approvals: 1/approvals: 2/' | plan stolen "$new_version" "$new_file"
start stolen
fleet_wait 40 "the sign-off" waits_at "$rollout" 3
make_key controller-2
new_draft eighth
edit replace-key controller --public "$(public controller-2)"
sign root root-2
rotate >/dev/null
grep -q "this controller's signing key has no say any more: trust version 8" "$fleet_folder/log/controller" ||
  fleet_fail "the old controller does not notice"
decide approve --key ana
decide approve --key tom
says "$rollout" 'trust version 8 gives the role controller to another key'
sleep 2
serving "$old_version" 2 || fleet_fail "the old controller moved production"
everywhere | plan later "$old_version" "$old_file"
refused 'Hosts believe nothing that this one signs' relevo rollout start "$work/later.plan"
refused 'no say any more' fleet_run "$fleet_folder/bin/relevod" --check --config "$fleet_folder/controller/controller.yaml"
kill -TERM "$fleet_controller_pid"
wait "$fleet_controller_pid" || true
fleet_controller
sleep 1
serving "$old_version" 2 || fleet_fail "a restart alone gave the old key a say"
kill -TERM "$fleet_controller_pid"
wait "$fleet_controller_pid" || true
cp "$fleet_folder/keys/controller-2.key" "$fleet_folder/controller/controller.key"
fleet_run "$fleet_folder/bin/relevod" --check --config "$fleet_folder/controller/controller.yaml" >/dev/null
fleet_controller
ends "$rollout" 0
runs "$new_version" "${hosts[@]}"

echo "-- who joins now begins with the newest document"
port=$(fleet_free_port 1)
e2e_host p3 production "$port"
fleet_wait 20 "version 8 on every host" have 8
relevo audit verify
