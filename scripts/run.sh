#!/bin/sh
# Starts the gateway; without a key and a config file on the bundled simulator, so that there is something to talk to.
# usage: run.sh [arguments of `dsgate run`]
#
# Two programs, one Ctrl-C: neither must outlive the script, and a simulator port that is taken must not stop the show.
set -eu
: "${BUILD:=build}"

if [ -n "${DEEPSEEK_API_KEY-}" ] || [ $# -gt 0 ]; then
    exec "$BUILD/dsgate" run "$@"
fi

simulator='' gateway='' stopping='' folder=$(mktemp -d)

clean_up() {
    rm -rf "$folder"
    [ -n "$simulator" ] || return 0
    kill "$simulator" 2>/dev/null || true
    wait "$simulator" 2>/dev/null || true
}
trap clean_up EXIT
trap 'exit 130' INT TERM HUP

# Running means listening: a port that is taken shows as a program that ends.
simulator_listens() {
    patience=50
    while kill -0 "$simulator" 2>/dev/null; do
        ! grep -qs ' listens on ' "$folder/simulator" || return 0
        patience=$((patience - 1))
        [ "$patience" -gt 0 ] || return 0
        sleep 0.1
    done
    return 1
}

start_simulator() {
    for port in 8600 8601 8602 8603 8604 8605 8606 8607 8608 8609; do
        "$BUILD/dsgate-sim" --listen "127.0.0.1:$port" >"$folder/simulator" 2>&1 &
        simulator=$!
        simulator_listens && return
    done
    cat "$folder/simulator" >&2
    simulator=
    echo "run.sh: the simulator does not start (ports 8600 to 8609)" >&2
    exit 1
}

# "Every address" is one to listen on, not one to ask.
introduce() {
    case $1 in
        unix:*) place="--unix-socket '${1#unix:}' 'http://localhost" ;;
        0.0.0.0:*) place="'http://127.0.0.1:${1##*:}" ;;
        '[::]:'*) place="'http://[::1]:${1##*:}" ;;
        *) place="'http://$1" ;;
    esac
    cat <<TXT

No DEEPSEEK_API_KEY: dsgate runs on its simulator at http://127.0.0.1:$port, so answers are made up and cost nothing.
For real answers: DEEPSEEK_API_KEY=sk-... make run

Try it:
  curl -N $place/v1/chat/completions' -H 'content-type: application/json' \\
    -d '{"model":"deepseek-flash","stream":true,"messages":[{"role":"user","content":"Hello"}]}'

TXT
}

# The gateway's log goes through here, because it says when and where there is something to try. Ends with the gateway.
pass_on() {
    trap '' INT TERM HUP
    introduced=no
    while IFS= read -r line; do
        printf '%s\n' "$line" >&2
        case $introduced$line in
            no*' listens on '*)
                introduced=yes where=${line#* listens on }
                introduce "${where%% (*}"
                ;;
        esac
    done
}

# A signal may come before the gateway's number is known.
stop() {
    stopping=yes
    [ -z "$gateway" ] || kill -TERM "$gateway" 2>/dev/null || true
}

start_gateway() {
    mkfifo "$folder/log"
    pass_on <"$folder/log" &
    reader=$!
    trap stop TERM HUP
    trap : INT # Ctrl-C reaches the gateway by itself, and a second signal would keep it from draining
    DEEPSEEK_BASE_URL=http://127.0.0.1:$port DEEPSEEK_API_KEY=sk-simulator "$BUILD/dsgate" run 2>"$folder/log" &
    gateway=$!
    [ -z "$stopping" ] || stop
}

# The gateway drains after the signal, so it may take several waits until it has ended.
wait_for_gateway() {
    status=0
    wait "$gateway" || status=$?
    while kill -0 "$gateway" 2>/dev/null; do
        status=0
        wait "$gateway" || status=$?
    done
    wait "$reader" || true
    return "$status"
}

start_simulator
start_gateway
wait_for_gateway
