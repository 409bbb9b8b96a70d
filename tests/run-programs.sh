#!/bin/sh
# Runs Check programs one after the other and adds up what they say. usage: run-programs.sh KIND PROGRAM...
#
# A program that crashes, hangs or never says how many checks it made has failed, whatever its exit status.
set -u
kind=$1
shift
passed=0 failed=0

# "97%: Checks: 30, Failures: 1, Errors: 0" gives "30 1"; several such lines are added up.
count() {
    sed -n 's/^[0-9]*%: Checks: \([0-9]*\), Failures: \([0-9]*\), Errors: \([0-9]*\)$/\1 \2 \3/p' |
        awk '{ checks += $1; bad += $2 + $3 } END { print checks + 0, bad + 0 }'
}

run() {
    output=$(CK_FORK=no UBSAN_OPTIONS=print_stacktrace=1 timeout 300 "$1" 2>&1)
    status=$?
    counts=$(printf '%s\n' "$output" | count)
    checks=${counts% *} bad=${counts#* }
    [ "$checks" -gt 0 ] || checks=1 bad=1
    [ "$status" -eq 0 ] || [ "$bad" -gt 0 ] || bad=1
    passed=$((passed + checks - bad)) failed=$((failed + bad))
    if [ "$bad" -gt 0 ]; then
        printf '%s\nFAILED: %s (exit status %s)\n' "$output" "$1" "$status"
    else
        echo "$(basename "$1"): 100%: Checks: $checks, Failures: 0, Errors: 0"
    fi
}

for program in "$@"; do
    run "$program"
done
echo "$kind: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
