#!/bin/sh
# Install what the tests use and the machine lacks, where that is possible: root with apt-get.
#
# Elsewhere it names what is missing; the tests that need it say so and are skipped.
set -eu

missing=""
need() { # COMMAND PACKAGE
	command -v "$1" >/dev/null 2>&1 || missing="$missing $2"
}

PATH=$PATH:/usr/sbin:/sbin
need git git
need dockerd docker.io
need docker-compose docker-compose
need iptables iptables
need debootstrap debootstrap
need mkfs.vfat dosfstools
need mcopy mtools
[ "$(uname -s)" = Linux ] || missing=$(command -v git >/dev/null 2>&1 || echo " git")
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
	echo "installing for the tests:$missing"
	export DEBIAN_FRONTEND=noninteractive
	log=$(mktemp)
	if { apt-get update && apt-get install -y --no-install-recommends $missing; } \
		>"$log" 2>&1 </dev/null; then
		rm -f "$log"
		exit 0
	fi
	tail -5 "$log" >&2
	rm -f "$log"
fi
echo "not installed:$missing; the tests that need them are skipped" >&2
