#!/bin/sh
# scripts/install-packages.sh with a package manager that only writes down what it is asked for.
# usage: test_install_packages.sh (from the top folder)
set -u
fake=$(mktemp -d)
trap 'rm -rf "$fake"' EXIT
. tests/scripts/verdict.sh

# fake NAME LINE: a program called NAME that does LINE.
fake() {
    printf '#!/bin/sh\n%s\n' "$2" >"$fake/$1"
    chmod 755 "$fake/$1"
}

# Sets `output` (both streams), `status` and `asked` (what apt-get was told to install).
run() {
    : >"$fake/asked"
    output=$(PATH=$fake:$PATH sh scripts/install-packages.sh "$@" 2>&1)
    status=$?
    asked=$(sed -n 's/^install -y --no-install-recommends //p' "$fake/asked")
}

fake apt-get "echo \"\$@\" >>'$fake/asked'"
fake id 'echo 0'
fake systemctl ''

fake pkg-config ''
run build
verdict 'nothing is missing: silent' ' 0' "$output $status"
verdict 'nothing is missing: nothing is asked for' '' "$asked"

# shellcheck disable=SC2016 # $2 is for the fake
fake pkg-config '[ "$2" != openssl ] && [ "$2" != yaml-0.1 ]'
run build
verdict 'two libraries are missing' 'libssl-dev libyaml-dev' "$asked"

fake pkg-config "! grep -q libssl '$fake/asked' && [ \"\$2\" = openssl ] && exit 1; true"
run build
verdict 'found after the installation' 'installing: libssl-dev 0' "$output $status"

fake pkg-config 'false'
fake apt-get 'exit 100'
fake id 'echo 1000'
fake sudo 'exit 1'
run build
verdict 'not allowed to: fails' 1 "$status"
verdict 'not allowed to: says what to do' \
    '    apt-get update && apt-get install -y --no-install-recommends libcurl4-openssl-dev libevent-dev libhiredis-dev libsqlite3-dev libssl-dev libyaml-dev' \
    "$(printf '%s\n' "$output" | tail -n 1)"

# What the benchmark calls, on a machine with hardly anything. Services are there, so that none is kept from starting.
bench_on() {
    bare=$fake/bare-$1
    mkdir "$bare"
    for tool in sh env cat grep ls sed sort tr; do
        ln -s "$(command -v "$tool")" "$bare/$tool"
    done
    fake "bare-$1/id" 'echo 0'
    fake "bare-$1/nginx" ''
    fake "bare-$1/promtool" ''
    fake "bare-$1/redis-server" ''
    fake "bare-$1/$1" "echo \"\$@\" >>'$fake/asked'"
    : >"$fake/asked"
    PATH=$bare sh scripts/install-packages.sh bench >/dev/null 2>&1
    for package in $2; do
        verdict "$1: the benchmark needs $package" "$package" \
            "$(tr ' ' '\n' <"$fake/asked" | grep -x "$package" | sort -u)"
    done
}
# The script looks into /usr/sbin, too; where that is /usr/bin, nothing can be hidden from it.
if [ ! -e /usr/sbin/env ]; then
    bench_on apt-get 'wrk util-linux python3 openssl gcc'
    bench_on dnf 'wrk util-linux-core python3 openssl gcc'
    bench_on apk 'wrk util-linux-misc python3 openssl gcc'
    bench_on brew 'wrk python3 openssl@3'
fi

run everything
verdict 'an unknown task' 2 "$status"

total install-packages
