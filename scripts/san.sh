#!/bin/sh
# san.sh BUILD: the tests under AddressSanitizer, LeakSanitizer and UBSan: built by gcc all of them, by clang
# the unit tests and simulations. A sanitizer's report fails the run wherever it comes from, a child that is
# ended by a signal too. The last line counts: N passed, N failed, N skipped.
build=${1:-build}
jobs=$(nproc 2>/dev/null || echo 2)
mkdir -p "$build"
build=$(cd "$build" && pwd)
reports=$build/san-reports
passed=0 failed=0 skipped=0
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT

rm -rf "$reports"
mkdir -p "$reports"
# The program looks for its scenarios in ../scenarios.
[ "$build" = "$PWD" ] || ln -sfn ../scenarios "$build/scenarios"
export ASAN_OPTIONS="log_path=$reports/report:detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1"
export UBSAN_OPTIONS="log_path=$reports/report:print_stacktrace=1"

built() {
    compiler=$1 into=$2
    shift 2
    make -s -j"$jobs" --no-print-directory CC="$compiler" B="$into" CFLAGS="-O1 -g" \
        SANITIZE="-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer" "$@" && return
    echo "$compiler: it does not build with sanitizers"
    failed=$((failed + 1))
    false
}

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

if built gcc "$build/san" all "$build/san/check" "$build/san/driver-test"; then
    group "unit tests and simulations, gcc" "$build/san/check"
    # Not the real clients: they take minutes, and what they do does not depend on how we are built.
    group "over real sockets, gcc" sh tests/e2e/run.sh "$build/san" '^[dt]'
fi
if built clang "$build/san-clang" "$build/san-clang/check"; then
    group "unit tests and simulations, clang" "$build/san-clang/check"
fi
for report in "$reports"/*; do
    [ -s "$report" ] || continue
    failed=$((failed + 1))
    echo "== a sanitizer's report: $report"
    head -n 60 "$report"
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
