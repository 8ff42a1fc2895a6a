#!/bin/sh
# Runs every wait of this folder ten times faster, under the time library and libfaketime.
#   run.sh [BUILD_DIRECTORY] [PATTERN]      PATTERN: a grep expression for the names
#   SHIM= run.sh                            what libfaketime does alone
# A line for each, then "N passed, N failed"; exit 1 when one failed. Missing interpreters are skipped.
here=$(cd "$(dirname "$0")" && pwd)
build=${1:-$here/../../build}
pattern=${2:-.}
build=$(mkdir -p "$build/tests-preload" && cd "$build" && pwd)
work=$build/tests-preload
shim=${SHIM-$build/libhalfopen-time.so}
limit=${LIMIT:-15}
passed=0 failed=0 skipped=0

faketime=
for folder in /usr/lib/*/faketime /usr/lib/faketime /usr/local/lib/faketime; do
    [ -e "$folder/libfaketime.so.1" ] && faketime=$folder/libfaketime.so.1
done
if [ -z "$faketime" ]; then
    echo "skipped all: no libfaketime (apt-get install libfaketime)"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
fi
[ -z "$shim" ] || [ -e "$shim" ] || { echo "$shim: not built"; exit 1; }

# timeout itself must count real seconds: it stays outside. libfaketime leaves files named after the
# process behind when that is killed or ends by _exit: its number is kept to remove them.
try() {
    name=$1
    shift
    said=$(timeout -k 1 "$limit" sh -c 'echo $$ > "$0"; exec "$@"' "$work/pid" \
        env LD_PRELOAD="${shim:+$shim:}$faketime" FAKETIME='+0 x10' \
        FAKETIME_CACHE_DURATION=2000000000 NO_FAKE_STAT=1 "$@" "$name" 2>&1)
    code=$?
    pid=$(cat "$work/pid")
    rm -f "/dev/shm/faketime_shm_$pid" "/dev/shm/sem.faketime_sem_$pid"
    case $code in
    0) passed=$((passed + 1)) word=ok said=$(printf '%s\n' "$said" | tail -n 1) ;;
    124 | 137) failed=$((failed + 1)) word=HANGS ;;
    *) failed=$((failed + 1)) word=FAILED ;;
    esac
    printf '%-7s %-34s %s\n' "$word" "$name" "$said"
}

skip() {
    skipped=$((skipped + 1))
    printf '%-7s %s\n' skipped "$1"
}

each() {
    for name in $("$@" | grep -e "$pattern"); do
        try "$name" "$@"
    done
}

cc=${CC:-cc}
if command -v "$cc" >/dev/null; then
    $cc -std=c11 -D_GNU_SOURCE -O1 -o "$work/waits" "$here/waits.c" -lpthread -lrt || exit 1
    each "$work/waits"
    $cc -std=c11 -D_GNU_SOURCE -O1 -I"$here/../../proxy" -o "$work/page" "$here/page.c" || exit 1
    each "$work/page"
else
    skip "C: no compiler"
fi
if command -v g++ >/dev/null; then
    g++ -std=c++17 -O1 -o "$work/waits++" "$here/waits.cc" -lpthread || exit 1
    each "$work/waits++"
else
    skip "C++: no g++ (apt-get install g++)"
fi
if command -v python3 >/dev/null; then
    each python3 "$here/waits.py"
else
    skip "Python: no python3 (apt-get install python3)"
fi
if command -v node >/dev/null; then
    each node "$here/waits.js"
else
    skip "node: no node (apt-get install nodejs)"
fi
[ "$skipped" -eq 0 ] && echo "$passed passed, $failed failed" ||
    echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
