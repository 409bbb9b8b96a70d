#!/bin/sh
# What the image's command, its health check and its files say of each other.
# usage: test_dockerfile.sh (from the top folder)
set -u
. tests/scripts/verdict.sh

# The file after -c in the line that matches.
config_of() { sed -n "s/^$1.*\"-c\", *\"\([^\"]*\)\".*/\1/p" Dockerfile; }

served=$(config_of 'CMD')
verdict 'the command names a config' /etc/dsgate/dsgate.yaml "$served"
verdict 'the health check asks the gateway of the same config' "$served" "$(config_of 'HEALTHCHECK')"
verdict 'the image has that config' 1 "$(grep -c "^COPY conf/$(basename "$served") .*$(dirname "$served")/" Dockerfile)"
total dockerfile
