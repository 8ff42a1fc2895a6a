#!/bin/sh
# needs.sh build|test|lint|bench|fidelity: installs the Debian packages that are missing, as root or through sudo;
# where it cannot, prints the exact command and fails.
set -eu
build="gcc make pkg-config libc6-dev libev-dev libssl-dev libyaml-dev libjansson-dev libpcre2-dev zlib1g-dev libxml2-dev libfaketime"
test="$build g++ libcunit1-dev python3 python3-websockets libxml2-utils procps openssl"
lint="$test clang clang-tidy clang-format cppcheck"
bench="$build python3 haproxy"
fidelity="$build python3 nginx haproxy apache2 caddy"
case "${1-build}" in
build) wanted=$build ;;
test) wanted=$test ;;
lint) wanted=$lint ;;
bench) wanted=$bench ;;
fidelity) wanted=$fidelity ;;
*) echo "needs.sh: build, test, lint, bench or fidelity" >&2; exit 2 ;;
esac
if ! command -v dpkg-query >/dev/null 2>&1; then
    echo "halfopen: not a Debian system; please install what these packages hold: $wanted" >&2
    exit 0
fi
missing=
for package in $wanted; do
    state=$(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null || true)
    case $state in ii*) ;; *) missing="$missing $package" ;; esac
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" = 0 ]; then
    as_root=
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
    as_root=sudo
else
    echo "halfopen: these packages are missing; please run" >&2
    echo "    sudo apt-get update && sudo apt-get install -y --no-install-recommends$missing" >&2
    exit 1
fi
echo "halfopen: installing$missing"
log=$(mktemp)
# Servers among them are for the tests, which start their own: no service of the system is to begin.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null && $as_root chmod 755 "$policy"
    trap '$as_root rm -f "$policy"' EXIT
fi
if ! { $as_root apt-get update -q && DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -q --no-install-recommends $missing; } >"$log" 2>&1; then
    tail -n 15 "$log" >&2
    echo "halfopen: could not install; please run" >&2
    echo "    apt-get update && apt-get install -y --no-install-recommends$missing" >&2
    rm -f "$log"
    exit 1
fi
rm -f "$log"
