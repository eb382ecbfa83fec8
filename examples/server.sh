# SPDX-License-Identifier: Apache-2.0
# What the examples have in common. `source examples/server.sh NAME`, from the tree's top, starts a server whose data directory goes with the
# example's end; $work is a directory beside it. MARTLET_BIN names a server that is built already.
example=$1

title() { printf '\n== %s\n' "$*"; }
fail() { echo "$example: $*" >&2; exit 1; }

[[ -x .venv/bin/aws ]] || Scripts/setup.sh
if [[ -z ${MARTLET_BIN:-} ]]; then
    Scripts/build-release.sh
    MARTLET_BIN=$(swift build -c release --show-bin-path)/martlet
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/martlet-$example.XXXXXX")
server=
cleanup() {
    if [[ -n $server ]] && kill -0 "$server" 2>/dev/null; then kill -TERM "$server"; wait "$server" 2>/dev/null || true; fi
    rm -rf "$work"
}
trap cleanup EXIT
export MARTLET_DATA=$work/data

# Starts the server, and says where it is and who its administrator is.
start() {
    : >"$work/server.log"
    "$MARTLET_BIN" serve --listen 127.0.0.1:0 2>"$work/server.log" &
    server=$!
    for ((i = 0; i < 600; i++)); do
        grep -qs '^martlet ready on ' "$work/server.log" && break
        kill -0 "$server" 2>/dev/null || { cat "$work/server.log" >&2; fail "the server did not start"; }
        sleep 0.1
    done
    eval "$("$MARTLET_BIN" env)"
}

# Version 1 of the AWS CLI looks for services other than Lambda elsewhere if it is not told so.
aws() { .venv/bin/aws --endpoint-url "$AWS_ENDPOINT_URL_LAMBDA" --output text "$@"; }

# deploy FUNCTION: the example's app.py, under that name.
deploy() {
    local python
    python=$("$MARTLET_BIN" doctor 2>/dev/null | sed -n 's/^ok  \(python3\.[0-9]*\): .*/\1/p' | sort -V | tail -n 1 || true)
    [[ -n $python ]] || fail "the server found no Python on this machine: martlet doctor says what it looked for"
    mkdir "$work/code"
    cp "examples/$example/app.py" "$work/code/"
    "$MARTLET_BIN" deploy "$work/code" --name "$1" --runtime "$python" --handler app.handler --memory 128 --timeout 10
}

start
