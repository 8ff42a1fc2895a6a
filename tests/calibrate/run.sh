#!/bin/sh
# Repeats the Monte Carlo of the backoff verdicts and writes docs/calibration.md.
#     run.sh BUILD [RUNS [SEED]]
# Takes half an hour of one core with the defaults; another seed asks whether the gate holds beyond the numbers it was
# tuned on.
set -eu
build=$1 runs=${2:-1500} seed=${3:-20261201}
out=docs/calibration.md
parts=$(mktemp -d)
new=$parts/page
trap 'rm -rf "$parts"' EXIT
printf '%s\n' head quiet noisy 'speed 10' undecided |
    xargs -d '\n' -P "$(nproc)" -I PART nice -n 10 sh -c '"$1" "$2" "$3" "$4" > "$5/$4"' - "$build/calibrate" "$runs" "$seed" PART "$parts"
cat tests/calibrate/preface.md "$parts/head" "$parts/quiet" "$parts/noisy" "$parts/speed 10" "$parts/undecided" > "$new"
{
    printf '\n## The sound client\n\nThe built-in client in every scenario for clients, each failure confirmed by a second run (`make sound`):\n'
    SOUND=20000 nice -n 10 "$build/check" sound | sed -n 's/^\([0-9]* runs of the sound client .*\)$/\1./p'
} >> "$new"
cp "$new" $out
echo "$out: $runs outages per schedule and row, seed $seed"
