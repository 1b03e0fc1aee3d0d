# Each of the mutants breaks the core on purpose, in one place, against one invariant: the swarm has to notice, or it would not notice
# a mistake either. A mutant is a patch; only its one file is compiled anew, and goes before the library's own.
set -euo pipefail
cd "$RELEVO_ROOT_FOLDER"
seeds=${RELEVO_MUTANT_SEEDS:-4000}
libraries=(build/release/tests/libsim_world.a build/release/lib{controller_core,agent_core,common_core,proto,common_base}.a)
flags=(-std=c17 -D_GNU_SOURCE -DRELEVO_VERSION='"mutant"' -O2 -g -w -fPIE)
rm -rf build/mutants
mkdir -p build/mutants

# One line: the mutant, the invariant, how many seeds it took. Fails where it was not caught, or by another invariant.
try() {
  local patch=$1 name folder file wanted said broken took
  name=$(basename "$patch" .patch)
  folder=build/mutants/$name
  file=$(sed -n 's/^+++ b\/\([^ \t]*\).*/\1/p' "$patch")
  wanted=$(sed -n 's/^Invariant: //p' "$patch")
  mkdir -p "$folder/$(dirname "$file")"
  cp "$file" "$folder/$file"
  patch --quiet --directory "$folder" -p1 <"$patch" || { echo "$name: the patch does not fit $file any more"; return 1; }
  cc "${flags[@]}" -I. -c "$folder/$file" -o "$folder/mutant.o"
  cc -pie -o "$folder/swarm" "$folder/mutant.o" build/release/tests/CMakeFiles/sim_swarm.dir/sim/{swarm,memo}.c.o "${libraries[@]}" \
    -lsodium -lmsgpackc -lyaml
  said=$("$folder/swarm" --seeds "$seeds" --jobs 1 --stop 1 2>&1) || true
  echo "$said" >"$folder/log"
  broken=$(sed -n 's/^seed [0-9]* breaks invariant \([0-9]*\):.*/\1/p' <<<"$said" | head -n 1)
  took=$(sed -n 's/.*the first after \([0-9]*\) seeds$/\1/p' <<<"$said")
  if [ -z "$broken" ] || [[ " $wanted " != *" $broken "* ]]; then
    echo "$name: not caught as it should be (wanted invariant $wanted, got ${broken:-none} in $seeds seeds); see $folder/log"
    return 1
  fi
  printf '%-34s invariant %-3s %6s seeds   %s\n' "$name" "$broken" "$took" "$(head -n 1 "$patch")"
}
export -f try
export seeds
export_arrays=$(declare -p libraries flags)
export export_arrays
printf '%s\n' tests/sim/mutants/*.patch |
  xargs -P "$(nproc)" -I {} bash -euo pipefail -c 'eval "$export_arrays"; try {}' | sort
