#!/bin/sh
# run.sh BUILD: builds the two ends of the benchmark and runs it.
build=${1:-build}
mkdir -p "$build/bench"
for end in client server; do
    ${CC:-cc} -std=c11 -D_GNU_SOURCE -Wall -Wextra -O2 -I. -o "$build/bench/$end" "bench/$end.c" || exit 1
done
exec python3 bench/run.py "$build"
