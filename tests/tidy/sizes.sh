# Functions of one screen (at most 70 lines), files of at most 500 lines.
set -euo pipefail
cd "$RELEVO_ROOT_FOLDER"
bad=0
mapfile -t files < <(git ls-files 'common/*.[ch]' 'proto/*.[ch]' 'controller/*.[ch]' 'agent/*.[ch]')
[ ${#files[@]} -gt 20 ] || { echo "only ${#files[@]} sources found"; exit 1; }
for file in "${files[@]}"; do
  lines=$(wc -l <"$file")
  if [ "$lines" -gt 500 ]; then echo "$file: $lines lines, over 500"; bad=1; fi
done
long=$(ctags -x --c-kinds=f --fields=+ne --_xformat='%F:%n %N %e' "${files[@]}" |
  awk '{ split ($1, place, ":"); size = $3 - place[2] + 1; if (size > 70) print $1 ": " $2 " has " size " lines, over 70" }')
if [ -n "$long" ]; then echo "$long"; bad=1; fi
exit $bad
