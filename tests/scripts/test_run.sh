#!/bin/sh
# scripts/run.sh with stand-ins for the two programs. usage: test_run.sh (from the top folder)
set -u
fake=$(mktemp -d)
trap 'rm -rf "$fake"' EXIT
. tests/scripts/verdict.sh

cat >"$fake/dsgate-sim" <<TXT
#!/bin/sh
[ "\$2" != 127.0.0.1:8600 ] || { echo "cannot listen on \$2: in use"; sleep 1; exit 1; }
echo \$\$ >'$fake/simulator'
echo "dsgate-sim listens on \$2"
exec sleep 60
TXT
cat >"$fake/dsgate" <<TXT
#!/bin/sh
echo "\$* \$DEEPSEEK_API_KEY \${DEEPSEEK_BASE_URL-}" >'$fake/gateway.new'
mv '$fake/gateway.new' '$fake/gateway'
[ "\${DEEPSEEK_API_KEY-}" = sk-simulator ] && exec sleep 60
exit 7
TXT
chmod 755 "$fake/dsgate" "$fake/dsgate-sim"

# Until the gateway's stand-in has said how it was started.
wait_for_gateway() {
    patience=100
    until [ -e "$fake/gateway" ] || [ "$patience" -eq 0 ]; do
        sleep 0.05
        patience=$((patience - 1))
    done
}

with_simulator() {
    env -u DEEPSEEK_API_KEY BUILD="$fake" sh scripts/run.sh >"$fake/out" 2>&1 &
    script=$!
    wait_for_gateway
    verdict 'without a key: the next free port' 'run sk-simulator http://127.0.0.1:8601' "$(cat "$fake/gateway")"
    verdict 'it says so' 1 "$(grep -c 'simulator at http://127.0.0.1:8601' "$fake/out")"
    kill -TERM "$script"
    wait "$script"
    verdict 'the status is the gateway'\''s' 143 $?
    kill -0 "$(cat "$fake/simulator")" 2>/dev/null
    verdict 'the simulator has ended too' 1 $?
}

with_key() {
    rm -f "$fake/simulator"
    DEEPSEEK_API_KEY=sk-real BUILD=$fake sh scripts/run.sh >"$fake/out" 2>&1
    verdict 'with a key: the status is the gateway'\''s' 7 $?
    verdict 'with a key: it is used' 'run sk-real ' "$(cat "$fake/gateway")"
    env -u DEEPSEEK_API_KEY BUILD="$fake" sh scripts/run.sh -c some.yaml >"$fake/out" 2>&1
    verdict 'with a file' 'run -c some.yaml  ' "$(cat "$fake/gateway")"
    verdict 'no simulator was started' no "$([ -e "$fake/simulator" ] && echo yes || echo no)"
}

unset DEEPSEEK_BASE_URL DSGATE_LISTEN
with_simulator
with_key
total run
