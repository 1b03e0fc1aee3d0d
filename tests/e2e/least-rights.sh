# What the processes of a working fleet may still do, as the kernel says it; and keys that others could read are refused by each program.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

fleet_up 1 0
only_staging() { printf '  - deploy: { environment: staging, %s }\n  - test: { suite: regression }\n  - notify: { to: managers }\n' "$quick"; }
only_staging | plan first "$old_version" "$old_file"
start first
ends "$rollout" 0
runs "$old_version" s1

is() { # PID FIELD VALUE: in /proc/PID/status
  local value
  value=$(sed -n "s/^$2:\t*//p" "/proc/$1/status")
  [ "$value" = "$3" ] || fleet_fail "process $1 ($(cat "/proc/$1/comm")): $2 is \"$value\", expected \"$3\""
}
has_no_rights() { # PID
  local user
  is "$1" NoNewPrivs 1
  for set in CapInh CapPrm CapEff CapAmb; do is "$1" $set 0000000000000000; done
  user=$(sed -n 's/^Uid:\t\([0-9]*\)\t.*/\1/p' "/proc/$1/status")
  [ "$user" -ne 0 ] || fleet_fail "process $1 is root"
}
is_closed() { # PID: nobody but root looks into it
  [ "$(stat -c %u "/proc/$1/mem")" -eq 0 ] || fleet_fail "process $1 ($(cat "/proc/$1/comm")) can be looked into"
}
dumps_nothing() { # PID; a closed process shows its limits to root alone
  if [ "$(id -u)" -ne 0 ]; then echo "not root: the limits of process $1 were not looked at"; return; fi
  grep -Eq '^Max core file size +0 +0 ' "/proc/$1/limits" || fleet_fail "process $1 has a limit for core dumps other than 0"
}
child_named() { # PARENT NAME
  local pid
  for pid in $(pgrep -P "$1"); do
    [ "$(cat "/proc/$pid/comm")" != "$2" ] || { echo "$pid"; return; }
  done
  fleet_fail "process $1 has no child $2"
}

echo "-- what is left to each process"
face=$fleet_controller_pid
courier=$(child_named "$face" relevo-courier)
installer=${fleet_agent_pid[s1]}
session=$(child_named "$installer" relevo-session)
for pid in "$face" "$session"; do
  has_no_rights "$pid"
  is "$pid" Seccomp 2
  is_closed "$pid"
  dumps_nothing "$pid"
  for task in /proc/"$pid"/task/*; do is "$pid/task/${task##*/}" Seccomp 2; done
done
has_no_rights "$courier"
is_closed "$courier"
is_closed "$installer"

echo "-- the sandbox, tried from inside, in the build that is installed"
build/release/tests/io_common_io_sandbox 2>&1 | tee "$fleet_folder/log/sandbox" | tail -n 3
grep -q 'PASSED' "$fleet_folder/log/sandbox" && ! grep -q 'FAILED' "$fleet_folder/log/sandbox" || fleet_fail "see above"

echo "-- the courier dies: relevod ends, says why, and the next one tells what is owed"
kill -KILL "$courier"
code=0
wait "$face" || code=$?
[ $code -eq 1 ] || fleet_fail "relevod ended with $code"
grep -q 'the courier, .* has ended, killed by signal: Killed' "$fleet_folder/log/controller" || fleet_fail "relevod does not say why it ended"
fleet_controller
only_staging | plan second "$new_version" "$new_file"
start second
ends "$rollout" 0
fleet_wait 10 "the notification" grep -q "$new_version.*completed" "$fleet_folder/log/notifications"

echo "-- a key that others can read is refused, in words that say what to do"
lax() { # FILE COMMAND…
  local file=$1 said
  shift
  chmod 640 "$file"
  ! said=$("$@" 2>&1) || fleet_fail "\"$*\" reads $file, which others can read"
  grep -q "$(basename "$file"): holds a secret, but its mode 0640 lets others at it; run: chmod 600 " <<<"$said" || fleet_fail "\"$*\" says \"$said\""
  chmod 600 "$file"
}
kill -TERM "$fleet_controller_pid" "$installer"
wait "$fleet_controller_pid" "$installer" || true
state=$fleet_folder/hosts/s1/state
for file in controller.key wire.key; do
  lax "$fleet_folder/controller/$file" fleet_run "$fleet_folder/bin/relevod" --check --config "$fleet_folder/controller/controller.yaml"
  lax "$fleet_folder/controller/$file" fleet_run "$fleet_folder/bin/relevod" --config "$fleet_folder/controller/controller.yaml"
done
lax "$state/installer.key" fleet_run "$fleet_folder/bin/relevo-agent" run --config "$fleet_folder/hosts/s1/agent.yaml"
lax "$state/session.wire" fleet_run "$fleet_folder/bin/relevo-agent" --session --config "$fleet_folder/hosts/s1/agent.yaml"
lax "$fleet_folder/keys/release-1.key" relevo plan sign "$work/second.plan" --key release-1 --yes
lax "$fleet_folder/person.wire" relevo rollout list

echo "-- every trial of the sandbox, in the build that goes out"
"$bin/tests/io_common_io_sandbox"
