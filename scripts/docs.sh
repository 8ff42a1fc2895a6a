#!/bin/sh
# docs.sh [--check] BUILD: writes the reference pages from the descriptors; --check: only says which are
# not fresh, file:line: message.
check=
[ "${1-}" = --check ] && check=yes && shift
build=${1:-build}
page=$(mktemp) || exit 1
trap 'rm -f "$page"' EXIT
stale=0
for topic in rules faults intermediaries; do
    "$build/halfopen" list "$topic" --markdown >"$page" || exit 1
    if [ -z "$check" ]; then
        cp "$page" "docs/$topic.md"
    elif ! cmp -s "$page" "docs/$topic.md"; then
        echo "docs/$topic.md:1: not what the descriptors say: run make docs"
        stale=1
    fi
done
exit "$stale"
