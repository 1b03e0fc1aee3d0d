# Whether this machine can boot hosts, by trying; and packages for them.

cannot() {
  echo "the lab is skipped: $*"
  exit 77
}

check() {
  local tool
  [ "$(id -u)" -eq 0 ] || cannot "only root can boot hosts"
  for tool in systemd-nspawn mmdebstrap ip tc nft mkfs.ext4 losetup unshare nsenter flock perl; do
    command -v "$tool" >/dev/null || cannot "$tool is missing; ./deploy/install-packages test installs it"
  done
  group_possible || cannot "no control groups of version 2 can be made here (with cgroup.kill, of Linux 5.14)"
  unshare --mount --net --pid --fork true 2>/dev/null || cannot "no namespaces can be made here"
  unshare --net bash -c 'ip link add x0 type veth peer name x1 && ip link add x2 type bridge && nft add table inet x' 2>/dev/null ||
    cannot "a network namespace has no veth, bridge or nftables here"
  check_disk || cannot "a disk image can't be mounted here (loop device, ext4, overlay)"
  [ -d "$root" ] || [ -n "$(root_sources)" ] || cannot "this machine's apt sources have no Debian 12 (bookworm)"
  root_ensure
  check_nspawn || cannot "systemd-nspawn starts no container here"
}

# Both trials keep what they make where `lab down` looks.
check_disk() {
  local result=0
  mkdir -p "$run/trial"
  unshare --mount --propagation private bash -euc 'cd "$1"; truncate -s 16M image; mkfs.ext4 -q -F image; mkdir -p disk root
    mount -o loop image disk; mkdir disk/upper disk/work; mount -t overlay -o lowerdir=/etc,upperdir=disk/upper,workdir=disk/work lab root
    ' trial "$run/trial" >/dev/null 2>&1 || result=1
  rm -rf "$run/trial"
  rmdir --ignore-fail-on-non-empty "$run"
  return $result
}
check_nspawn() {
  local result=0
  group_make trial
  (in_group trial unshare --mount --propagation private "$here/lab" trial) </dev/null >/dev/null 2>&1 || result=1
  group_end "$group/trial"
  rmdir "$group" 2>/dev/null || true
  return $result
}
trial() {
  machine_surroundings
  in_group trial systemd-nspawn --quiet --settings=no --register=no --keep-unit --private-network --volatile=overlay \
    --directory="$root" --pipe true
}

versions_of() { # PACKAGE…: "PACKAGE VERSION", a package's oldest first
  apt-cache madison "$@" | awk -F'|' '/Packages/ { gsub (/ /, ""); print $1, $2 }' | sort -k1,1 -k2,2V | uniq
}

# fetch PACKAGE…: of each version, also those packages that it depends on and that come with it, in the same version.
fetch() {
  local package
  mkdir -p "$cache/packages"
  for package in "$@"; do
    # To ask apt takes seconds; the answer holds until its lists change.
    list=$cache/packages/$package.list
    if ! [ "$list" -nt /var/lib/apt/lists ]; then
      trap 'rm -f "$list.$$"' EXIT
      (fetch_package "$package") >"$list.$$"
      mv "$list.$$" "$list"
    fi
    cat "$list"
  done
}

fetch_package() { # PACKAGE
  local package=$1 versions version name other
  versions=$(versions_of "$package")
  if [ -z "$versions" ]; then
    apt-get update >/dev/null 2>&1 || true
    versions=$(versions_of "$package")
  fi
  [ -n "$versions" ] || fail "apt knows no package '$package'"
  while read -r name version; do
    # shellcheck disable=SC2046 # a word for each package
    versions_of $(apt-cache show "$package=$version" | sed -n 's/^Depends: //p' | tr ',|' '[\n*]' | sed 's/(.*//' | sort -u) |
      while read -r name other; do
        if [ "$other" = "$version" ]; then fetch_one "$name" "$version"; fi
      done
    fetch_one "$package" "$version"
  done <<<"$versions"
}

fetch_one() { # PACKAGE VERSION
  local found
  # A version's colon is %3a in a file's name.
  found=$(find "$cache/packages" -name "$1_${2//:/%3a}_*.deb" -print -quit)
  if [ -z "$found" ]; then
    (cd "$cache/packages" && apt-get download "$1=$2" >/dev/null 2>&1) || fail "apt-get download $1=$2 failed"
    found=$(find "$cache/packages" -name "$1_${2//:/%3a}_*.deb" -print -quit)
  fi
  echo "$found"
}
