#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Shows the whole of it: a server with its defaults, a Python and a compiled function, cold and warm, log and bill.
# MARTLET_BIN names a server that is built already.
set -euo pipefail
cd "$(dirname "$0")/.."

title() { printf '\n== %s\n' "$*"; }
run() { printf '$ %s\n' "$*"; "$@"; }
fail() { echo "demo: $*" >&2; exit 1; }

if [[ -z ${MARTLET_BIN:-} ]]; then
    title "Building (the first time takes some minutes)"
    Scripts/build-release.sh
    MARTLET_BIN=$(swift build -c release --show-bin-path)/martlet
fi
martlet() { "$MARTLET_BIN" "$@"; }

work=$(mktemp -d "${TMPDIR:-/tmp}/martlet-demo.XXXXXX")
server=
cleanup() {
    if [[ -n $server ]] && kill -0 "$server" 2>/dev/null; then kill -KILL "$server"; wait "$server" 2>/dev/null || true; fi
    rm -rf "$work"
}
trap cleanup EXIT

title "Starting a server with an empty data directory"
listen=127.0.0.1:4566
if (exec 3<>"/dev/tcp/127.0.0.1/4566") 2>/dev/null; then
    echo "Port 4566 is in use by somebody else: taking a free one."
    listen=127.0.0.1:0
fi
# Tools of the machine's owner must not be sent elsewhere by what is set in this shell.
unset AWS_ENDPOINT_URL AWS_ENDPOINT_URL_LAMBDA AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN
export MARTLET_DATA=$work/data
"$MARTLET_BIN" serve --listen "$listen" 2>"$work/server.log" &
server=$!
for ((i = 0; i < 300; i++)); do
    grep -q '^martlet ready on ' "$work/server.log" && break
    kill -0 "$server" 2>/dev/null || { cat "$work/server.log" >&2; fail "the server did not start"; }
    sleep 0.1
done
grep '^martlet ready on ' "$work/server.log" || { cat "$work/server.log" >&2; fail "the server was not ready within 30 s"; }
spawner=$(pgrep -P "$server" | tr '\n' ' ')

title "A Python function: the words of the GNU General Public License"
text=/usr/share/common-licenses/GPL-3
[[ -r $text ]] || fail "$text is not there (package base-files)"
mkdir "$work/word-count"
cp examples/word-count/app.py "$work/word-count/"
cp -L "$text" "$work/word-count/text.txt"
python=$(martlet doctor 2>/dev/null | sed -n 's/^ok  \(python3\.[0-9]*\): .*/\1/p' | sort -V | tail -n 1 || true)
[[ -n $python ]] || fail "the server found no Python on this machine: martlet doctor says what it looked for"
run martlet deploy "$work/word-count" --name word-count --runtime "$python" --handler app.handler --memory 256
run martlet invoke word-count --payload '{"top": 5}' --log
run martlet invoke word-count --payload '{"top": 5}' --log

title "A compiled function: the primes below two million, in C"
mkdir "$work/primes"
run cc -O2 -static -o "$work/primes/bootstrap" examples/compiled/bootstrap.c
run martlet deploy "$work/primes" --name primes --runtime provided.al2023 --handler none --memory 512
run martlet invoke primes --payload '{"limit": 2000000}' --log
run martlet invoke primes --payload '{"limit": 2000000}' --log

title "The log, as it is kept"
run martlet logs word-count

title "The bill"
run martlet usage

title "Stopping the server"
kill -TERM "$server"
status=0
wait "$server" || status=$?
server_pid=$server
server=
((status == 0)) || { cat "$work/server.log" >&2; fail "the server ended with $status"; }
Scripts/check-leftovers.sh "$work/data" "$server_pid" $spawner
