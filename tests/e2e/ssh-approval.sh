# People approve with SSH keys that they have: one without a passphrase, one that ssh-keygen asks about on the terminal, one in
# ssh-agent; together with a key of relevo's own. A key of another role, an unknown one, another namespace: nothing is sent.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

ssh_key() { # NAME KIND PASSPHRASE
  fleet_run ssh-keygen -q -t "$2" -N "$3" -C "$1 of example.org" -f "$fleet_folder/ssh/$1"
}
before_init() {
  mkdir "$fleet_folder/ssh"
  [ ${#fleet_as[@]} -eq 0 ] || chown 65534:65534 "$fleet_folder/ssh"
  ssh_key luis ed25519 ""
  ssh_key eva ed25519 "correct horse"
  ssh_key pat ed25519 "battery staple"
  ssh_key stranger ed25519 ""
  ssh_key rsa rsa ""
  init_options=(--approver watchers=pat --ssh-approver "luis=$fleet_folder/ssh/luis.pub"
    --ssh-approver "eva=$fleet_folder/ssh/eva.pub" --ssh-approver "pat=$fleet_folder/ssh/pat.pub")
}
fleet_up 1 2
for name in luis eva pat; do
  [ ! -e "$fleet_folder/keys/$name.key" ] || fleet_fail "a secret key was made for $name, who has one"
  cmp "$fleet_folder/keys/$name.pub" "$fleet_folder/ssh/$name.pub"
done
refused 'ssh-rsa: only ssh-ed25519 keys can approve' relevo init "$fleet_folder/other" --no-password \
  --approver testers=rsa --ssh-approver "rsa=$fleet_folder/ssh/rsa.pub"
refused 'can only approve' relevo init "$fleet_folder/other" --no-password \
  --operator luis --approver testers=luis --ssh-approver "luis=$fleet_folder/ssh/luis.pub"
[ ! -e "$fleet_folder/other" ] || fleet_fail "a fleet was made that was refused"

everywhere | plan base "$old_version" "$old_file"
start base
ends "$rollout" 0
plan people "$new_version" "$new_file" <<TEXT
  - deploy:  { environment: staging, $quick }
  - test:    { suite: regression }
  - manual:  { instructions: "open the front page", role: testers }
  - manual:  { instructions: "look at the graphs", role: watchers }
  - signoff: { role: release-managers, approvals: 2 }
  - deploy:  { environment: production, max_parallel: 2, $quick }
  - test:    { suite: final }
TEXT
start people

echo "-- a passphrase, asked for on the terminal"
fleet_wait 30 "the manual test" waits_at "$rollout" 3
refused 'has no part in the role testers' decide approve --ssh-key "$fleet_folder/ssh/luis"
refused 'is not in the trust document' decide approve --ssh-key "$fleet_folder/ssh/stranger"
refused 'ssh-rsa: only ssh-ed25519 keys can approve' decide approve --ssh-key "$fleet_folder/ssh/rsa"
refused 'one person decides' decide approve --key ana --ssh-key "$fleet_folder/ssh/eva"
refused 'ssh-add' decide approve --password-file "$fleet_folder/relevo.yaml" --ssh-key "$fleet_folder/ssh/eva"
refused 'ssh-agent' decide approve --no-input --ssh-key "$fleet_folder/ssh/eva"
refused 'ssh-keygen -y' decide approve --ssh-key "$fleet_folder/relevo.yaml"
on_terminal() { # PASSPHRASE: approves as eva, and types it where it is asked for
  PASSPHRASE=$1 DISPLAY=:99 fleet_run expect -f - "$fleet_folder/bin/relevo" rollout approve "$rollout" --yes \
    --ssh-key "$fleet_folder/ssh/eva" <<'TCL'
    set timeout 20
    spawn {*}$argv
    expect {
      -re "passphrase.*: " { send -- "$env(PASSPHRASE)\r" }
      timeout { exit 9 }
      eof { exit 8 }
    }
    expect { timeout { exit 7 } eof }
    exit [lindex [wait] 3]
TCL
}
code=0
on_terminal "wrong horse" || code=$?
[ $code -eq 1 ] || fleet_fail "a wrong passphrase ended with exit code $code"
waits_at "$rollout" 3 || fleet_fail "something was sent by a wrong passphrase"
on_terminal "correct horse"

echo "-- a key in ssh-agent"
fleet_wait 10 "the second manual test" waits_at "$rollout" 4
agent=$fleet_folder/ssh/agent
fleet_spawn "$fleet_folder/log/ssh-agent" ssh-agent -D -a "$agent"
fleet_pids+=("$!")
fleet_wait 10 "ssh-agent" test -S "$agent"
pat() { SSH_AUTH_SOCK=$agent decide approve --no-input --ssh-key "$fleet_folder/ssh/only-public/pat.pub" "$@"; }
fleet_run mkdir "$fleet_folder/ssh/only-public"
fleet_run cp "$fleet_folder/ssh/pat.pub" "$fleet_folder/ssh/only-public/"
refused 'could not sign' pat
fleet_run tee "$fleet_folder/ssh/asker" >/dev/null <<<'#!/bin/sh
echo "battery staple"'
chmod 755 "$fleet_folder/ssh/asker"
SSH_AUTH_SOCK=$agent SSH_ASKPASS=$fleet_folder/ssh/asker SSH_ASKPASS_REQUIRE=force fleet_run ssh-add -q "$fleet_folder/ssh/pat"
pat

echo "-- a sign-off by two: one of relevo's own keys, one SSH key"
fleet_wait 10 "the sign-off" waits_at "$rollout" 5
says "$rollout" 'signed off by eva, pat'
# An ssh-keygen that signs for another purpose, or something else than it was given.
real=$(command -v ssh-keygen)
mkdir "$fleet_folder/wrong"
wrong() { # WORDS SCRIPT
  printf '#!/bin/sh\n%s\n' "$2" >"$fleet_folder/wrong/ssh-keygen"
  chmod 755 "$fleet_folder/wrong" "$fleet_folder/wrong/ssh-keygen"
  PATH=$fleet_folder/wrong:$PATH refused "$1" decide approve --ssh-key "$fleet_folder/ssh/luis"
}
wrong 'for the namespace git, where relevo-approval is wanted' "exec $real -Y sign -q -n git -f $fleet_folder/ssh/luis"
wrong 'by another key' "exec $real -Y sign -q -n relevo-approval -f $fleet_folder/ssh/stranger"
wrong 'does not fit the content' "echo more | cat - | $real -Y sign -q -n relevo-approval -f $fleet_folder/ssh/luis"
decide approve --ssh-key "$fleet_folder/ssh/luis" -m "fine"
refused 'luis has decided' decide approve --ssh-key "$fleet_folder/ssh/luis"
sleep 1
waits_at "$rollout" 5 || fleet_fail "one person was counted twice"
decide approve --key ana
ends "$rollout" 0
phase_is "$rollout" Healthy || fleet_fail "a rollout that people approved is not Healthy"
runs "$new_version" "${hosts[@]}"
says "$rollout" 'signed off by .*luis'
relevo audit verify

echo "-- a rejection"
plan again "$old_version" "$old_file" <<TEXT
  - deploy:  { environment: staging, $quick }
  - signoff: { role: release-managers, approvals: 2 }
  - deploy:  { environment: production, max_parallel: 2, $quick }
TEXT
start again
fleet_wait 30 "the sign-off" waits_at "$rollout" 2
decide reject --ssh-key "$fleet_folder/ssh/luis" -m "too early"
ends "$rollout" 4
says "$rollout" 'rejected by luis.*too early'
runs "$new_version" "${hosts[@]}"
relevo audit verify
