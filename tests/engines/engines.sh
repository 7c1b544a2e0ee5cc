#!/bin/sh
# Firefox and WebKit for the tests in engines: Debian's when root.
set -u
missing() {
  command -v firefox-esr >/dev/null || command -v firefox >/dev/null || echo firefox-esr
  command -v WebKitWebDriver >/dev/null || echo webkit2gtk-driver
  command -v Xvfb >/dev/null || echo xvfb
}
[ -z "$(missing)" ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "Installing" $(missing) "from Debian's packages ..."
  timeout 60 apt-get update -qq
  for package in $(missing); do
    DEBIAN_FRONTEND=noninteractive timeout 300 apt-get install -y -qq --no-install-recommends "$package" >/dev/null
  done
fi
[ -z "$(missing)" ] && exit 0
echo "Missing: $(missing | tr '\n' ' ')and not to be installed here (on Debian: apt install, as root)." >&2
[ -z "${CI:-}" ] || exit 1
echo "The tests in what is missing are skipped." >&2
