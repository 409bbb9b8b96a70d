#!/bin/sh
# Runs Check programs, as many at a time as there are processors, and adds up what they say.
# usage: run-programs.sh KIND PROGRAM...
#
# A program that crashes, hangs or never says how many checks it made has failed, whatever its exit status.
set -u

# "97%: Checks: 30, Failures: 1, Errors: 0" gives "30 1"; several such lines are added up.
count() {
    sed -n 's/^[0-9]*%: Checks: \([0-9]*\), Failures: \([0-9]*\), Errors: \([0-9]*\)$/\1 \2 \3/p' |
        awk '{ checks += $1; bad += $2 + $3 } END { print checks + 0, bad + 0 }'
}

# All that is told of a program is written at once, so that nothing of another one comes in between.
run_one() {
    output=$(CK_FORK=no UBSAN_OPTIONS=print_stacktrace=1 timeout 300 "$1" 2>&1)
    status=$?
    counts=$(printf '%s\n' "$output" | count)
    checks=${counts% *} bad=${counts#* }
    [ "$checks" -gt 0 ] || checks=1 bad=1
    [ "$status" -eq 0 ] || [ "$bad" -gt 0 ] || bad=1
    if [ "$bad" -gt 0 ]; then
        printf '%s\nFAILED: %s (exit status %s)\n' "$output" "$1" "$status" >"$2/$$"
    fi
    printf '%s: %s%%: Checks: %s, Failures: %s, Errors: 0\n' "$(basename "$1")" \
        $(((checks - bad) * 100 / checks)) "$checks" "$bad" >>"$2/$$"
    cat "$2/$$"
}

if [ "$1" = --one ]; then
    run_one "$3" "$2"
    exit
fi
kind=$1
shift
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 130' INT TERM HUP
printf '%s\n' "$@" | xargs -P "$(nproc 2>/dev/null || echo 2)" -I '{}' sh "$0" --one "$folder" '{}'
cat "$folder"/* | awk -v kind="$kind" -v programs=$# '
    /^[^ ]+: [0-9]+%: Checks: / { checks += $4; bad += $6; told++ }
    END {
        lost = programs - told
        printf "%s: %d passed, %d failed\n", kind, checks - bad, bad + lost
        exit bad + lost > 0
    }'
