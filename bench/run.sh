#!/bin/sh
# run.sh BUILD: builds the two ends of the benchmark and runs it; then how exactly delays are kept.
build=${1:-build}
mkdir -p "$build/bench"
for end in client server delay; do
    ${CC:-cc} -std=c11 -D_GNU_SOURCE -Wall -Wextra -O2 -I. -o "$build/bench/$end" "bench/$end.c" || exit 1
done
python3 bench/run.py "$build"
status=$?
"$build/bench/delay" "$build/halfopen" || status=1
exit "$status"
