# The command line over the remote door: TCP with CURVE, by the person's wire key and the controller's, and by nothing less.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
fleet_up 1 0

# remote NAME SED…: another folder's configuration that knows no local socket.
remote() {
  sed -e '/^local:/d' "${@:2}" "$fleet_folder/relevo.yaml" >"$fleet_folder/$1.yaml"
  chmod 644 "$fleet_folder/$1.yaml"
}
# within SECONDS COMMAND…: for what has to give up by itself.
within() {
  local deadline=$1 began=$SECONDS code=0
  shift
  "$@" || code=$?
  [ $((SECONDS - began)) -le "$deadline" ] || fleet_fail "\"$*\" took $((SECONDS - began)) s"
  return $code
}
remote person
! grep -q '^local' "$fleet_folder/person.yaml" || fleet_fail "the configuration still has the local socket"
export RELEVO_CONFIG=$fleet_folder/person.yaml
everything="  - deploy:  { environment: staging, $quick }
  - test:    { suite: regression }
  - signoff: { role: testers }"
plan remote "$old_version" "$old_file" <<<"$everything"
start remote
relevo rollout watch "$rollout" --until-approval --timeout 60s || [ $? -eq 6 ] || fleet_fail "it waits for no approval"
relevo artifact add "$work/$new_file" >/dev/null
decide approve --key eva -m "from afar"
ends "$rollout" 0
runs "$old_version" s1
relevo host list | grep -q connected || fleet_fail "the list of hosts came without s1"
relevo audit verify

echo "-- a person's key that nobody knows"
fleet_run "$fleet_folder/bin/relevo" init "$fleet_folder/other" --listen 127.0.0.1 --port "$(fleet_free_port 4)" \
  --no-password >/dev/null 2>&1
remote stranger -e "s|^wire_key: .*|wire_key: $fleet_folder/other/person.wire|"
refused 'does not answer.*hold the public key of .*/other/person.wire' within 20 env RELEVO_CONFIG="$fleet_folder/stranger.yaml" \
  "${fleet_as[@]}" "$fleet_folder/bin/relevo" rollout list

echo "-- another controller's key"
other=$(sed -n 's/^server_key: //p' "$fleet_folder/other/relevo.yaml")
other=${other//&/\\&} # sed would put the whole match in its place
remote wrong -e "s|^server_key: .*|server_key: $other|"
refused 'does not answer.*server_key right .*/wrong.yaml' within 20 env RELEVO_CONFIG="$fleet_folder/wrong.yaml" \
  "${fleet_as[@]}" "$fleet_folder/bin/relevo" rollout list

echo "-- nobody listens there"
remote nobody -e "s|^controller: .*|controller: tcp://127.0.0.1:$(fleet_free_port 1)|"
refused 'does not answer: is relevod running' within 20 env RELEVO_CONFIG="$fleet_folder/nobody.yaml" \
  "${fleet_as[@]}" "$fleet_folder/bin/relevo" rollout list

# Whoever was turned away has changed nothing for the others.
relevo rollout list
