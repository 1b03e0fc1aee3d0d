# kill -9 of an agent's installer at every sync of an install in turn, and while its children work: after a restart the rollout goes on to
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
moment=0
# sweep CALLS STEP: kills at each STEP-th of these calls (strace counts each call by itself), until an install has no more.
sweep() {
  for ((nth = 1; nth <= 60; nth += $2)); do
    moment=$((moment + 1))
    if [ "$version" = "$old_version" ]; then version=$new_version file=$new_file; else version=$old_version file=$old_file; fi
    only_staging | plan "moment-$moment" "$version" "$file"
    kill -TERM "${fleet_agent_pid[s1]}"
    wait "${fleet_agent_pid[s1]}" || true
    # The parent process is the installer; strace without -f sees it alone.
    fleet_spawn "$fleet_folder/log/s1" strace -o "$fleet_folder/log/strace" -e "trace=$1" -e "inject=$1:signal=KILL:when=$nth" \
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
      fleet_agent s1
      return
    fi
    wait "$traced" || true
    killed=$((killed + 1))
    fleet_agent s1
    ends "$rollout" 0
    runs "$version" s1
    echo "killed at call $nth of $1: the rollout went on, s1 runs $version"
  done
}
sweep fdatasync 1
sweep fsync,syncfs 1
# While it waits for a child that unpacks, swaps or runs a command.
sweep poll,ppoll 6
[ $killed -ge 10 ] || fleet_fail "only $killed moments were hit"
relevo audit verify
echo "$killed moments, $killed whole hosts"
