# A large artefact whose transfers are cut everywhere: the command line's upload, the controller, the session, and bytes that
# somebody damages on a disk. What is there is never sent twice, what is wrong never reaches a host, and the reason is said in words.
set -euo pipefail
export RELEVO_VERBOSE=1
. "$(dirname "$0")/lib.sh"

size_of() { stat -c %s "$1" 2>/dev/null || echo 0; }
# grows FILE BYTES SECONDS: until the file has that many bytes.
grows() {
  local deadline=$((SECONDS + $3))
  until [ "$(size_of "$1")" -ge "$2" ]; do
    [ $SECONDS -lt $deadline ] || fleet_fail "$1 has only $(size_of "$1") of $2 bytes"
  done
}
first_line() { # all of the input is read: nobody before it in the pipe is cut off
  local all
  all=$(cat)
  echo "${all%%$'\n'*}"
}
digest_of() { b2sum -l 256 "$1" | cut -d' ' -f1; }
damage() { printf 'damage, and nobody said so' | dd of="$1" bs=1 seek="$2" conv=notrunc status=none; }
end_agent() {
  kill -KILL "${fleet_agent_pid[s1]}"
  wait "${fleet_agent_pid[s1]}" || true
  # The session ends by itself when its installer is gone.
  for _ in $(seq 50); do kill -0 "$session" 2>/dev/null || break; sleep 0.1; done
}
find_session() { session=$(pgrep -P "${fleet_agent_pid[s1]}" | head -n 1) && [ -n "$session" ]; }
log_lines() { wc -l <"$fleet_folder/log/s1"; }
# asked LINES: the offsets of the session's requests for this content, after that line of its log.
asked() { tail -n "+$(($1 + 1))" "$fleet_folder/log/s1" | sed -n "s/.*send chunk_wanted content=${digest:0:12}.*offset=\([0-9]*\) .*/\1/p"; }
only_staging() { printf '  - deploy: { environment: staging, min_healthy_time: 300ms, healthy_deadline: 5s, progress_deadline: %s }\n' "$1"; }

fleet_up 1 0
only_staging 1m | plan small "$old_version" "$old_file"
start small
ends "$rollout" 0

mebi=1048576
# heavy FILE BYTES NEW: the same software with ballast, which no compression makes lighter.
heavy() {
  dpkg-deb -R "$work/$1" "$work/tree"
  head -c "$2" /dev/urandom >"$work/tree/usr/share/ballast"
  dpkg-deb -Znone --root-owner-group -b "$work/tree" "$work/$3" >/dev/null
  rm -rf "$work/tree"
}
heavy "$new_file" $((200 * mebi)) big.deb
digest=$(digest_of "$work/big.deb")
length=$(size_of "$work/big.deb")
depot=$fleet_folder/controller/state/depot
spool=$fleet_folder/hosts/s1/state/spool

echo "-- the upload is cut"
fleet_spawn "$fleet_folder/log/upload" "$fleet_folder/bin/relevo" artifact add "$work/big.deb"
upload=$!
fleet_pids+=("$upload")
grows "$depot/$digest.part" $((50 * mebi)) 20
kill -KILL "$upload"
wait "$upload" 2>/dev/null || true
sleep 0.5 # what was under way is taken
before=$(size_of "$depot/$digest.part")
[ "$before" -ge $((50 * mebi)) ] && [ "$before" -lt "$length" ] || fleet_fail "the cut came at $before of $length"
lines=$(wc -l <"$fleet_folder/log/controller")
relevo artifact add "$work/big.deb" >/dev/null
first=$(tail -n "+$((lines + 1))" "$fleet_folder/log/controller" | sed -n 's/.*send put_state .*have=\([0-9]*\).*/\1/p' | first_line)
[ "$first" = "$before" ] || fleet_fail "the upload went on at $first, not at $before"
[ "$(digest_of "$depot/$digest")" = "$digest" ] || fleet_fail "the depot has other bytes"
echo "cut at $before of $length bytes; the next one began at $first"

echo "-- the fetch is cut: relevod, then the session, then all of the agent"
only_staging 1m | plan big "$new_version" big.deb
lines=$(log_lines)
start big
grows "$spool/$digest.part" $((40 * mebi)) 20
kill -KILL "$fleet_controller_pid"
wait "$fleet_controller_pid" 2>/dev/null || true
sleep 0.3
cut_1=$(size_of "$spool/$digest.part")
fleet_controller
grows "$spool/$digest.part" $((80 * mebi)) 30
find_session
kill -KILL "$session"
grows "$spool/$digest.part" $((120 * mebi)) 30
find_session
end_agent
cut_3=$(size_of "$spool/$digest.part")
[ "$cut_3" -lt "$length" ] || fleet_fail "the third cut came too late"
lines_3=$(log_lines)
fleet_agent s1
ends "$rollout" 0
runs "$new_version" s1
asked "$lines" >"$work/asked"
[ "$(asked "$lines_3" | first_line)" = "$cut_3" ] || fleet_fail "the last fetch went on at $(asked "$lines_3" | first_line), not at $cut_3"
# Each cut may cost the bytes that were under way, and no more.
bytes=$(tail -n "+$((lines + 1))" "$fleet_folder/log/s1" | sed -n "s/.*send chunk_wanted content=${digest:0:12}.*size=\([0-9]*\).*/\1/p" | awk '{ n += $1 } END { printf "%d", n }')
[ "$cut_1" -ge $((40 * mebi)) ] && [ "$bytes" -ge "$length" ] && [ "$bytes" -le $((length + 4 * 2 * mebi)) ] ||
  fleet_fail "$bytes bytes were asked for, of a content of $length"
[ "$(grep -cx 0 "$work/asked")" -eq 1 ] || fleet_fail "the fetch began at 0 more than once"
echo "three cuts, the last at $cut_3; $bytes bytes asked for, of $length"

echo "-- wrong bytes in the spool"
heavy "$old_file" $((100 * mebi)) other.deb
digest=$(digest_of "$work/other.deb")
relevo artifact add "$work/other.deb" >/dev/null
only_staging 1m | plan other "$old_version" other.deb
lines=$(log_lines)
start other
grows "$spool/$digest.part" $((20 * mebi)) 20
find_session
end_agent
damage "$spool/$digest.part" $((5 * mebi))
lines_damaged=$(log_lines)
fleet_agent s1
said() { tail -n "+$(($1 + 1))" "$fleet_folder/log/s1" | grep -c "$2" | grep -qv '^0$'; }
fleet_wait 20 "the session's notice of the damage" said "$lines_damaged" "what arrived was damaged"
# The whole content is damaged once more, between the session's check and the installer's.
kill -STOP "${fleet_agent_pid[s1]}"
fleet_wait 20 "the whole content" test -e "$spool/$digest"
damage "$spool/$digest" $((50 * mebi))
kill -CONT "${fleet_agent_pid[s1]}"
ends "$rollout" 0
runs "$old_version" s1
said "$lines_damaged" "content_done content=${digest:0:12}.* good=false" || fleet_fail "the installer took what was damaged"
asked "$lines" >"$work/asked"
[ "$(grep -cx 0 "$work/asked")" -eq 3 ] || fleet_fail "the fetch began $(grep -cx 0 "$work/asked") times, not three times"
for file in "$fleet_folder"/hosts/s1/state/store/*; do
  [ ! -f "$file" ] || [ "$(digest_of "$file")" = "$(basename "$file")" ] || fleet_fail "$file is not what its name says"
done
echo "damaged twice, fetched three times, installed once"

echo "-- wrong bytes in the depot"
damage_depot() { chmod 600 "$depot/$1" && damage "$depot/$1" 1000 && chmod 400 "$depot/$1"; }
heavy "$new_file" 100000 third.deb
digest=$(digest_of "$work/third.deb")
relevo artifact add "$work/third.deb" >/dev/null
damage_depot "$digest"
only_staging 6s | on_failure=pause plan third "$new_version" third.deb
start third
fleet_wait 6 "the host's word about the damage" status_says "$rollout" "what arrived was damaged"
fleet_wait 20 "the pause" phase_is "$rollout" Paused
status_says "$rollout" "did not arrive within .*what arrived was damaged.*relevo artifact add" ||
  fleet_fail "the cause does not say what happened: $(relevo rollout status "$rollout" || true)"
runs "$old_version" s1
# The advice is good.
relevo artifact add "$work/third.deb" >/dev/null
[ "$(digest_of "$depot/$digest")" = "$digest" ] || fleet_fail "the depot was not repaired"
decide retry -m "the depot is whole again" >/dev/null
ends "$rollout" 0
runs "$new_version" s1
relevo audit verify
