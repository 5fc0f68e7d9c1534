#!/bin/sh
# Runs the test files that the kernel's command line names, with the results on the second serial line, and switches off.
stty -F /dev/ttyS1 raw -echo
for module in overlay veth dummy tun bfq loop; do modprobe "$module"; done
for word in $(cat /proc/cmdline); do
  case $word in
    runo.files=*) files=$(echo "${word#runo.files=}" | tr , ' ') ;;
    runo.filter=*) filter=${word#runo.filter=} ;;
  esac
done
mkdir -p /tmp/deno-dir
[ ! -d /payload/deno-dir/npm ] || ln -s /payload/deno-dir/npm /tmp/deno-dir/npm
cd /payload/repo || exit 1
# the one of the image works with its kernel
export RUNO_CRIU=/usr/sbin/criu
export HOME=/root PATH="/payload:$PATH" DENO_DIR=/tmp/deno-dir DENO_NO_UPDATE_CHECK=1 NO_COLOR=1 RUNO_VM=1
# shellcheck disable=SC2086
deno test -A --no-check --no-lock --cached-only --reporter=tap --filter="$filter" $files > /dev/ttyS1 2> /dev/ttyS0
sync
echo o > /proc/sysrq-trigger
sleep 60
