#!/bin/sh
# Checks the systemd units as `make install` leaves them, where there is a systemd that can. usage: units.sh BUILD
set -eu
exposure_most=15 # in tenths; systemd calls everything below 2.0 "OK"
build=$1

if ! systemd-analyze --help 2>/dev/null | grep -q -e --offline; then
    echo "units: no systemd-analyze of version 250 or later here: not checked"
    exit 0
fi
prefix=$(cd "$build" && pwd)/installed
rm -rf "$prefix"
sh scripts/install.sh "$build" "" "$prefix" >/dev/null
units=$prefix/lib/systemd/system
passed=0 failed=0

verdict() {
    if [ -z "$1" ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf '%s\n' "$1"
    fi
}

# An unknown key is ignored with a warning and status 0; units of the machine that these depend on are not our matter.
verdict "$(systemd-analyze verify --man=no "$units/dsgate.service" "$units/dsgate.socket" 2>&1 | grep dsgate || true)"

score() { systemd-analyze security --offline=true --no-pager --threshold="$exposure_most" "$units/dsgate.service"; }
if report=$(score); then
    report=
fi
verdict "$report"

echo "units: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
