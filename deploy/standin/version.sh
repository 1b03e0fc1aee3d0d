#!/bin/sh
# The running service reports the released version. Argument: the product's version endpoint.
set -eu
answer=$(curl -fsS --max-time 5 "$1")
echo "$1 answers $answer"
case $answer in
  *"\"version\":\"$RELEVO_VERSION\""*) ;;
  *) echo "expected version $RELEVO_VERSION" >&2; exit 1 ;;
esac
