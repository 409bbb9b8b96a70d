#!/bin/sh
# Copies what was built to where it belongs. usage: install.sh BUILD DESTDIR PREFIX
#
# An existing configuration is never touched; paths inside the systemd unit become those of PREFIX. Configuration lives in /etc for the
# prefix /usr, in PREFIX/etc otherwise.
set -eu
if [ $# -ne 3 ] || [ -z "$3" ]; then
    echo "usage: $0 BUILD DESTDIR PREFIX" >&2
    exit 2
fi
build=$1 destdir=$2 prefix=${3%/}
case $prefix in
    /usr) etc=/etc/dsgate ;;
    *) etc=$prefix/etc/dsgate ;;
esac

# put MODE FOLDER FILE...
put() {
    mode=$1 folder=$destdir$2
    shift 2
    mkdir -p "$folder"
    for file in "$@"; do
        install -m "$mode" "$file" "$folder/"
    done
}

install_programs() { put 755 "$prefix/bin" "$build/dsgate" "$build/dsgate-sim"; }

install_manual() {
    put 644 "$prefix/share/man/man1" docs/man/*.1
    put 644 "$prefix/share/man/man5" "$build/man/dsgate.yaml.5"
}

install_config() {
    put 644 "$etc" conf/dsgate.reference.yaml
    if [ -e "$destdir$etc/dsgate.yaml" ]; then
        echo "kept: $etc/dsgate.yaml"
    else
        put 644 "$etc" conf/dsgate.yaml
    fi
}

install_units() {
    put 644 "$prefix/lib/systemd/system" systemd/dsgate.socket
    sed -e "s|/usr/bin/dsgate|$prefix/bin/dsgate|g" -e "s|/etc/dsgate/|$etc/|g" systemd/dsgate.service \
        >"$destdir$prefix/lib/systemd/system/dsgate.service"
    chmod 644 "$destdir$prefix/lib/systemd/system/dsgate.service"
}

install_programs
install_manual
install_config
install_units
