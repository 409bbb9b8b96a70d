#!/bin/sh
# make bench: dsgate beside nginx on this machine, with the simulator as upstream.
# usage: run.sh BUILD [bench.py's options]
set -eu
build=$1
shift
here=$(dirname "$0")
sh scripts/install-packages.sh bench
cc -std=c11 -D_GNU_SOURCE -O2 -Iinclude "$here/streams.c" "$build/libdsgate.a" \
    -levent_core -lssl -lcrypto -lyaml -ldl -lm -pthread -o "$build/bench-streams"
exec python3 "$here/bench.py" --build "$build" "$@"
