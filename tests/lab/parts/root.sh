# The root file system that all hosts share, read-only. Its place in the cache is named by a digest of this file: whoever changes
# what is in it gets another one.

root_packages=(
  # A host with a network, and what tests look at it with.
  systemd systemd-sysv dbus iproute2 nftables procps curl ca-certificates sqlite3
  # What relevod, relevo and relevo-agent are linked to.
  libzmq5 libczmq4 libmsgpackc2 libsodium23 libsqlite3-0 libarchive13 libyaml-0-2 libcurl4 libjansson4 libseccomp2
  # What releases need: nginx from Debian, and packages of the other kind.
  libpcre2-8-0 libssl3 zlib1g libcrypt1 debconf rpm
)
# They would start in the middle of a measurement, wait for somebody at the console, or keep account of both.
root_masked=(apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer fstrim.timer e2scrub_all.timer
  systemd-tmpfiles-clean.timer console-getty.service getty@tty1.service
  systemd-update-utmp.service systemd-update-utmp-runlevel.service)
# They look for hardware that no host has here, at each boot.
root_no_generators=(cryptsetup veritysetup integritysetup hibernate-resume gpt-auto getty debug)

root_digest=$(sha256sum "$here/parts/root.sh")
root=$cache/root-${root_digest:0:16}

# root_sources: this machine's own sources of Debian 12, one a line, as apt names them.
root_sources() {
  local uri release component key
  apt-get indextargets --format "\$(REPO_URI) \$(RELEASE) \$(COMPONENT) \$(SIGNED_BY)" 'Created-By: Packages' |
    while read -r uri release component key; do
      case $release in bookworm | bookworm-updates | bookworm-security) ;; *) continue ;; esac
      [ "$component" = main ] || continue
      # apt leaves the name of what a source does not say.
      [[ $key == /* ]] && key="[signed-by=$key] " || key=
      echo "deb $key$uri $release main"
    done
}

root_build() { # FOLDER
  local folder=$1 name
  # The proxy, and whether dates are believed, are this machine's own matter.
  apt-config dump | grep -iE '^Acquire::(Check-|.*proxy)' >"$folder.apt" || true
  echo 'Acquire::Languages "none";' >>"$folder.apt"
  mmdebstrap --quiet --mode=root --variant=essential --include="$(IFS=,; echo "${root_packages[*]}")" \
    --aptopt="$folder.apt" --dpkgopt=force-unsafe-io bookworm "$folder" - < <(root_sources)
  rm -rf "$folder"/usr/share/{doc,info,locale,man}/* "$folder"/etc/{hostname,resolv.conf,apt/sources.list} \
    "$folder"/etc/apt/apt.conf.d/99mmdebstrap "$folder"/etc/dpkg/dpkg.cfg.d/99mmdebstrap "$folder.apt"
  for name in "${root_masked[@]}"; do ln -sf /dev/null "$folder/etc/systemd/system/$name"; done
  mkdir -p "$folder/etc/systemd/system-generators"
  for name in "${root_no_generators[@]}"; do ln -s /dev/null "$folder/etc/systemd/system-generators/systemd-$name-generator"; done
  # The journal is kept, as on servers; each host brings its own name and number.
  mkdir -p "$folder/var/log/journal"
  : >"$folder/etc/machine-id"
}

# root_ensure: whoever comes second waits for the first.
root_ensure() {
  local lock began=$SECONDS
  [ ! -d "$root" ] || return 0
  mkdir -p "$cache"
  exec {lock}>"$root.lock"
  flock "$lock"
  if [ ! -d "$root" ]; then
    rm -rf "$root".new*
    # In namespaces of its own: neither a mount nor a process stays when this ends early.
    unshare --mount --pid --fork --kill-child --mount-proc \
      bash -euo pipefail -c '. "$here/parts/root.sh"; root_build "$root.new"' >"$root.log" 2>&1 {lock}>&- &
    trap 'kill -KILL $!; exit 130' INT TERM
    wait $! || fail "the root file system could not be built: $(tail -n 5 "$root.log")"
    trap - INT TERM
    mv "$root.new" "$root"
    echo "built $root: $(du -sm "$root" | cut -f 1) MB, $((SECONDS - began)) s"
  fi
  exec {lock}>&-
}
export here cache
