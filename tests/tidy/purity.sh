# Core archives see no clock, randomness, file, socket or thread: every symbol that they want from outside is on the list.
set -euo pipefail
cd "$RELEVO_ROOT_FOLDER"
allowed='^(mem(cpy|move|set|cmp|chr)|str(len|cmp|ncmp|chr|rchr|str|spn|cspn|nlen|toull|toul|pbrk)|v?snprintf|malloc|calloc|realloc|free|qsort(_r)?|bsearch'
allowed+='|__(v?snprintf|memcpy|memset|memmove)_chk|__assert_fail|__stack_chk_fail|__isoc[0-9a-z]*_[a-z]+|_GLOBAL_OFFSET_TABLE_'
allowed+='|crypto_(generichash(_init|_update|_final)?|hash_sha(256|512)|sign_(detached|verify_detached|seed_keypair)|pwhash_scryptsalsa208sha256)'
allowed+='|sodium_(memcmp|memzero|is_zero|bin2hex|hex2bin|bin2base64|base642bin|base64_encoded_len)'
allowed+='|msgpack_[a-z0-9_]+|yaml_(parser_(initialize|set_input_string|set_encoding|parse|delete)|event_delete))$'
archives=(libcommon_base.a libproto.a libcommon_core.a libcontroller_core.a libagent_core.a)
own=$(mktemp)
trap 'rm -f "$own"' EXIT
for archive in "${archives[@]}"; do
  nm --defined-only --extern-only "build/release/$archive" | awk 'NF == 3 { print $3 }'
done | sort -u >"$own"
bad=0
for archive in "${archives[@]}"; do
  wanted=$(nm -u "build/release/$archive" | awk '$1 == "U" || $1 == "w" { print $2 }' | sort -u)
  found=$(grep -vxFf "$own" <<<"$wanted" | grep -Ev "$allowed" || true)
  if [ -n "$found" ]; then
    echo "$archive wants from outside:" $found
    bad=1
  fi
done
exit $bad
