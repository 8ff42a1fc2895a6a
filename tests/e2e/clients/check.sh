#!/bin/sh
# check.sh BUILD [NAME ...|all]: real client libraries against the facts known of them, three of them
# unless told otherwise. Without node or its registry they are skipped, which the closing line says.
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "${1:-build}" && pwd)
[ $# -gt 0 ] && shift
[ $# -gt 0 ] || set -- sockette centrifuge py-websockets \
    --scenarios silent-drop,heartbeat,proxy-idle-timeout,refused-reconnects
[ "$1" != all ] || set -- $(sed -n 's/^  "\([a-z-]*\)": {$/\1/p' "$here/facts.json")
cd "$here" || exit 1
if ! command -v node >/dev/null 2>&1; then
    echo "skipped: no node"
elif [ ! -d node_modules ] && ! npm ci --ignore-scripts --no-audit --no-fund --silent; then
    echo "skipped: npm could not fetch the libraries"
else
    exec python3 run.py --halfopen "$build/halfopen" "$@"
fi
echo "0 passed, 0 failed, 1 skipped"
