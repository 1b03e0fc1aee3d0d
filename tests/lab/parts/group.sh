# Control groups: the lab's own account of its processes. Whatever it starts is born in a group that bears the lab's name, so that
# `lab down` finds all of it and nothing else, whenever a run was killed, and the kernel stops or ends a whole host at once.
#
#   relevo-lab-LAB/net            the process that keeps the network between the hosts
#   relevo-lab-LAB/ns-NAME        programs of this machine in a namespace
#   relevo-lab-LAB/host-NAME      outer: who boots it, machine: systemd-nspawn and all of the host, entered: lab exec

# Beside version 1, version 2 has a folder of its own.
groups=/sys/fs/cgroup
[ -e $groups/cgroup.procs ] || groups+=/unified
group=$groups/relevo-lab-$lab

group_possible() {
  local result=0
  mkdir -p "$group/trial" 2>/dev/null || return 1
  [ -e "$group/trial/cgroup.kill" ] || result=1
  rmdir "$group/trial"
  rmdir "$group" 2>/dev/null || true
  return $result
}

# group_make NAME…: with the controllers that there are, so that limits of units hold.
group_make() {
  local name controller parent
  for name in "$@"; do
    mkdir -p "$group/$name"
    for parent in "$group" "$(dirname "$group/$name")"; do
      for controller in $(<"$parent/cgroup.controllers"); do
        echo "+$controller" 2>/dev/null >"$parent/cgroup.subtree_control" || true
      done
    done
  done
}

# in_group NAME COMMAND…: becomes that command, as a member of the group.
in_group() {
  echo 0 >"$group/$1/cgroup.procs"
  exec "${@:2}"
}

group_has() { # NAME PID
  [ -n "$2" ] && grep -qx "$2" "$group/$1/cgroup.procs" 2>/dev/null
}
group_is_empty() { # PATH
  [ ! -d "$1" ] || grep -qx 'populated 0' "$1/cgroup.events" 2>/dev/null
}

# group_end PATH: ends every process in it and below, and removes it.
group_end() {
  [ -d "$1" ] || return 0
  echo 1 >"$1/cgroup.kill"
  until_true 20 group_is_empty "$1" || fail "processes do not end: $(find "$1" -name cgroup.procs -exec cat {} + | tr '\n' ' ')"
  find "$1" -depth -type d -exec rmdir {} +
}
