# kill -9 of an agent's installer at every sync of its journal and of its release in turn: after a restart the rollout goes on to
# its end, and the host runs the old version or the new one, never a mixture.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
fleet_up 1 0
only_staging() { printf '  - deploy: { environment: staging, %s }\n  - test: { suite: regression }\n' "$quick"; }
only_staging | plan first "$old_version" "$old_file"
start first
ends "$rollout" 0
version=$old_version

killed=0
for ((moment = 1; moment <= 60; moment++)); do
  if [ "$version" = "$old_version" ]; then version=$new_version file=$new_file; else version=$old_version file=$old_file; fi
  only_staging | plan "moment-$moment" "$version" "$file"
  kill -TERM "${fleet_agent_pid[s1]}"
  wait "${fleet_agent_pid[s1]}" || true
  # The parent process is the installer; strace without -f sees it alone.
  fleet_spawn "$fleet_folder/log/s1" strace -o "$fleet_folder/log/strace" -e trace=fsync,fdatasync,syncfs,rename,renameat,renameat2 \
    -e "inject=fsync,fdatasync,syncfs,rename,renameat,renameat2:signal=KILL:when=$moment" \
    "$fleet_folder/bin/relevo-agent" run --config "$fleet_folder/hosts/s1/agent.yaml"
  traced=$!
  fleet_pids+=("$traced")
  start "moment-$moment"
  for _ in $(seq 300); do
    kill -0 "$traced" 2>/dev/null || break
    if phase_is "$rollout" Healthy; then break; fi
    sleep 0.1
  done
  if kill -0 "$traced" 2>/dev/null; then
    # More moments than the install has: it went through untouched.
    ends "$rollout" 0
    runs "$version" s1
    kill -TERM "$(pgrep -P "$traced" -x relevo-agent)" 2>/dev/null || kill -TERM "$traced"
    wait "$traced" || true
    break
  fi
  wait "$traced" || true
  killed=$((killed + 1))
  fleet_agent s1
  ends "$rollout" 0
  runs "$version" s1
  echo "killed at moment $moment: the rollout went on, s1 runs $version"
done
[ $killed -ge 10 ] || fleet_fail "only $killed moments were hit"
relevo audit verify
echo "$killed moments, $killed whole hosts"
