#!/bin/sh
# An nginx for tests/test_nginx.py: Debian's package where root can install it.
set -u
command -v nginx >/dev/null || [ -x /usr/sbin/nginx ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "Installing nginx from Debian's packages ..."
  timeout 60 apt-get update -qq && DEBIAN_FRONTEND=noninteractive timeout 300 apt-get install -y -qq nginx-light >/dev/null
fi
[ -x /usr/sbin/nginx ] && exit 0
echo "No nginx could be installed. Install one by hand (on Debian: apt install nginx-light) and try again." >&2
[ -z "${CI:-}" ] || exit 1
echo "The tests behind nginx are skipped." >&2
