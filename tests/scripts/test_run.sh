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
echo \$\$ >'$fake/gateway.pid'
echo "\$* \$DEEPSEEK_API_KEY \${DEEPSEEK_BASE_URL-}" >'$fake/gateway.new'
mv '$fake/gateway.new' '$fake/gateway'
[ "\${DEEPSEEK_API_KEY-}" = sk-simulator ] || exit 7
[ -z "\${TAKEN-}" ] || { echo 'dsgate: cannot listen on 127.0.0.1:8585: in use' >&2; exit 1; }
echo "info  dsgate 1 listens on \${LISTENS:-127.0.0.1:8585} (API), 127.0.0.1:8586 (admin); 2 workers" >&2
exec sleep 60
TXT
chmod 755 "$fake/dsgate" "$fake/dsgate-sim"

# until_there COMMAND...: until it succeeds, for five seconds at most.
until_there() {
    patience=100
    until "$@" || [ "$patience" -eq 0 ]; do
        sleep 0.05
        patience=$((patience - 1))
    done
}

is_introduced() { grep -qs '"content":"Hello"' "$fake/out"; }

# "yes" or "no" of a program whose stand-in wrote its process down.
runs() { kill -0 "$(cat "$1")" 2>/dev/null && echo yes || echo no; }

gateway_has_ended() { [ "$(runs "$fake/gateway.pid")" = no ]; }

# In the background, as `script`; what it prints in `out`.
start() {
    rm -f "$fake/gateway" "$fake/gateway.pid" "$fake/simulator" "$fake/out"
    env -u DEEPSEEK_API_KEY BUILD="$fake" "$@" >"$fake/out" 2>&1 &
    script=$!
    until_there is_introduced
}

# What is to be typed: the address in the example.
example_of() {
    start env LISTENS="$1" sh scripts/run.sh
    kill -TERM "$script"
    wait "$script"
    sed -n "s/^  curl -N \(.*\) -H .*/\1/p" "$fake/out"
}

with_simulator() {
    start sh scripts/run.sh
    verdict 'without a key: the next free port' 'run sk-simulator http://127.0.0.1:8601' "$(cat "$fake/gateway")"
    verdict 'it says so' 1 "$(grep -c 'simulator at http://127.0.0.1:8601' "$fake/out")"
    verdict 'the log is passed on' 1 "$(grep -c 'listens on 127.0.0.1:8585' "$fake/out")"
    kill -TERM "$script"
    wait "$script"
    verdict 'the status is the gateway'\''s' 143 $?
    verdict 'the simulator has ended too' no "$(runs "$fake/simulator")"
    verdict 'and the gateway' no "$(runs "$fake/gateway.pid")"
}

addresses() {
    verdict 'an address' "'http://127.0.0.1:8585/v1/chat/completions'" "$(example_of 127.0.0.1:8585)"
    verdict 'every address' "'http://127.0.0.1:14585/v1/chat/completions'" "$(example_of 0.0.0.0:14585)"
    verdict 'every IPv6 address' "'http://[::1]:14585/v1/chat/completions'" "$(example_of '[::]:14585')"
    verdict 'a Unix socket' "--unix-socket '/run/d.sock' 'http://localhost/v1/chat/completions'" \
        "$(example_of unix:/run/d.sock)"
}

with_the_port_taken() {
    env -u DEEPSEEK_API_KEY BUILD="$fake" TAKEN=1 sh scripts/run.sh >"$fake/out" 2>&1
    verdict 'the port is taken: the status is the gateway'\''s' 1 $?
    verdict 'the port is taken: it says so' 1 "$(grep -c 'cannot listen' "$fake/out")"
    verdict 'the port is taken: there is nothing to try' 0 "$(grep -c 'Try it' "$fake/out")"
    verdict 'the port is taken: the simulator has ended' no "$(runs "$fake/simulator")"
}

# make passes the signal on to what it has started; a shell between them would keep it for itself.
under_make() {
    start env -u MAKEFLAGS -u MAKELEVEL make --no-print-directory run MAKE=true BUILD="$fake"
    kill -TERM "$script"
    wait "$script"
    until_there gateway_has_ended
    verdict 'make is terminated: the gateway has ended' no "$(runs "$fake/gateway.pid")"
    verdict 'make is terminated: the simulator too' no "$(runs "$fake/simulator")"
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
addresses
with_the_port_taken
under_make
with_key
total run
