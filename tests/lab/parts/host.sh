# Hosts: they are raised, entered, killed and removed.

name_is_new() { # NAME
  [[ $1 =~ ^[a-z][a-z0-9-]{0,19}$ ]] || usage "'$1' is no name: up to 20 small letters, digits and '-'"
  if [ -e "$run/hosts/$1/number" ] || [ -e "$run/namespaces/$1/number" ]; then
    fail "the lab '$lab' has a '$1' already; lab down $1 takes a host away, lab boot $1 boots one that is off"
  fi
}
host_is_there() {
  [ -e "$run/hosts/$1/number" ] || fail "there is no host '$1' in the lab '$lab'; lab up $1 makes one"
}
is_on() { # NAME
  group_has "host-$1/outer" "$(cat "$run/hosts/$1/pid" 2>/dev/null)"
}
host_is_on() {
  host_is_there "$1"
  is_on "$1" || fail "the host '$1' is off; lab boot $1"
}

# host_start NAME: in the background; host_runs waits for it.
host_start() {
  local folder=$run/hosts/$1
  until_true 20 disk_is_free "$folder" || fail "the disk of '$1' is still in use"
  group_make "host-$1/outer" "host-$1/machine" "host-$1/entered"
  rm -f "$folder/pid"
  (in_group "host-$1/outer" setsid unshare --mount --propagation private --net "$here/lab" machine "$1") \
    </dev/null >"$folder/console" 2>&1 &
  disown
  until_true 10 test -e "$folder/pid" || fail "the host '$1' does not start: $(tail -n 5 "$folder/console")"
}

# machine_surroundings: what systemd-nspawn leaves behind, it leaves in this mount namespace, or in the lab's control groups.
machine_surroundings() {
  mkdir -p /run/systemd
  mount -t tmpfs lab /run/systemd
  # Debian 12 has one hierarchy of control groups, whatever the outer machine has.
  [ "$groups" = /sys/fs/cgroup ] || mount -t cgroup2 lab /sys/fs/cgroup
  group=/sys/fs/cgroup/${group##*/}
}

# machine NAME: runs as the host's outermost process, in its mount and network namespaces; each turn of the loop is one boot.
machine() {
  local name=$1 folder=$run/hosts/$1 status=133
  write "$folder/pid" $$
  cable "$name" $$
  faults_apply "$name"
  machine_surroundings
  # 133: the host asks to be booted again.
  while [ $status -eq 133 ]; do
    status=0
    disk_mount "$folder"
    (TERM=dumb in_group "host-$name/machine" systemd-nspawn --quiet --settings=no --register=no --keep-unit --boot \
      --directory="$folder/root" --machine="$lab-$name" --hostname="$name" --network-namespace-path="/proc/$$/ns/net" \
      --capability=CAP_NET_ADMIN --resolv-conf=off --timezone=off --link-journal=no) || status=$?
    disk_unmount "$folder"
  done
}

host_leader() { # NAME: the process that is number 1 in there
  head -n 1 "$group/host-$1/machine/payload/init.scope/cgroup.procs" 2>/dev/null
}

# What systemd-nspawn takes from a host, such as setting the clock that all hosts and this machine share.
host_lacks=-sys_module,-sys_time,-sys_rawio,-sys_pacct,-syslog,-mac_admin,-mac_override,-ipc_lock,-wake_alarm,-block_suspend,-audit_read
host_lacks+=,-perfmon,-bpf,-checkpoint_restore

# host_enter NAME COMMAND…: as root, with the environment of a fresh login where nobody sits and answers dpkg.
host_enter() {
  local leader
  leader=$(host_leader "$1") || true
  [ -n "$leader" ] || fail "the host '$1' does not run yet, or no more"
  (in_group "host-$1/entered" env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
    TERM="${TERM:-dumb}" DEBIAN_FRONTEND=noninteractive nsenter -t "$leader" -m -u -i -n -p -C -- \
    setpriv --bounding-set "$host_lacks" -- "${@:2}")
}

host_copy() { # NAME FILE… FOLDER
  local name=$1 folder=${*: -1} file
  local -a files=("${@:2:$#-2}") follow
  host_is_on "$name"
  for file in "${files[@]}"; do [ -e "$file" ] || fail "there is no '$file'"; done
  for file in "${files[@]}"; do
    # A link that is named itself is followed, as cp does.
    follow=()
    [ ! -L "$file" ] || follow=(--dereference)
    tar "${follow[@]}" -C "$(dirname "$file")" -cf - -- "$(basename "$file")"
  done | host_enter "$name" sh -c 'mkdir -p "$1" && tar -C "$1" --no-same-owner --ignore-zeros -xf -' copy "$folder"
}

state_of() { # NAME
  (host_enter "$1" systemctl is-system-running) 2>/dev/null || true
}
host_settled() { # NAME [LEADER]: it went off, or has booted and is not the one with this process
  local leader
  is_on "$1" || return 0
  leader=$(host_leader "$1") && [ -n "$leader" ] && [ "$leader" != "${2:-none}" ] || return 1
  # It waits by itself; it fails where there is nobody to ask yet.
  case $(host_enter "$1" timeout 60 systemctl is-system-running --wait 2>/dev/null) in
    running | degraded) ;;
    *) return 1 ;;
  esac
}

# host_runs NAME BEGAN [LEADER]: waits until it has booted; says how long that took, and which units failed.
host_runs() {
  local name=$1 state
  until_true 60 host_settled "$name" "${3:-}" ||
    fail "the host '$name' has not booted within a minute ($(state_of "$name")): $(tail -n 5 "$run/hosts/$name/console")"
  is_on "$name" || fail "the host '$name' went off: $(tail -n 5 "$run/hosts/$name/console")"
  state=$(state_of "$name")
  echo "$name $(address "$name") $state after $(((${EPOCHREALTIME/[.,]/} - $2) / 100000))" | sed 's/\(.\)$/.\1 s/; s/ \.\(. s\)$/ 0.\1/'
  [ "$state" = running ] || host_enter "$name" systemctl list-units --failed --plain --no-legend | sed "s/^/$name failed: /"
}

# host_up NAME…: all or none.
host_up() {
  local name began=${EPOCHREALTIME/[.,]/} named=' '
  for name in "$@"; do
    [[ $named != *" $name "* ]] || usage "'$name' is named twice"
    named+="$name "
    name_is_new "$name"
  done
  root_ensure
  net_up
  raised=("$@")
  trap 'status=$?; [ $status -eq 0 ] || (host_down "${raised[@]}"); exit $status' EXIT
  trap 'exit 130' INT TERM
  for name in "$@"; do
    locked take_number "$run/hosts/$name"
    disk_make "$name"
    host_start "$name"
  done
  for name in "$@"; do host_runs "$name" "$began"; done
}

host_boot() {
  local began=${EPOCHREALTIME/[.,]/}
  host_is_there "$1"
  ! is_on "$1" || fail "the host '$1' is on; lab reboot $1"
  host_start "$1"
  host_runs "$1" "$began"
}

host_reboot() {
  local began=${EPOCHREALTIME/[.,]/} leader
  host_is_on "$1"
  leader=$(host_leader "$1")
  # It can be cut short by what it asked for; whether the host restarts is seen next.
  host_enter "$1" systemctl reboot 2>/dev/null || true
  host_runs "$1" "$began" "$leader"
}

host_off() { # NAME: ends it; nothing of it runs or is mounted afterwards
  cable_out "$1"
  group_end "$group/host-$1"
  until_true 20 disk_is_free "$run/hosts/$1" || fail "the disk of '$1' is still in use"
}
host_kill() {
  host_is_on "$1"
  host_off "$1"
}

group_is_frozen() { grep -qx 'frozen 1' "$1/cgroup.events"; }
host_power_cut() {
  local folder=$run/hosts/$1
  host_is_on "$1"
  cable_out "$1"
  echo 1 >"$group/host-$1/cgroup.freeze"
  # One that waits in the kernel, such as for a sync, is not waited for: the power does not either.
  until_true 1 group_is_frozen "$group/host-$1" || true
  disk_stop "$folder" "$(<"$folder/pid")" || {
    host_off "$1"
    fail "this kernel can't stop a file system at once; the host '$1' was killed instead"
  }
  # A copy: how the kernel takes leave of the running disk is not part of it.
  cp --sparse=always "$folder/image" "$folder/image.cut"
  host_off "$1"
  mv "$folder/image.cut" "$folder/image"
}

host_down() { # NAME…
  local name
  for name in "$@"; do
    [ ! -e "$run/namespaces/$name/number" ] || fail "'$name' is a namespace; it goes with the whole lab"
    [ -d "$run/hosts/$name" ] || fail "there is no host '$name' in the lab '$lab'; lab list"
    [ ! -e "$run/hosts/$name/number" ] || host_off "$name"
    rm -rf "${run:?}/hosts/$name"
  done
}

lab_down() {
  group_end "$group"
  until_true 20 disk_is_free "$run" || fail "a disk of the lab '$lab' is still in use"
  rm -rf "$run"
}

lab_list() {
  local folder file name state
  for folder in "$runs"/*/; do
    [ -d "$folder" ] || continue
    lab=$(basename "$folder") run=${folder%/} group=$groups/relevo-lab-$lab
    echo "$lab"
    for file in "$run"/*/*/number; do
      [ -e "$file" ] || continue
      name=$(basename "$(dirname "$file")")
      state=off
      if [[ $file == */namespaces/* ]]; then state=namespace; elif is_on "$name"; then state=on; fi
      printf '  %-20s %-14s %s\n' "$name" "$(address "$name")" "$state"
    done
  done
}
