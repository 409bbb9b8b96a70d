#!/bin/sh
# Installs what a task needs and this machine lacks. usage: install-packages.sh build|test|bench
#
# Machines differ in what they call a package and in what they already have, so each need is one row: how to see that it is
# met, and what to install when it is not. Nothing is asked of a package manager unless a row fails, so the usual run is silent
# and takes a few milliseconds.
#
# Columns: task | probe | Debian, Ubuntu (apt) | Fedora (dnf) | Alpine (apk) | Homebrew (brew); "-" = no such package there.
# Tasks include the ones before them. `later` rows are looked at again once the others are there, because some packages bring them
# along (and Node.js's own package even conflicts with Debian's npm).
set -eu

needs='
build | program cc                   | gcc                 | gcc                         | gcc          | -
build | header stdio.h               | libc6-dev           | glibc-devel                 | musl-dev     | -
build | program make                 | make                | make                        | make         | make
build | program pkg-config           | pkg-config          | pkgconf-pkg-config          | pkgconf      | pkgconf
build | module libevent_core         | libevent-dev        | libevent-devel              | libevent-dev | libevent
build | module libcurl               | libcurl4-openssl-dev| libcurl-devel               | curl-dev     | curl
build | module openssl               | libssl-dev          | openssl-devel               | openssl-dev  | openssl@3
build | module yaml-0.1              | libyaml-dev         | libyaml-devel               | yaml-dev     | libyaml
build | module hiredis               | libhiredis-dev      | hiredis-devel               | hiredis-dev  | hiredis
build | module sqlite3               | libsqlite3-dev      | sqlite-devel                | sqlite-dev   | sqlite
test  | module check                 | check               | check-devel                 | check-dev    | check
test  | compiler gcc libasan.so      | gcc                 | libasan                     | -            | -
test  | compiler gcc libubsan.so     | gcc                 | libubsan                    | -            | -
test  | compiler gcc libtsan.so      | gcc                 | libtsan                     | -            | -
test  | program clang                | clang               | clang                       | clang        | llvm
test  | program node                 | nodejs              | nodejs                      | nodejs       | node
test  | program promtool             | prometheus          | golang-github-prometheus    | prometheus   | prometheus
test  | program redis-server         | redis-server        | redis                       | redis        | redis
test  | program python3              | python3             | python3                     | python3      | python3
test  | program openssl              | openssl             | openssl                     | openssl      | openssl@3
test  | program curl                 | curl                | curl                        | curl         | curl
test  | program mandoc               | mandoc              | mandoc                      | mandoc       | mandoc
later | program npm                  | npm                 | nodejs-npm                  | npm          | node
later | fuzzer clang                 | libclang-rt-dev     | compiler-rt                 | compiler-rt  | -
bench | program nginx                | nginx               | nginx                       | nginx        | nginx
bench | program wrk                  | wrk                 | wrk                         | wrk          | wrk
bench | program taskset              | util-linux          | util-linux-core             | util-linux-misc | -
'

PATH=$PATH:/usr/sbin:/sbin # where Debian keeps nginx

# ---- is a need met? ----

have_program() { command -v "$1" >/dev/null 2>&1; }
have_module() { pkg-config --exists "$1" 2>/dev/null; }
have_header() { echo "#include <$1>" | cc -E - >/dev/null 2>&1; }
have_compiler() { case $("$1" -print-file-name="$2" 2>/dev/null) in /*) ;; *) return 1 ;; esac; }
have_fuzzer() { ls "$("$1" -print-runtime-dir 2>/dev/null)"/libclang_rt.fuzzer* >/dev/null 2>&1; }

# The packages of this manager for the unmet needs of a task, once each.
missing() {
    echo "$needs" | while IFS='|' read -r task probe apt dnf apk brew; do
        [ "${task%% *}" = "$1" ] || continue
        # shellcheck disable=SC2086 # the probe is a word and its arguments
        set -- "$1" $probe
        "have_$2" "$3" "${4-}" && continue
        case $manager in apt-get) echo "$apt" ;; dnf) echo "$dnf" ;; apk) echo "$apk" ;; *) echo "$brew" ;; esac
    done | tr -d ' ' | grep -vx -e '' -e - | sort -u | tr '\n' ' '
}

# ---- installing ----

find_manager() {
    for manager in apt-get dnf apk brew; do
        have_program "$manager" && return
    done
    manager=none
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

# Debian starts the daemons of the packages it installs; here only their programs are wanted, so that is forbidden meanwhile
# and undone for the next start of the machine.
policy=/usr/sbin/policy-rc.d
forbid_services() {
    [ -e "$policy" ] && return
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
    trap 'as_root rm -f "$policy"' EXIT
}

apt_install() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"
}

# The package lists of a fresh image are empty, those of an old one stale, which shows as a failure: then an update helps.
install_with_apt() {
    services=
    for package in "$@"; do
        case $package in nginx | prometheus | redis-server) services="$services $package" ;; esac
    done
    [ -z "$services" ] || forbid_services
    ls /var/lib/apt/lists/*Packages* >/dev/null 2>&1 || as_root apt-get update
    apt_install "$@" || { as_root apt-get update && apt_install "$@"; } || return 1
    for service in $services; do
        as_root systemctl disable --quiet "$service" 2>/dev/null || true
    done
}

command_line() {
    case $manager in
        apt-get) echo "apt-get update && apt-get install -y --no-install-recommends $*" ;;
        dnf) echo "dnf install -y $*" ;;
        apk) echo "apk add $*" ;;
        brew) echo "brew install $*" ;;
    esac
}

install() {
    if [ "$manager" != brew ] && [ "$(id -u)" -ne 0 ] && ! have_program sudo; then
        return 1
    fi
    echo "installing: $*"
    case $manager in
        apt-get) install_with_apt "$@" ;;
        dnf) as_root dnf install -y "$@" ;;
        apk) as_root apk add "$@" ;;
        brew) brew install "$@" ;;
    esac
}

give_up() {
    if [ "$manager" = none ]; then
        echo "install-packages: no known package manager here (apt-get, dnf, apk, brew). See the table in $0." >&2
    else
        echo "install-packages: could not install what is missing. Please run as root:" >&2
        echo "    $(command_line "$@")" >&2
    fi
    exit 1
}

provide() {
    packages=$(missing "$1")
    [ -n "$packages" ] || return 0
    # shellcheck disable=SC2086 # a list of words
    install $packages || give_up $packages
    packages=$(missing "$1")
    [ -z "$packages" ] || echo "install-packages: installed, and yet not found: $packages" >&2
}

case ${1-} in
    build) tasks='build' ;;
    test) tasks='build test later' ;;
    bench) tasks='build test later bench' ;;
    *) echo "usage: $0 build|test|bench" >&2 && exit 2 ;;
esac
find_manager
for task in $tasks; do
    provide "$task"
done
