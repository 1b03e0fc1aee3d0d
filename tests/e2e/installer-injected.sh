# The installer is killed with -9 at every call that writes, syncs, renames, links or removes a file of its host, one run each, during
# an install and during a return: after the next start the rollout ends as it should, the host runs one whole release, its journal can
# be read, and there is one receipt for each step.
#
# One clean run is watched first and gives the points. Then rollouts go over many hosts at once, each stopped at a point of its own.
# strace counts for each process alone, so a point is named by a call, its number and, in a forked child, the path. Calls on pipes,
# sockets and the log are left out: nothing of them outlives a crash.
# At a point of its own the installer gets KILL. A child that works for it alone could not be killed as a crash kills: the installer
# would see its end and go on. So such a child is held, its call not done, and then the installer is killed, which takes its children
# along. What happens when only the child is killed (as for want of memory) is another promise, and is tried after that.
set -euo pipefail
# The agent hides from others what its calls name: which files its descriptors lead to.
[ "$(id -u)" -eq 0 ] || { echo "only root can see which files an agent's calls are about"; exit 77; }
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/light/lib.sh"
calls=write,pwrite64,writev,pwritev,fsync,fdatasync,syncfs,rename,renameat,renameat2,link,linkat,symlink,symlinkat,unlink,unlinkat
calls=$calls,rmdir,mkdir,mkdirat,ftruncate,chmod,fchmod,fchmodat
width=24

# traced HOST OPTIONS…: its agent, under strace; without what it starts with exec (the session and the product's commands).
declare -A tracing
traced() {
  local host=$1
  shift
  : >"$fleet_folder/log/calls-$host"
  tracer "$host" "$@" &
  tracing[$host]=$!
}
tracer() {
  HOME=$fleet_folder exec strace -u nobody -o "$fleet_folder/log/calls-$1" "${@:2}" "$fleet_folder/bin/relevo-agent" run \
    --config "$fleet_folder/hosts/$1/agent.yaml" >>"$fleet_folder/log/$1" 2>&1
}
follow=(-f -b execve)
installer_of() { pgrep -P "${tracing[$1]}" -x relevo-agent; }

# Should the test end early, the agents under strace are ended too: strace itself does not listen to TERM.
stop_fleet=$(declare -f fleet_stop)
eval "${stop_fleet/fleet_stop/fleet_stop_rest}"
fleet_stop() {
  local host
  for host in "${!tracing[@]}"; do kill -KILL $(installer_of "$host") 2>/dev/null || true; done
  tracing=()
  fleet_stop_rest
}

# aim HOST MODE NAME WHEN [PATH [FIRST…]]: the agent starts, to be stopped at that point. MODE is own, child or alone.
aim() {
  local host=$1 mode=$2 name=$3 when=$4 path=${5:-}
  path=${path//HOST/$fleet_folder/hosts/$host}
  path=${path//NEW/$new}
  path=${path//OLD/$old}
  path=${path//ARTIFACT/$artifact}
  case $mode in
    own) traced "$host" -e "trace=$name" -e "inject=$name:signal=KILL:when=$when" ;;
    child) traced "$host" "${follow[@]}" -y -s 0 -P "$path" -e "trace=$name" -e "inject=$name:retval=0:signal=STOP:when=$when" ;;
    alone) traced "$host" "${follow[@]}" -y -s 0 -P "$path" -e "trace=$name" -e "inject=$name:signal=KILL:when=$when" ;;
  esac
}

# Without a process of its own, for it is asked often: has FILE these words?
has() {
  local text
  IFS= read -rd '' text <"$1" || true
  [[ $text == *"$2"* ]]
}
# struck HOST MODE NAME…: it was stopped there, and is dead.
struck() {
  local host=$1 mode=$2 name=$3 said=$fleet_folder/log/calls-$1
  if [ "$mode" = child ] && kill -0 "${tracing[$host]}" 2>/dev/null; then
    has "$said" 'stopped by SIGSTOP' || return 1
    kill -KILL "$(installer_of "$host")"
  fi
  if [ "$mode" = alone ]; then
    has "$said" 'killed by SIGKILL'
    return
  fi
  kill -0 "${tracing[$host]}" 2>/dev/null && return 1
  wait "${tracing[$host]}" || true
  unset "tracing[$host]"
  has "$said" 'killed by SIGKILL' || fleet_fail "$host ended by itself, not at ${*:2}"
  case $mode in
    own) tail -n 3 "$said" | grep -Eq "\b$name\(.*= \?" ;;
    child) grep -Eq "\b$name\(.*INJECTED" "$said" ;;
  esac || fleet_fail "$host was not stopped at ${*:2}: $(tail -n 3 "$said")"
}
all_struck() { # waits until every aimed host is struck
  local deadline=$((SECONDS + 60)) host left
  while :; do
    left=()
    for host in "${!aimed[@]}"; do
      [ -z "${tracing[$host]:-}" ] || struck "$host" ${aimed[$host]} || left+=("$host")
    done
    [ ${#left[@]} -gt 0 ] || return 0
    [ $SECONDS -lt $deadline ] || fleet_fail "never stopped: ${left[0]} at ${aimed[${left[0]}]} (old $old, new $new, artefact $artifact)"
    sleep 0.1
  done
}

# prepare: the next release and its plan, and what its paths are called.
number=0
prepare() {
  number=$((number + 1))
  version=1.$number
  light_release "$version"
  light_plan "$version"
  new=$(b2sum -l 256 "$work/$version.plan")
  new=$version-${new:0:12}
  artifact=$(b2sum -l 256 "$work/$version.tgz")
  artifact=${artifact%% *}
  look
}
look() { # what lies beside `current` is what the next install removes
  local releases=$fleet_folder/hosts/${hosts[0]}/light/releases
  old=$(ls "$releases" 2>/dev/null | grep -vFx "$(basename "$(readlink "$releases/../current")")" || true)
}

receipts=0
settled() { # VERSION PHASE_CODE
  ends "$rollout" "$2" >>"$fleet_folder/log/watched"
  receipts=$((receipts + 1))
  fleet_wait 30 "the end of all tidying" light_tidy "${hosts[@]}"
  light_runs "$1" "${hosts[@]}"
}

# strike BEGIN POINTS…: agents are aimed at those points, BEGIN is called, and the agents that were killed are started again.
strike() {
  local begin=$1 host point index=0
  declare -gA aimed=()
  shift
  light_stop "${hosts[@]:0:$#}"
  for point in "$@"; do
    host=${hosts[index++]}
    set -- $point
    # A point with another before it: the first life ends there.
    [ $# -le 4 ] || set -- child "$5" "$6" "$7"
    aimed[$host]=$*
    aim "$host" "$@"
    points_of[$host]=$point
  done
  "$begin"
  all_struck
  for host in "${!aimed[@]}"; do
    set -- ${points_of[$host]}
    if [ $# -gt 4 ]; then
      aimed[$host]=${*:1:4}
      aim "$host" "${@:1:4}"
    else
      unset "aimed[$host]"
      fleet_agent "$host"
    fi
  done
  all_struck
  for host in "${!aimed[@]}"; do fleet_agent "$host"; done
}
declare -A points_of
begin_install() { start "$version"; }
begin_return() { relevo rollout undo "$rollout" --yes -m "as a test" >/dev/null; }

light_open
names=()
for ((index = 1; index <= width; index++)); do names+=("h$index"); done
light_hosts "${names[@]}"
# From the third release on an install also removes an old one.
for _ in 1 2; do
  prepare
  start "$version"
  ends "$rollout" 0
  receipts=$((receipts + 1))
done
fleet_wait 30 "the end of all tidying" light_tidy "${hosts[@]}"
echo "-- ${#hosts[@]} hosts stand ready after $SECONDS s"

# watch BEGIN FILE: one clean run on the first host.
watch() {
  local home=$fleet_folder/hosts/${hosts[0]}
  light_stop "${hosts[0]}"
  traced "${hosts[0]}" "${follow[@]}" -y -s 0 -e "trace=$calls"
  "$1"
}
watched() { # FILE
  local host=${hosts[0]}
  kill -TERM "$(installer_of "$host")"
  wait "${tracing[$host]}" || true
  unset "tracing[$host]"
  fleet_agent "$host"
  python3 "$RELEVO_ROOT_FOLDER/tests/e2e/light/points.py" "$fleet_folder/log/calls-$host" "$fleet_folder/hosts/$host" \
    "HOST=$fleet_folder/hosts/$host" "NEW=$new" ${old:+"OLD=$old"} "ARTIFACT=$artifact" >"$1"
}
prepare
watch begin_install
settled "$version" 0
watched "$work/install"
before=1.$((number - 1))
watch begin_return
settled "$before" 4
watched "$work/return"
mapfile -t install <"$work/install"
mapfile -t back <"$work/return"
# Tidying, which begins where something old is removed, is no part of a release: its failure sends nobody back.
mapfile -t children < <(sed -n '/OLD/q; s/^child \([^ ]* [^ ]* [^ ]*\)$/alone \1/p' "$work/install")
echo "-- an install has ${#install[@]} points, a return ${#back[@]}; at ${#children[@]} of them a child can fail the install"
[ ${#install[@]} -gt 50 ] && [ ${#back[@]} -gt 25 ] || fleet_fail "that is too few"

runs_now=$before
hit_install=0
hit_return=0
while [ $hit_install -lt ${#install[@]} ]; do
  prepare
  chosen=("${install[@]:hit_install:width}")
  strike begin_install "${chosen[@]}"
  settled "$version" 0
  hit_install=$((hit_install + ${#chosen[@]}))
  before=$runs_now
  runs_now=$version
  [ $hit_return -lt ${#back[@]} ] || continue
  look
  chosen=("${back[@]:hit_return:width}")
  strike begin_return "${chosen[@]}"
  settled "$before" 4
  hit_return=$((hit_return + ${#chosen[@]}))
  runs_now=$before
done
[ $hit_return -eq ${#back[@]} ] || fleet_fail "only $hit_return points of a return were hit"
# Each of these journals has been through half a dozen crashes.
light_receipts "$receipts" "${hosts[@]}"
echo "-- after $SECONDS s"
echo "-- only the child is killed: the act has failed, it is said why, and everybody goes back when somebody says so"
hit_alone=0
while [ $hit_alone -lt ${#children[@]} ]; do
  chosen=("${children[@]:hit_alone:width}")
  # Others are to come to their points too, so nobody is called back by the first who fails.
  on_failure=pause prepare
  light_stop "${hosts[@]:0:${#chosen[@]}}"
  aimed=()
  for ((index = 0; index < ${#chosen[@]}; index++)); do
    host=${hosts[index]}
    aimed[$host]=${chosen[index]}
    aim "$host" ${chosen[index]}
  done
  start "$version"
  all_struck
  fleet_wait 30 "the pause" phase_is "$rollout" Paused
  says "$rollout" 'the child that did this was killed or crashed'
  for host in "${!aimed[@]}"; do kill -TERM "$(installer_of "$host")"; done
  for host in "${!aimed[@]}"; do
    wait "${tracing[$host]}" || true
    unset "tracing[$host]"
    fleet_agent "$host"
  done
  decide abort -m "as a test" >/dev/null
  ends "$rollout" 3 >>"$fleet_folder/log/watched"
  light_runs "$runs_now" "${hosts[@]}"
  hit_alone=$((hit_alone + ${#chosen[@]}))
done
prepare
start "$version"
ends "$rollout" 0 >>"$fleet_folder/log/watched"
fleet_wait 30 "the end of all tidying" light_tidy "${hosts[@]}"
light_runs "$version" "${hosts[@]}"
relevo audit verify
echo "killed at $hit_install points of an install and $hit_return of a return: every host whole, every journal readable, one receipt a step; $SECONDS s"
