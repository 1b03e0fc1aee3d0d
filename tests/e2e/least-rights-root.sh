# Started as root: relevod and the agent's session become the user that they are given, or refuse to start; root's keys stay root's.
set -euo pipefail
[ "$(id -u)" -eq 0 ] || { echo "only root can become another user"; exit 77; }
. "$(dirname "$0")/lib.sh"
trap e2e_end EXIT
trap 'exit 143' TERM INT HUP
fleet_open
# Everything below runs as root.
fleet_as=()
chown -R 0:0 "$fleet_folder"
chmod 755 "$fleet_folder"
# Agents find it by its name: libc reads what it needs for that inside the sandbox.
address=localhost
getent ahosts "$address" >"$fleet_folder/log/names" || {
  echo "   this system does not know $address: an agent's lookup of a name is not tried"
  address=127.0.0.1
}
fleet_init --name e2e --address "$address" --target "managers=command:true"
config=$fleet_folder/controller/controller.yaml
controller() { "$fleet_folder/bin/relevod" --config "$config"; }

echo "-- relevod"
refused 'needs "user: NAME" in controller.yaml' controller
echo "user: no-such-user" >>"$config"
refused 'there is no user "no-such-user" on this host.*useradd' controller
sed -i 's/^user: .*/user: root/' "$config"
refused '"root" is root itself' controller
sed -i 's/^user: .*/user: nobody/' "$config"
refused "can't work there: Permission denied; each folder that leads there must let others through" controller
chmod 711 "$fleet_folder/controller"
fleet_controller
user_of() { sed -n 's/^Uid:\t\([0-9]*\)\t\([0-9]*\)\t\([0-9]*\)\t\([0-9]*\)$/\1 \2 \3 \4/p' "/proc/$1/status"; }
group_of() { sed -n 's/^Gid:\t\([0-9]*\)\t\([0-9]*\)\t\([0-9]*\)\t\([0-9]*\)$/\1 \2 \3 \4/p; s/^Groups:\t\(.*[0-9]\) *$/and \1/p' "/proc/$1/status"; }
is_nobody() { # PID
  local nobody='65534 65534 65534 65534'
  [ "$(user_of "$1")" = "$nobody" ] && [ "$(group_of "$1")" = "$nobody" ] ||
    fleet_fail "process $1 ($(cat "/proc/$1/comm")) is user $(user_of "$1"), group $(group_of "$1")"
}
is_nobody "$fleet_controller_pid"
is_nobody "$(pgrep -P "$fleet_controller_pid")"
for file in controller.key wire.key; do
  [ "$(stat -c '%u %a' "$fleet_folder/controller/$file")" = '0 600' ] || fleet_fail "$file was given away"
done
[ "$(stat -c %u "$fleet_folder/controller/state/journal.sqlite")" = 65534 ] || fleet_fail "the journal is not its user's"

echo "-- the agent"
port=$(fleet_free_port 1)
fleet_host s1 rstudio-connect "$port"
enrol() { "$fleet_folder/bin/relevo-agent" enrol --config "$fleet_folder/hosts/s1/agent.yaml" --token "$(relevo host token)"; }
enrol_unsaid=$(enrol 2>&1) && fleet_fail "it enrols without a session_user"
grep -q 'needs "session_user: NAME" in agent.yaml' <<<"$enrol_unsaid" || fleet_fail "it says \"$enrol_unsaid\""
sed -i 's/^state:/session_user: nobody\nstate:/' "$fleet_folder/hosts/s1/agent.yaml"
fleet_enrol s1 staging rstudio-connect
fleet_agent s1
connected() { relevo host list -o json | grep -q '"connected": *true'; }
fleet_wait 20 "the agent's connection" connected
named() { session=$(pgrep -P "${fleet_agent_pid[s1]}") && [ "$(cat "/proc/$session/comm")" = relevo-session ]; }
fleet_wait 20 "the session" named
is_nobody "$session"
[ "$(user_of "${fleet_agent_pid[s1]}")" = '0 0 0 0' ] || fleet_fail "the installer is not root"
for file in installer.key session.wire; do
  [ "$(stat -c '%u %a' "$fleet_folder/hosts/s1/state/$file")" = '0 600' ] || fleet_fail "$file was given away"
done
for pid in "$session" "$fleet_controller_pid"; do
  grep -q '^NoNewPrivs:\s1$' "/proc/$pid/status" && grep -q '^Seccomp:\s2$' "/proc/$pid/status" || fleet_fail "process $pid keeps rights"
done

echo "-- a restart finds what its user left"
kill -TERM "$fleet_controller_pid"
wait "$fleet_controller_pid"
fleet_controller
fleet_wait 20 "the agent's return" connected
chown -R 12345 "$fleet_folder/controller/state"
kill -TERM "$fleet_controller_pid"
wait "$fleet_controller_pid"
refused 'belongs to user 12345, not to "nobody".*chown -R nobody' controller
