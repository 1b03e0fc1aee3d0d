# minisign accepts a plan that relevo signed, and relevo accepts one that minisign signed; neither accepts a changed one.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
fleet_up 1 0
printf '  - deploy: { environment: staging, %s }\n' "$quick" | plan ours "$old_version" "$old_file"
minisign -Vm "$work/ours.plan" -p "$fleet_folder/keys/release-1.pub"
relevo plan verify "$work/ours.plan"
printf '  - deploy: { environment: staging, %s }\n' "$quick" >"$work/steps"
plan theirs "$old_version" "$old_file" <"$work/steps"
rm "$work"/theirs.plan*.minisig
if relevo plan verify "$work/theirs.plan"; then fleet_fail "an unsigned plan verified"; fi
fleet_run minisign -S -s "$fleet_folder/keys/release-1.key" -m "$work/theirs.plan" </dev/null
relevo plan verify "$work/theirs.plan"
start theirs
ends "$rollout" 0
runs "$old_version" s1
printf 'x' | dd of="$work/theirs.plan" bs=1 seek=100 conv=notrunc status=none
if relevo plan verify "$work/theirs.plan"; then fleet_fail "a changed plan verified"; fi
if minisign -Vm "$work/theirs.plan" -p "$fleet_folder/keys/release-1.pub"; then fleet_fail "minisign took a changed plan"; fi
if relevo rollout start "$work/theirs.plan"; then fleet_fail "a changed plan was started"; fi
