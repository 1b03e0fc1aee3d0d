# Completion of relevo for bash. Made by deploy/completions/generate from the program's own help.

# _relevo_commands GROUP: what may follow; nothing for a command.
_relevo_commands() {
  case $1 in
    '') echo 'init key trust host artifact plan rollout audit version' ;;
    'key') echo 'generate password list wire' ;;
    'trust') echo 'show add-key remove-key replace-key set-threshold remove-role renew sign rotate' ;;
    'host') echo 'list show token accept reject renew revoke' ;;
    'artifact') echo 'add list show' ;;
    'plan') echo 'lint build show sign verify diff' ;;
    'rollout') echo 'start list status watch approve reject skip promote pause resume abort retry undo override' ;;
    'audit') echo 'verify export' ;;
  esac
}

# _relevo_options COMMAND: its own; "=" marks those that take an argument.
_relevo_options() {
  case $1 in
    'init') echo '--name= --listen= --address= --port= --root= --operator= --releaser= --approver= --ssh-approver= --threshold= --target= --no-password' ;;
    'key generate') echo '--keys= --no-password' ;;
    'key password') echo '--new-password-file=' ;;
    'trust show') echo '--save= --current=' ;;
    'trust add-key') echo '--public= -p= --role= -r= --wire= -w= --file= -f= --for= --current=' ;;
    'trust remove-key') echo '--role= -r= --file= -f= --for= --current=' ;;
    'trust replace-key') echo '--public= -p= --wire= -w= --no-wire --file= -f= --for= --current=' ;;
    'trust set-threshold') echo '--file= -f= --for= --current=' ;;
    'trust remove-role') echo '--file= -f= --for= --current=' ;;
    'trust renew') echo '--file= -f= --for= --current=' ;;
    'trust sign') echo '--key= -k= --current=' ;;
    'trust rotate') echo '--wait=' ;;
    'host token') echo '--life=' ;;
    'host accept') echo '--environment= -e= --product= -p= --label= -l= --fingerprint= -f= --key= -k=' ;;
    'host reject') echo '--comment= -m=' ;;
    'host renew') echo '--key= -k=' ;;
    'host revoke') echo '--key= -k=' ;;
    'artifact add') echo '--name= -n=' ;;
    'plan lint') echo '--fleet= --trust= --target= --offline' ;;
    'plan build') echo '--out= -o=' ;;
    'plan sign') echo '--key= -k=' ;;
    'plan verify') echo '--key= -k= --trust=' ;;
    'rollout start') echo '--watch -w --timeout= -t= --until-approval --by=' ;;
    'rollout status') echo '--wait -w --timeout= -t=' ;;
    'rollout watch') echo '--timeout= -t= --until-approval' ;;
    'rollout approve') echo '--key= -k= --ssh-key= --comment= -m=' ;;
    'rollout reject') echo '--key= -k= --ssh-key= --comment= -m=' ;;
    'rollout skip') echo '--key= -k= --ssh-key= --comment= -m=' ;;
    'rollout promote') echo '--key= -k= --ssh-key= --comment= -m=' ;;
    'rollout pause') echo '--key= -k= --ssh-key= --comment= -m=' ;;
    'rollout resume') echo '--key= -k= --ssh-key= --comment= -m=' ;;
    'rollout abort') echo '--key= -k= --ssh-key= --comment= -m=' ;;
    'rollout retry') echo '--key= -k= --ssh-key= --comment= -m=' ;;
    'rollout undo') echo '--key= -k= --ssh-key= --comment= -m=' ;;
    'rollout override') echo '--key= -k= --ssh-key= --comment= -m=' ;;
    'audit verify') echo '--from= --trust=' ;;
  esac
}

_relevo() {
  local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command= word i options
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    case $word in
      --output | -o | --config | --controller | --password-file) ((i++)) ;;
      -*) ;;
      *) if [[ " $(_relevo_commands "$command") " == *" $word "* ]]; then command=${command:+$command }$word; fi ;;
    esac
  done
  options="$(_relevo_options "$command") --output= -o= --config= --controller= --password-file= --no-color --no-input --yes -y --quiet -q --help -h"
  # A letter that the command uses itself is not the global one.
  if [[ " -o --output " == *" $before "* && $command$before != 'plan build-o' ]]; then
    mapfile -t COMPREPLY < <(compgen -W 'table json jsonl' -- "$current")
  elif [[ " $options " == *" $before= "* ]]; then
    return
  elif [[ $current == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "${options//=/}" -- "$current")
  else
    mapfile -t COMPREPLY < <(compgen -W "$(_relevo_commands "$command")" -- "$current")
  fi
}
# Where nothing else fits, files do.
complete -o default -F _relevo relevo
