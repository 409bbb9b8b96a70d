#!/bin/sh
# Fuzzes each target for a while, two at a time. usage: run.sh FOLDER SECONDS TARGET...
#
# FOLDER holds the built targets. Each starts from tests/fuzz/seeds/<target without fuzz_>; what it finds on the way is
# dropped, but an input that breaks it stays in FOLDER/crashes.
set -u

# The last "#123 … cov: 45 …" and "stat::name: 678" of libFuzzer's talk, as one line.
summary() {
    awk '/ cov: / { for (i = 1; i < NF; i++) if ($i == "cov:") cov = $(i + 1) }
         /^stat::number_of_executed_units:/ { runs = $2 }
         /^stat::new_units_added:/ { found = $2 }
         END { printf "%s runs, %s edges, %s new inputs", runs, cov, found }' "$1"
}

fuzz_one() {
    folder=$1 seconds=$2 target=$3
    seeds=tests/fuzz/seeds/${target#fuzz_}
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    mkdir -p "$work/corpus" "$folder/crashes"
    [ -d "$seeds" ] || seeds=
    if timeout -k 10 $((seconds + 60)) "$folder/$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
        -print_final_stats=1 -artifact_prefix="$folder/crashes/$target-" \
        "$work/corpus" ${seeds:+"$seeds"} >"$work/log" 2>&1; then
        echo "$target: $(summary "$work/log")"
    else
        tail -n 40 "$work/log"
        echo "FAILED: $target (input in $folder/crashes)"
        return 1
    fi
}

if [ "$1" = --one ]; then
    shift
    fuzz_one "$@"
    exit
fi
if [ $# -lt 3 ]; then
    echo "usage: $0 FOLDER SECONDS TARGET..." >&2
    exit 2
fi
folder=$1 seconds=$2
shift 2
printf '%s\n' "$@" | xargs -P 2 -I '{}' sh "$0" --one "$folder" "$seconds" '{}' | {
    failed=0 passed=0
    while IFS= read -r line; do
        printf '%s\n' "$line"
        case $line in
            "FAILED: fuzz_"*) failed=$((failed + 1)) ;;
            fuzz_*" runs, "*) passed=$((passed + 1)) ;;
        esac
    done
    echo "fuzz: $passed passed, $failed failed"
    [ "$failed" -eq 0 ] && [ "$passed" -eq "$#" ]
}
