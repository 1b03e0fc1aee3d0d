# clang has no warning about any source, as gcc has none. It makes no objects: the fuzz targets are built by it whole.
set -euo pipefail
cd "$RELEVO_ROOT_FOLDER"
cmake --preset clang
mapfile -t commands < <(sed -n 's/^ *"command": "\(.*\)",$/\1/p' build/clang/compile_commands.json |
  sed 's/\\\(["\\]\)/\1/g; s/ -o [^ ]* -c / -fsyntax-only /')
[ ${#commands[@]} -gt 100 ] || { echo "only ${#commands[@]} sources found"; exit 1; }
printf '%s\n' "${commands[@]}" | xargs -P "$(nproc)" -d '\n' -I {} sh -c '{}'
