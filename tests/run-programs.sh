#!/bin/sh
# Runs test programs one after the other; fails if one fails. usage: run-programs.sh KIND PROGRAM...
kind=$1
shift
failed=0 passed=0
for program in "$@"; do
    if output=$(timeout 300 "$program" 2>&1); then
        passed=$((passed + 1))
        printf '%s\n' "$output" | tail -n 1 | sed "s|^|$(basename "$program"): |"
    else
        failed=$((failed + 1))
        printf '%s\n' "$output"
        echo "FAILED: $program"
    fi
done
echo "$kind: $passed programs passed, $failed failed"
[ "$failed" -eq 0 ]
