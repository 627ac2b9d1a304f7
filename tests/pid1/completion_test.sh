#!/bin/bash
# What shells complete, asked of real shells. The VM `web` is a kestrel that runs here: it answers as a VM's runner and
# guest do, as far as completion needs one.
source "$(dirname "$0")/../support/harness.sh"
source "$(dirname "$0")/kestrel.sh"

make_vms() {
  export KESTREL_RUNTIME_DIR=$T/run KESTREL_API=unix:$T/api.sock PATH=$BUILD:$PATH
  mkdir -p run/vms/web run/vms/worker run/vms/db
  start_kestrel <<YAML
exec:
  - {name: api, command: /bin/sleep, args: ["1000"]}
  - {name: api-cache, command: /bin/sleep, args: ["1000"]}
  - {name: metrics, command: /bin/sleep, args: ["1000"]}
YAML
  ln -s "$T/api.sock" run/vms/web/api.sock
  ln -s "$T/api.sock" run/vms/web/runner.sock
}

# bash_offers LINE: what TAB offers at its end, sorted, one after another. Bash cuts words at = and :, too.
bash_offers() {
  bash --norc -c '
    source "$BUILD/completion/$2.bash"
    compopt() { :; }
    COMP_LINE=$1 COMP_POINT=${#1}
    spaced=${1//:/ : } spaced=${spaced//=/ = }
    read -ra COMP_WORDS <<<"$spaced"
    [[ $1 != *[[:space:]] ]] || COMP_WORDS+=("")
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    "_$2" && printf "%s\n" "${COMPREPLY[@]}" | sort' - "$1" "${1%% *}" | xargs echo
}

fish_offers() {
  fish --no-config -c 'source $argv[2]; complete -C $argv[1]' "$1" "$BUILD/completion/${1%% *}.fish" | cut -f 1 |
    sed 's,/$,,' | sort | xargs echo
}

# zsh_offers LINE: a zsh in a terminal of its own says what it would add, which is what its completion functions give.
zsh_offers() {
  zsh -f "$REPO/tests/support/zsh-offers" "$BUILD/completion/${1%% *}.zsh" "$1" | sort | xargs echo
}

# offers LINE EXPECTED: all three.
offers() {
  local shell
  for shell in bash zsh fish; do
    expect_equal "$("${shell}_offers" "$1")" "$2" "what $shell offers behind '$1'"
  done
}

test_verbs_are_completed() {
  offers 'kestrelctl st' 'status stop'
  offers 'kestrelctl com' completion
  offers 'hostd v' 'vm vsock'
  offers 'kestrel re' 'reload restart'
}

test_options_are_completed() {
  offers 'kestrelctl run --e' '--env --env-file'
  offers 'hostd vsock --c' --cid
  offers 'kestrel reload --d' --dry-run
  expect_equal "$(bash_offers 'kestrelctl list -')" '--help --output --quiet -h -o -q'
}

test_words_to_choose_from_are_completed() {
  offers 'kestrelctl run --accel ' 'auto kvm tcg'
  offers 'kestrelctl run --vsock ' 'auto native user'
  offers 'kestrelctl list -o j' json
  offers 'kestrelctl completion ' 'bash fish zsh'
  offers 'kestrel power s' shutdown
  expect_equal "$(bash_offers 'kestrelctl list --output=t')" table
}

test_vms_are_completed_by_what_there_is() {
  make_vms
  offers 'kestrelctl stop w' 'web worker'
  offers 'kestrelctl logs -n 5 d' db
  offers 'kestrelctl exec -it w' 'web worker'
}

test_services_are_completed_by_what_runs() {
  make_vms
  offers 'kestrelctl logs web -s api' 'api api-cache'
  offers 'kestrel status api' 'api api-cache'
  expect_equal "$(bash_offers 'kestrelctl logs worker -s ')" ''
}

test_files_are_completed() {
  touch one.yaml
  mkdir ones
  offers 'kestrel check on' "$(bash_offers 'kestrel check on')"
  expect_equal "$(bash_offers 'kestrel check on')" 'one.yaml ones'
  expect_equal "$(bash_offers 'kestrel run --cgroup on')" ones
  expect_equal "$(bash_offers "kestrel status --api unix:$T/on")" "$T/one.yaml $T/ones"
}

test_either_side_of_a_copy_is_a_file_or_in_a_vm() {
  make_vms
  touch website
  expect_equal "$(bash_offers 'kestrelctl cp we')" 'web: website'
  expect_equal "$(bash_offers 'kestrelctl cp website we')" 'web: website'
}

test_what_stands_behind_the_vm_of_exec_is_left_alone() {
  make_vms
  expect_equal "$(bash_offers 'kestrelctl exec web -- sh -')" ''
  expect_equal "$(bash_offers 'kestrelctl exec web l')" ''
}

test_names_that_a_shell_would_expand_are_not_offered() {
  make_vms
  mkdir "run/vms/x" bin
  printf '#!/bin/sh\necho "\$(touch evil)"; echo "a;b"; echo good\n' >bin/kestrelctl
  chmod +x bin/kestrelctl
  PATH=$T/bin:$PATH
  expect_equal "$(bash_offers 'kestrelctl stop ')" good
  [ ! -e evil ] || fail "a name was run"
}

# expect_complete PROGRAM [VERB...]: what its help lists is completed, and so on for each of its verbs.
expect_complete() {
  local words verbs word verb
  words=" $(bash_offers "$* -") "
  for word in $("$BUILD/$@" --help | sed -n 's/^  \(-[-a-zA-Z,]*\).*/\1/p' | tr , ' '); do
    expect_contains "$words" " $word " "options of $*"
  done
  verbs=$("$BUILD/$@" --help | sed -n '/^Subcommands:/,/^$/s/^  \([a-z]*\)[, ].*/\1/p')
  [ -n "$verbs" ] || return 0
  words=" $(bash_offers "$* ") "
  for verb in $verbs; do
    expect_contains "$words" " $verb " "verbs of $*"
    expect_complete "$@" "$verb"
    echo "$* $verb" >>seen
  done
}

test_every_verb_and_option_of_the_help_is_completed() {
  local program
  for program in kestrelctl hostd kestrel; do expect_complete "$program"; done
  grep -qx 'kestrelctl vms top' seen
  [ "$(wc -l <seen)" -ge 30 ] || fail "only these verbs were found: $(cat seen)"
}

test_each_script_is_read_without_a_complaint() {
  local program
  for program in kestrelctl hostd kestrel; do
    bash --norc -c 'source "$1"' - "$BUILD/completion/$program.bash" >>said 2>&1
    zsh -f -c 'compdef() { : }; source $1' - "$BUILD/completion/$program.zsh" >>said 2>&1
    fish --no-config "$BUILD/completion/$program.fish" >>said 2>&1
  done
  expect_equal "$(cat said)" ''
}

test_kestrelctl_prints_the_scripts_itself() {
  local shell
  for shell in bash zsh fish; do
    "$BUILD/kestrelctl" completion "$shell" | cmp - "$BUILD/completion/kestrelctl.$shell"
  done
  expect_status 64 "$BUILD/kestrelctl" completion tcsh 2>/dev/null
}

test_scripts_are_installed_where_shells_look() {
  make -s -C "$REPO" --no-print-directory BUILD="$BUILD" DESTDIR="$T" PREFIX=/usr install-completions
  [ -s usr/share/bash-completion/completions/kestrelctl ]
  [ -s usr/share/zsh/vendor-completions/_hostd ]
  [ -s usr/share/fish/vendor_completions.d/kestrel.fish ]
}

harness_main "$@"
