# Real releases to roll out: nginx as Debian packages it. Sourced by bash; the caller sets `work`, the folder that gets them.

# nginx_offered: the two newest versions that the configured mirrors offer, oldest first, one a line.
nginx_offered() {
  local versions
  versions=$(apt-cache madison nginx | awk -F'|' '/Packages/ { gsub (/ /, "", $2); print $2 }' | sort -Vu | tail -n 2)
  if [ -z "$versions" ]; then
    if [ "$(id -u)" -eq 0 ]; then apt-get update >/dev/null 2>&1; else sudo apt-get update >/dev/null 2>&1; fi
    versions=$(apt-cache madison nginx | awk -F'|' '/Packages/ { gsub (/ /, "", $2); print $2 }' | sort -Vu | tail -n 2)
  fi
  printf '%s\n' "$versions"
}

# nginx_fetch VERSION: its .deb into $work, by way of a cache that keeps later runs off the network. Prints the file's name.
nginx_fetch() {
  local cache=${XDG_CACHE_HOME:-$HOME/.cache}/relevo file
  mkdir -p "$cache"
  file=$(find "$cache" -name "nginx_$1_*.deb" -print -quit)
  if [ -z "$file" ]; then
    (cd "$cache" && apt-get download "nginx=$1" >/dev/null 2>&1) || return 1
    file=$(find "$cache" -name "nginx_$1_*.deb" -print -quit)
  fi
  cp "$file" "$work/"
  basename "$file"
}

# nginx_repack FILE VERSION: the same software under another version number. Prints the file's name.
nginx_repack() {
  local tree=$work/repack
  dpkg-deb -R "$work/$1" "$tree"
  sed -i "s/^Version: .*/Version: $2/" "$tree/DEBIAN/control"
  zcat "$tree/usr/share/doc/nginx/changelog.Debian.gz" | sed "1s/(.*)/($2)/" | gzip -n >"$work/changelog"
  mv "$work/changelog" "$tree/usr/share/doc/nginx/changelog.Debian.gz"
  dpkg-deb --root-owner-group -b "$tree" "$work/nginx_$2_repacked.deb" >/dev/null
  rm -rf "$tree"
  echo "nginx_$2_repacked.deb"
}

# nginx_two_versions: sets old_version, old_file, new_version, new_file; where only one version is offered, it is repacked.
nginx_two_versions() {
  local versions
  mapfile -t versions < <(nginx_offered)
  [ -n "${versions[0]:-}" ] || { echo "error: apt-cache madison nginx offers no version; is a Debian mirror configured?" >&2; return 1; }
  old_version=${versions[0]}
  old_file=$(nginx_fetch "$old_version") || { echo "error: apt-get download nginx=$old_version failed" >&2; return 1; }
  if [ ${#versions[@]} -eq 2 ]; then
    new_version=${versions[1]}
    new_file=$(nginx_fetch "$new_version") || { echo "error: apt-get download nginx=$new_version failed" >&2; return 1; }
    echo "Debian offers nginx $old_version and $new_version: the release goes from one to the other."
  else
    new_version=$old_version+relevo1
    new_file=$(nginx_repack "$old_file" "$new_version")
    echo "Debian offers only nginx $old_version: it is repacked under the second version number $new_version."
  fi
}
