#!/bin/sh
# A Chromium for the browser tests. $1 is Playwright's command.
set -u
command -v chromium >/dev/null && command -v chromium-headless-shell >/dev/null && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "Installing Chromium from Debian's packages ..."
  # The second makes the tests twice as fast, where a distribution has it.
  for package in chromium chromium-headless-shell; do
    command -v "$package" >/dev/null && continue
    timeout 60 apt-get update -qq && DEBIAN_FRONTEND=noninteractive timeout 300 apt-get install -y -qq "$package" >/dev/null
  done
fi
command -v chromium >/dev/null && exit 0
command -v chromium-browser >/dev/null && exit 0
echo "Installing Chromium with Playwright's own installer ..."
"$1" install chromium && exit 0
echo "No Chromium could be installed. Install one by hand (on Debian: apt install chromium) and try again." >&2
[ -z "${CI:-}" ] || exit 1
echo "The browser tests are skipped." >&2
