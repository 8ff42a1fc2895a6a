#!/bin/sh
# check.sh BUILD: all tests, and one line that counts them: N passed, N failed, N skipped. Goes on after
# a failure, so that one run tells everything.
build=${1:-build}
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT
passed=0 failed=0 skipped=0

# Runs a group of tests and adds what its last line of the form "N passed, N failed[, N skipped]" says.
group() {
    title=$1
    shift
    echo "== $title"
    "$@" >"$log" 2>&1
    status=$?
    cat "$log"
    set -- $(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed\(, \([0-9]*\) skipped\)\{0,1\}$/\1 \2 \4/p' "$log" | tail -n 1)
    [ $# -ge 2 ] || set -- 0 1
    passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + ${3:-0}))
    [ "$status" = 0 ] || [ "$2" != 0 ] || failed=$((failed + 1))
}

group "unit tests and simulations" "$build/check"
group "over real sockets" sh tests/e2e/run.sh "$build"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
