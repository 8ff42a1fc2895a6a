#!/bin/sh
# lint.sh BUILD: what the compiler does not insist on. Each finding is one line, file:line: message. Goes
# on after a finding, so that one run tells everything. What was checked and has not changed since is not
# checked again: the stamps are in BUILD/lint.
build=${1:-build}
lint=$build/lint
jobs=$(nproc 2>/dev/null || echo 2)
found=0
mkdir -p "$lint"
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT

sources=$(git ls-files -co --exclude-standard '*.c' '*.cc' '*.h' 2>/dev/null | while read -r file; do
    [ -f "$file" ] && echo "$file"
done)
[ -n "$sources" ] || sources=$(find proxy reports tests bench -name '*.[ch]' -o -name '*.cc')

# Runs one check; what it prints is a finding, and so is a failure that prints nothing.
check() {
    title=$1
    shift
    if "$@" >"$log" 2>&1 && [ ! -s "$log" ]; then
        echo "ok    $title"
        return
    fi
    found=$((found + 1))
    echo "FAIL  $title"
    [ -s "$log" ] && sed 's/^/  /' "$log" || echo "  $1 failed"
}

formatted() {
    echo "$sources" | xargs clang-format --dry-run -Werror 2>&1 |
        sed -n 's/^\([^ ]*:[0-9]*\):[0-9]*: error: code should be clang-formatted.*/\1: not as clang-format has it/p' | sort -u
}

# Every header compiles when it is the only one included.
headers_alone() {
    flags=$(make -s --no-print-directory print-cflags B="$build")
    echo "$sources" | grep '\.h$' | grep -v '^tests/preload/' | xargs -P "$jobs" -n 1 sh -c '
        ${CC:-cc} '"$flags"' -fsyntax-only -x c -include "$0" /dev/null 2>&1' |
        sed -n 's/:[0-9]*: \(fatal \)\{0,1\}error: /: /p'
}

# What make says in BUILD/lint/NAME.log: the lines of the compiler, or the end of it when make failed for
# another reason.
made() {
    log_of_make=$lint/$1.log
    shift
    make -s -k -j"$jobs" --no-print-directory "$@" >"$log_of_make" 2>&1 && good=yes || good=
    sed -n 's/^\([^ ]*:[0-9]*\):[0-9]*: \(fatal \)\{0,1\}\(error\|warning\): \(.*\)/\1: \4/p' "$log_of_make" |
        sed "s:^$PWD/::" | sort -u >"$log_of_make.found"
    cat "$log_of_make.found"
    [ -n "$good" ] || [ -s "$log_of_make.found" ] || tail -n 5 "$log_of_make"
}

# gcc and clang see different things; both compile everything, the tests too.
compiled() {
    made "$1" CC="$1" B="$lint/$1" CFLAGS="-O2 -Werror" objects "$lint/$1/libhalfopen-time.so"
}

tidied() {
    made tidy CC=gcc B="$lint/gcc" CFLAGS="-O2 -Werror" tidy
}

cppchecked() {
    cppcheck --quiet -j"$jobs" --std=c11 --enable=warning,performance,portability --inline-suppr \
        --suppress=missingIncludeSystem --suppress=internalAstError --suppress=assignmentInAssert --suppress=uninitvar \
        --template='{file}:{line}: {message} [{id}]' -Iproxy -I. -D_GNU_SOURCE \
        '-Djson_object_foreach(object,key,value)=while(1)' '-Djson_array_foreach(array,i,value)=while(1)' proxy reports 2>&1
}

scenarios() {
    make -s --no-print-directory all B="$build" && find scenarios -name '*.yaml' | sort |
        xargs "$build/halfopen" validate >"$lint/validate" 2>&1 || cat "$lint/validate"
}

check "layers, banned calls, lengths, paths" python3 scripts/layers.py
check "clang-format" formatted
check "every header alone" headers_alone
check "gcc -Werror" compiled gcc
check "clang -Werror" compiled clang
check "nothing unused" python3 scripts/unused.py "$lint/gcc"
check "clang-tidy" tidied
check "cppcheck" cppchecked
check "scenarios validate" scenarios
[ ! -f scripts/docs.sh ] || check "generated documents are fresh" sh scripts/docs.sh --check "$build"
[ "$found" = 0 ] && echo "lint: nothing found" || echo "lint: $found checks found something"
[ "$found" = 0 ]
