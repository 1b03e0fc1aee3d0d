# A watcher that comes late sees the whole state at once, then every change; two watchers see the same.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
fleet_up 1 2
everywhere 1 | plan today "$old_version" "$old_file"
start today
relevo rollout watch "$rollout" -o jsonl >"$work/early" &
early=$!
fleet_wait 30 "step 2" at_step "$rollout" 2
relevo rollout watch "$rollout" -o jsonl >"$work/late" &
late=$!
wait "$early"
wait "$late"
python3 - "$work/early" "$work/late" <<'TEXT'
import json, sys
early, late = ([json.loads(line) for line in open(name)] for name in sys.argv[1:])
assert early[0]["whole"] and late[0]["whole"], "each begins with the whole state"
assert not any(row["whole"] for row in early[1:] + late[1:]), "and goes on with changes"
assert len(late[0]["steps"]) == 4 and len(late[0]["hosts"]) == 3, late[0]
for rows in (early, late):
    numbers = [row["sequence"] for row in rows]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), "no change is missing"
first = late[1]["sequence"]
strip = lambda rows: [row for row in rows if row["sequence"] >= first]
assert strip(early) == strip(late), "both see the same changes"

def merged(rows):
    head, steps, hosts = None, {}, {}
    for row in rows:
        head = row["head"]
        steps.update({step["number"]: step for step in row["steps"]})
        hosts.update({host["name"]: host for host in row["hosts"]})
    return head, steps, hosts
assert merged(early) == merged(late), "and end with the same state"
assert merged(late)[0]["phase"] == "Healthy"
print(len(early), "and", len(late), "rows")
TEXT
