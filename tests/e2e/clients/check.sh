#!/bin/sh
# check.sh BUILD [NAME ...]: real client libraries against the facts known of them. Without node or its
# registry the libraries from there are skipped, which the closing line says.
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "${1:-build}" && pwd)
[ $# -gt 0 ] && shift
[ $# -gt 0 ] || set -- sockette centrifuge py-websockets
cd "$here" || exit 1
if ! command -v node >/dev/null 2>&1; then
    echo "skipped: no node"
elif [ ! -d node_modules ] && ! npm ci --ignore-scripts --no-audit --no-fund --silent; then
    echo "skipped: npm could not fetch the libraries"
else
    exec python3 run.py --halfopen "$build/halfopen" "$@"
fi
echo "0 passed, 0 failed, $# skipped"
