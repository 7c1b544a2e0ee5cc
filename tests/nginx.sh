#!/bin/sh
# An nginx for the tests of what stands in front of an app.
set -u
command -v nginx >/dev/null || [ -x /usr/sbin/nginx ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "Installing nginx from Debian's packages ..."
  timeout 60 apt-get update -qq && DEBIAN_FRONTEND=noninteractive timeout 300 apt-get install -y -qq --no-install-recommends nginx-light >/dev/null
  # The tests start one of their own, in a folder of their own.
  command -v service >/dev/null && service nginx stop >/dev/null 2>&1
fi
command -v nginx >/dev/null || [ -x /usr/sbin/nginx ] && exit 0
echo "No nginx could be installed. Install one by hand (on Debian: apt install nginx-light) and try again." >&2
[ -z "${CI:-}" ] || exit 1
echo "The tests with nginx are skipped." >&2
