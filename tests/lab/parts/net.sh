# The network: a bridge in a namespace of its own, and a cable from it into each host and namespace. None has a route beyond.

# keeper_start GROUP FOLDER: a new network namespace, kept by a process that sleeps; its number is in FOLDER/pid.
keeper_start() {
  rm -f "$2/pid"
  (in_group "$1" setsid unshare --net bash -c 'echo $$ >"$1/pid.new" && mv "$1/pid.new" "$1/pid" && exec sleep infinity' \
    keeper "$2") </dev/null >/dev/null 2>&1 &
  disown
  until_true 10 test -e "$2/pid" || fail "no network namespace could be made"
}

number_free() { # FIRST LAST FILE…: the first number that is in none of them
  local number taken
  taken=" $(cat "${@:3}" 2>/dev/null | tr '\n' ' ')"
  for ((number = $1; number <= $2; number++)); do
    if [[ $taken != *" $number "* ]]; then echo "$number"; return; fi
  done
  return 1
}

# locked COMMAND…: one lab at a time, as numbers are given out.
locked() {
  local lock
  mkdir -p "$runs"
  exec {lock}>"$runs/.lock"
  flock "$lock"
  "$@"
  exec {lock}>&-
}
take_range() {
  local range
  [ ! -s "$run/range" ] || return 0
  mkdir -p "$run/hosts" "$run/namespaces"
  range=$(number_free 0 255 "$runs"/*/range) || fail "there are 256 labs already; lab list"
  write "$run/range" "$range"
}
take_number() { # FOLDER
  local number
  mkdir -p "$1"
  number=$(number_free 1 250 "$run"/*/*/number) || fail "this lab has 250 hosts and namespaces already"
  write "$1/number" "$number"
}

net_up() {
  locked take_range
  group_has net "$(cat "$run/pid" 2>/dev/null)" && return
  group_make net
  keeper_start net "$run"
  in_net ip link add lab type bridge
  in_net ip link set lab up
}
in_net() {
  nsenter -t "$(<"$run/pid")" -n "$@"
}

folder_of() { # NAME: of a host or namespace
  local folder
  for folder in "$run/hosts/$1" "$run/namespaces/$1"; do
    if [ -e "$folder/number" ]; then echo "$folder"; return; fi
  done
  fail "there is no host or namespace '$1' in the lab '$lab'; lab list"
}
address() {
  local folder
  folder=$(folder_of "$1")
  echo "10.77.$(<"$run/range").$(<"$folder/number")"
}

# cable NAME PID: from the bridge into this process's network namespace.
cable() {
  local number end
  number=$(<"$(folder_of "$1")/number")
  printf -v end '02:77:00:00:%02x:%02x' "$(<"$run/range")" "$number"
  # The same hardware address at each boot: neighbours remember it.
  in_net ip link add "port$number" type veth peer name eth0 address "$end" netns "$2"
  in_net ip link set "port$number" master lab up
  nsenter -t "$2" -n ip link set lo up
  nsenter -t "$2" -n ip address add "$(address "$1")/24" dev eth0
  nsenter -t "$2" -n ip link set eth0 up
}
# Both ends are gone at once: nobody hears how a host's processes end.
cable_out() { # NAME
  in_net ip link delete "port$(<"$(folder_of "$1")/number")" 2>/dev/null || true
}

namespace_up() { # NAME
  local folder=$run/namespaces/$1
  name_is_new "$1"
  net_up
  group_make "ns-$1"
  locked take_number "$folder"
  keeper_start "ns-$1" "$folder"
  cable "$1" "$(<"$folder/pid")"
}
namespace_in() { # NAME COMMAND…: this process becomes the command, so that its number is the caller's
  local folder
  folder=$(folder_of "$1")
  case $folder in
    */hosts/*) host_is_on "$1"; in_group "host-$1/entered" nsenter -t "$(<"$folder/pid")" -n "${@:2}" ;;
    *) in_group "ns-$1" nsenter -t "$(<"$folder/pid")" -n "${@:2}" ;;
  esac
}

# A cut outlives a boot, as a fault of the network does: its rules are in a file, and loaded again by each boot.
cut_add() { # NAME OPTIONS…
  local name=$1 port='' share='' both=(to from) match chain file=$run/hosts/$1/cut
  host_is_there "$name"
  shift
  while [ $# -gt 0 ]; do
    case $1 in
      --to) both=(to) ;;
      --from) both=(from) ;;
      --port) port=${2:-}; [[ $port =~ ^[0-9]{1,5}$ ]] || usage "--port needs a number"; shift ;;
      --share) share=${2:-}; [[ $share =~ ^[0-9]{1,2}$ ]] || usage "--share needs a percentage, 0 to 99"; shift ;;
      *) usage "'lab cut' knows no '$1'" ;;
    esac
    shift
  done
  [ -z "$share" ] || share="numgen random mod 100 < $share"
  [ -e "$file" ] || printf '%s\n' 'table inet relevo_lab' 'delete table inet relevo_lab' 'table inet relevo_lab {' \
    'chain to { type filter hook input priority -300; }' 'chain from { type filter hook output priority -300; }' '}' >"$file"
  for chain in "${both[@]}"; do
    # The host speaks to itself as before.
    [ "$chain" = to ] && match='iifname eth0' || match='oifname eth0'
    if [ -z "$port" ]; then
      echo "add rule inet relevo_lab $chain $match $share drop" >>"$file"
    else
      printf 'add rule inet relevo_lab %s %s meta l4proto { tcp, udp } th %s %s %s drop\n' \
        "$chain" "$match" sport "$port" "$share" "$chain" "$match" dport "$port" "$share" >>"$file"
    fi
  done
  faults_apply "$name"
}
cut_end() { # NAME
  host_is_there "$1"
  rm -f "$run/hosts/$1/cut"
  faults_apply "$1"
}
rate_set() { # NAME RATE|off
  host_is_there "$1"
  [[ $2 =~ ^([0-9]+[kmg]bit|off)$ ]] || usage "'$2' is no rate: a number with kbit, mbit or gbit, or off"
  write "$run/hosts/$1/rate" "$2"
  faults_apply "$1"
}

# faults_apply NAME: what its files say, for a host that is on.
faults_apply() {
  local folder=$run/hosts/$1 port pid rate=off
  pid=$(cat "$folder/pid" 2>/dev/null)
  group_has "host-$1/outer" "$pid" || return 0
  nsenter -t "$pid" -n nft 'table inet relevo_lab; delete table inet relevo_lab'
  [ ! -e "$folder/cut" ] || nsenter -t "$pid" -n nft -f "$folder/cut"
  port=port$(<"$folder/number")
  [ ! -e "$folder/rate" ] || rate=$(<"$folder/rate")
  nsenter -t "$pid" -n tc qdisc delete dev eth0 root 2>/dev/null || true
  in_net tc qdisc delete dev "$port" root 2>/dev/null || true
  [ "$rate" != off ] || return 0
  nsenter -t "$pid" -n tc qdisc add dev eth0 root tbf rate "$rate" burst 64kb latency 200ms
  in_net tc qdisc add dev "$port" root tbf rate "$rate" burst 64kb latency 200ms
}
