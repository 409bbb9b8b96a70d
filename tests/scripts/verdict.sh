# shellcheck shell=sh
# Counting for the tests beside it, which source this file.
passed=0 failed=0

# verdict WHAT EXPECTED GOT
verdict() {
    if [ "$2" = "$3" ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'FAILED: %s\n  expected: %s\n  got:      %s\n' "$1" "$2" "$3"
    fi
}

# The last line of a test: its total, and its exit status.
total() {
    echo "$1: $passed passed, $failed failed"
    [ "$failed" -eq 0 ]
}
