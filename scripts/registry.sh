#!/bin/sh
# registry.sh KIND TYPE NAME...: the C table of all descriptors of one kind, in the order given.
kind=$1 type=$2
shift 2
plural=${kind}s
printf '/* Generated from the folder listing by scripts/registry.sh. */\n#include <stddef.h>\n'
case $kind in
fault) printf '#include "fault/fault.h"\n' ;;
rule) printf '#include "rules/rule.h"\n' ;;
suite) printf '#include "tests/check.h"\n' ;;
esac
for name in "$@"; do
    printf 'extern const struct %s %s_%s;\n' "$type" "$name" "$kind"
done
printf 'const struct %s *const all_%s[] = {\n' "$type" "$plural"
for name in "$@"; do
    printf '    &%s_%s,\n' "$name" "$kind"
done
printf '    NULL,\n};\n'
