# Calls that the code does without, words that mean unfinished work, and decisions in the wrong room.
set -euo pipefail
cd "$RELEVO_ROOT_FOLDER"
bad=0
refuse() { # WHY PATTERN PATHS…
  local why=$1 pattern=$2 found
  shift 2
  found=$(git grep -nE "$pattern" -- "$@") || [ $? -eq 1 ] # 1: nothing found; more: git could not look
  if [ -n "$found" ]; then echo "$why:"; echo "$found"; bad=1; fi
}
sources=('common/*.[ch]' 'proto/*.[ch]' 'agent/*.[ch]' 'controller/*.[ch]')
refuse "banned call" '\b(strcpy|strcat|sprintf|gets|strtok|atoi|atol|atof|system|popen|tmpnam|mktemp|alloca) ?\(' "${sources[@]}"
refuse "unfinished work" '\b(T[O]DO|F[I]XME|X[X]X|H[A]CK)\b|not imple[m]ented' "${sources[@]}" 'tests/*' 'deploy/*'
refuse "exit at the leaf" '\bexit \(' 'common/core/*.c' 'proto/*.c' 'controller/core/*.c' 'agent/core/*.c' 'controller/io/*.c' 'agent/io/*.c' 'controller/cli/*.c'
refuse "log in a library" '\blog_line \(' 'common/core/*.c' 'proto/*.c' 'controller/core/*.c' 'agent/core/*.c'
refuse "core that includes io" '#include "[a-z]*/io/' 'common/core/*' 'proto/*' 'controller/core/*' 'agent/core/*'
refuse "an agent that includes the controller, or the other way round" '#include "controller/' 'agent/*' 'common/*' 'proto/*'
refuse "a controller that includes the agent" '#include "agent/' 'controller/*' 'common/*' 'proto/*'
refuse "ZeroMQ in the installer" '#include "common/io/wire.h"' 'agent/io/installer*' 'agent/io/perform*' 'agent/io/stage*' 'agent/io/journal*'
exit $bad
