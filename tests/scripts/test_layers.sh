#!/bin/sh
# scripts/layers.sh on small trees that it must accept or refuse. usage: test_layers.sh (from the top folder)
set -u
layers=$(pwd)/scripts/layers.sh
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
. tests/scripts/verdict.sh

# One file with one include on its second line: "fine", or the complaint.
try() {
    rm -rf "$tree/src" "$tree/include"
    mkdir -p "$tree/src" "$tree/include" "$tree/$(dirname "$1")"
    printf '/* a file */\n#include %s\n' "$2" >"$tree/$1"
    complaint=$(sh "$layers" "$tree" 2>&1) && complaint="fine${complaint}"
    verdict "$1 includes $2" "$3" "$complaint"
}

downwards() {
    try src/gate/steps.c '"dsgate/relay/attempt.h"' fine
    try src/net/loop.c '"dsgate/net/timers.h"' fine
    try src/net/loop.c '<stdio.h>' fine
    try src/net/conn.c '"conn_io.h"' fine
    try src/main.c '"dsgate/gate/gate.h"' fine
    try src/tools/sim/main.c '"dsgate/net/server.h"' fine
    try include/dsgate/llm/json.h '"dsgate/base/text.h"' fine
}

upwards_and_sideways() {
    try src/base/buf.c '"dsgate/net/loop.h"' 'src/base/buf.c:2: dsgate/net/loop.h: base is below net'
    try include/dsgate/net/dns.h '"dsgate/gate/gate.h"' 'include/dsgate/net/dns.h:2: dsgate/gate/gate.h: net is below gate'
    try src/net/conn.c '"dsgate/llm/json.h"' \
        'src/net/conn.c:2: dsgate/llm/json.h: net and llm are siblings, strangers to each other'
    try src/cache/memory.c '"dsgate/sched/pool.h"' \
        'src/cache/memory.c:2: dsgate/sched/pool.h: cache and sched are siblings, strangers to each other'
    try src/tools/sim/main.c '"dsgate/gate/gate.h"' 'src/tools/sim/main.c:2: dsgate/gate/gate.h: tools may not use gate'
    try src/gate/steps.c '  "../relay/relay.h"' \
        'src/gate/steps.c:2: ../relay/relay.h: a path may not climb out of its room'
    try src/net/dns.c '"dsgate/attic/box.h"' 'src/net/dns.c:2: dsgate/attic/box.h: there is no room attic'
    try src/attic/box.c '<stdio.h>' 'src/attic/box.c:1: src/attic/box.c: there is no room attic'
}

libraries() {
    try src/net/loop.c '<event2/event.h>' fine
    try src/net/tls_ctx.c '<openssl/ssl.h>' fine
    try src/config/yaml.c '<yaml.h>' fine
    try src/gate/ledger_file.c '<sqlite3.h>' fine
    try src/gate/ledgers.c '<sqlite3.h>' 'src/gate/ledgers.c:2: sqlite3.h: only gate/ledger may include this library'
    try src/gate/admin_status.c '<jansson.h>' fine
    try src/net/looper.c '<event2/event.h>' 'src/net/looper.c:2: event2/event.h: only net/loop may include this library'
    try src/net/dns.c '<curl/curl.h>' 'src/net/dns.c:2: curl/curl.h: only net/curl may include this library'
    try src/gate/steps.c '<jansson.h>' \
        'src/gate/steps.c:2: jansson.h: only llm/ config/ gate/admin may include this library'
    try src/main.c '<openssl/ssl.h>' \
        'src/main.c:2: openssl/ssl.h: only net/conn net/tls base/digest may include this library'
}

exit_status() {
    try src/base/buf.c '<curl/curl.h>' 'src/base/buf.c:2: curl/curl.h: only net/curl may include this library'
    sh "$layers" "$tree" >/dev/null 2>&1
    verdict 'exit status of a violation' 1 $?
}

downwards
upwards_and_sideways
libraries
exit_status
total layers
