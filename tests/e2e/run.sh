#!/bin/sh
# run.sh [BUILD [PATTERN]]: the tests over real sockets and real processes, the time library's among them.
# A line for each, then "N passed, N failed, N skipped". PATTERN: a grep expression for names of groups.
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
build=$(cd "${1:-$root/build}" && pwd)
pattern=${2:-.}
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT
passed=0 failed=0 skipped=0

group() {
    title=$1
    shift
    echo "$title" | grep -q "$pattern" || return 0
    echo "-- $title"
    "$@" >"$log" 2>&1
    status=$?
    cat "$log"
    set -- $(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed\(, \([0-9]*\) skipped\)\{0,1\}$/\1 \2 \4/p' "$log" | tail -n 1)
    [ $# -ge 2 ] || set -- 0 1
    passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + ${3:-0}))
    [ "$status" = 0 ] || [ "$2" != 0 ] || failed=$((failed + 1))
}

# A python3 with websockets, for the tests that want a real endpoint; Debian's has it (scripts/needs.sh).
python=python3
"$python" -c 'import websockets' 2>/dev/null || [ ! -x /usr/bin/python3 ] || python=/usr/bin/python3

group driver "$build/driver-test"
group time-library sh "$root/tests/preload/run.sh" "$build"
for test in "$here"/test_*.py; do
    [ -e "$test" ] && group "$(basename "$test" .py)" "$python" "$test" "$build"
done
group clients sh "$here/clients/check.sh" "$build"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
