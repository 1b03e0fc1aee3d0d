# Plans with mistakes, through the real commands: each is told where it is wrong, why, and what to write instead; none is built.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
fleet_up 1 1
head="plan: p
product: $product
version: $new_version
artifact: $new_file
profile: $product.yaml
steps:"
staging="
  - deploy: { environment: staging }
  - test:   { suite: regression }"
count=0

# told LINE:COLUMN WORDS COMMAND…: fails with 1, at that place of the plan and in those words.
told() {
  local place=$1 words=$2 code=0 said
  shift 2
  said=$("$@" 2>&1) || code=$?
  [ $code -eq 1 ] || fleet_fail "\"$*\" ended with $code for plan $count: $said"
  grep -Eq -- "^(relevo: )?([^ ]*/)?p.yaml:$place: .*$words" <<<"$said" || fleet_fail "plan $count: \"$*\" says \"$said\", and not $place: $words"
}

# bad LINE:COLUMN WORDS: the plan comes on standard input. Wrong in itself, so that no fleet is needed to see it.
bad() {
  count=$((count + 1))
  cat >"$work/p.yaml"
  rm -f "$work/p.plan"
  told "$1" "$2" relevo plan lint --offline "$work/p.yaml"
  told "$1" "$2" relevo plan build "$work/p.yaml" -o "$work/p.plan"
  [ ! -e "$work/p.plan" ] || fleet_fail "a wrong plan was built: $2"
}

# wrong LINE:COLUMN WORDS: wrong for this fleet, so that only those who know it can see it.
wrong() {
  count=$((count + 1))
  cat >"$work/p.yaml"
  rm -f "$work/p.plan"
  told "$1" "$2" relevo plan lint "$work/p.yaml"
  told "$1" "$2" relevo plan build "$work/p.yaml" -o "$work/p.plan"
  [ ! -e "$work/p.plan" ] || fleet_fail "a wrong plan was built: $2"
}

# The one that is right, so that the others are wrong only in what they say.
printf '%s%s\n' "$head" "$staging" >"$work/p.yaml"
relevo plan lint --offline "$work/p.yaml"
relevo plan build "$work/p.yaml" -o "$work/p.plan"
rm "$work/p.plan"

bad 1:1 'a plan needs .plan.: its name, such as' <<TEXT

TEXT
bad 1:1 'expected a map of keys and values, not a list' <<TEXT
- a
TEXT
bad 2:1 'tab character.*indent with spaces alone' <<TEXT
plan: p
	product: x
TEXT
bad 1:7 'expected a name of at most 64 letters' <<TEXT
plan: a/b
product: $product
version: $new_version
artifact: $new_file
profile: $product.yaml
steps:$staging
TEXT
bad 3:10 'is no version: use letters' <<TEXT
plan: p
product: $product
version: 1 2
artifact: $new_file
profile: $product.yaml
steps:$staging
TEXT
bad 1:1 'a plan needs .artifact.: the name of a file' <<TEXT
plan: p
product: $product
version: $new_version
profile: $product.yaml
steps:$staging
TEXT
bad 5:1 'no key .versoin.: did you mean .version.' <<TEXT
plan: p
product: $product
version: $new_version
artifact: $new_file
versoin: 1
profile: $product.yaml
steps:$staging
TEXT
bad 6:13 '.rolback.: did you mean .rollback.' <<TEXT
plan: p
product: $product
version: $new_version
artifact: $new_file
profile: $product.yaml
on_failure: rolback
steps:$staging
TEXT
bad 6:10 'is not a length of time: write a number and a unit' <<TEXT
plan: p
product: $product
version: $new_version
artifact: $new_file
profile: $product.yaml
expires: 7
steps:$staging
TEXT
bad 6:10 'at most 365d' <<TEXT
plan: p
product: $product
version: $new_version
artifact: $new_file
profile: $product.yaml
expires: 366d
steps:$staging
TEXT
bad 6:15 'write the reason' <<TEXT
plan: p
product: $product
version: $new_version
artifact: $new_file
profile: $product.yaml
skip_staging: ''
steps:$staging
TEXT
bad 2:1 'stands here twice' <<TEXT
plan: p
plan: p
product: $product
version: $new_version
artifact: $new_file
profile: $product.yaml
steps:$staging
TEXT
bad 6:8 'expected a list of 1 to 64 steps' <<TEXT
plan: p
product: $product
version: $new_version
artifact: $new_file
profile: $product.yaml
steps: {deploy: x}
TEXT
bad 7:5 'no step is named .depoly.: did you mean .deploy.' <<TEXT
$head
  - depoly: { environment: staging }
TEXT
bad 7:13 'expected a map in braces or indented lines' <<TEXT
$head
  - deploy: staging
TEXT
bad 8:5 'begin it with .- .' <<TEXT
$head
  - deploy: { environment: staging }
    test: { suite: regression }
TEXT
bad 7:5 'deploy needs .environment.: such as' <<TEXT
$head
  - deploy: { canary: 1 }
TEXT
bad 7:37 'has no key .paralel.: use one of' <<TEXT
$head
  - deploy: { environment: staging, paralel: 1 }
TEXT
bad 7:47 'strategy: .blue.: use one of rolling' <<TEXT
$head
  - deploy: { environment: staging, strategy: blue }
TEXT
bad 7:45 'canary: expected a number of hosts from 1, or a share such as 10%' <<TEXT
$head
  - deploy: { environment: staging, canary: 0 }
TEXT
bad 7:51 'max_parallel: expected a number' <<TEXT
$head
  - deploy: { environment: staging, max_parallel: 101% }
TEXT
bad 7:5 'exclude each other: keep one' <<TEXT
$head
  - deploy: { environment: staging, canary: 1, hosts: [s1] }
TEXT
bad 7:48 'expected true or false' <<TEXT
$head
  - deploy: { environment: staging, remaining: yes }
TEXT
bad 7:55 'must be shorter than healthy_deadline' <<TEXT
$head
  - deploy: { environment: staging, min_healthy_time: 5m }
TEXT
bad 7:56 'must be shorter than progress_deadline' <<TEXT
$head
  - deploy: { environment: staging, progress_deadline: 1m }
TEXT
bad 7:49 'stands here twice: keep one' <<TEXT
$head
  - deploy: { environment: staging, hosts: [s1, s1] }
TEXT
bad 7:5 'move this step behind a deploy' <<TEXT
$head
  - test: { suite: regression }
TEXT
bad 9:20 'did you mean .regression.' <<TEXT
$head$staging
  - test: { suite: regresion }
TEXT
bad 9:5 'manual needs .instructions.: what the tester' <<TEXT
$head$staging
  - manual: { role: testers }
TEXT
bad 9:5 'write role: NAME here' <<TEXT
$head$staging
  - manual: { instructions: look }
TEXT
bad 9:5 'signoff needs .role.: whose approvals' <<TEXT
$head$staging
  - signoff: { approvals: 2 }
TEXT
bad 9:42 'expected a number from 1 to 64' <<TEXT
$head$staging
  - signoff: { role: testers, approvals: 0 }
TEXT
bad 9:24 'is not a length of time: write' <<TEXT
$head$staging
  - pause: { duration: soon }
TEXT
bad 9:12 'or the words .until promoted.' <<TEXT
$head$staging
  - pause: 10m
TEXT
bad 9:5 'notify needs .to.: names of targets' <<TEXT
$head$staging
  - notify: {}
TEXT
bad 2:18 'is no URL' <<TEXT
suites:
  own: [ { http: example.org } ]
$head$staging
TEXT
bad 2:17 'has no port' <<TEXT
suites:
  own: [ { tcp: localhost } ]
$head$staging
TEXT
wrong 4:11 'none in the depot is named .nginx.deb.' <<TEXT
plan: p
product: $product
version: $new_version
artifact: nginx.deb
profile: $product.yaml
steps:$staging
TEXT
wrong 7:28 'did you mean .staging.' <<TEXT
$head
  - deploy: { environment: stagin }
  - test: { suite: final }
TEXT
wrong 7:44 'the fleet has no host .s2.: did you mean .s1.' <<TEXT
$head
  - deploy: { environment: staging, hosts: s2 }
  - test: { suite: final }
TEXT
wrong 7:44 '.p1. belongs to .production.' <<TEXT
$head
  - deploy: { environment: staging, hosts: p1 }
  - test: { suite: final }
TEXT
wrong 9:48 'write at most 1' <<TEXT
$head$staging
  - deploy: { environment: production, canary: 5 }
TEXT
wrong 7:5 'deploy to staging first, or write skip_staging' <<TEXT
$head
  - deploy: { environment: production }
  - test: { suite: final }
TEXT
wrong 9:22 'did you mean .testers.' <<TEXT
$head$staging
  - signoff: { role: tester }
TEXT
wrong 9:42 '3 are wanted' <<TEXT
$head$staging
  - signoff: { role: testers, approvals: 3 }
TEXT
wrong 9:22 'is no role of people' <<TEXT
$head$staging
  - signoff: { role: releaser }
TEXT
wrong 5:10 'nothing.yaml' <<TEXT
plan: p
product: $product
version: $new_version
artifact: $new_file
profile: nothing.yaml
steps:$staging
TEXT
echo "$count wrong plans, each told where"
