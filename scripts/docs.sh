#!/bin/sh
# docs.sh [--check] BUILD: writes the reference pages from the descriptors, and the code that other pages
# show; --check: only says which are not fresh, file:line: message.
check=
[ "${1-}" = --check ] && check=yes && shift
build=${1:-build}
page=$(mktemp) || exit 1
trap 'rm -f "$page"' EXIT
stale=0

# Puts the page just made in its place, or complains that it is another one.
settle() {
    if [ -z "$check" ]; then
        cp "$page" "$1"
    elif ! cmp -s "$page" "$1"; then
        echo "$1:1: not what $2 say: run make docs"
        stale=1
    fi
}

for topic in rules faults intermediaries; do
    "$build/halfopen" list "$topic" --markdown >"$page" || exit 1
    settle "docs/$topic.md" "the descriptors"
done

# A block that begins with ```LANGUAGE FILE [FUNCTION] holds that file, or that function of it.
for text in docs/writing-rules.md; do
    awk '
        function show(file, name,    line, shown) {
            while ((getline line < file) > 0) {
                if (name != "" && !shown && line ~ (" " name "\\(") && line !~ /;$/) shown = 1
                if (name == "" || shown == 1) print line
                if (shown == 1 && line == "}") shown = 2
            }
            close(file)
        }
        skipping { if ($0 == "```") { skipping = 0; print }; next }
        { print }
        /^```[a-z]+ / { show($2, $3); skipping = 1 }
    ' "$text" >"$page" || exit 1
    settle "$text" "the files it shows"
done
exit "$stale"
