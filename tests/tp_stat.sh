#!/bin/sh
# A PostgreSQL server for one command: own folder, own port, own password, gone afterwards.
#
#   throwaway_postgres.sh run [--fsync] COMMAND...   runs it with DATABASE_URL set
#   throwaway_postgres.sh restart fast|immediate     inside a run: stops the server and starts it
#   throwaway_postgres.sh programs                   prints where initdb and pg_ctl are
#
# Without --fsync commits are not made durable: right for tests, wrong for benchmarks.
set -eu

FAST="-c fsync=off -c full_page_writes=off -c synchronous_commit=off"

die() {
    echo "throwaway_postgres: $*" >&2
    exit 1
}

programs() {
    newest=$(for found in /usr/lib/postgresql/*/bin/initdb; do
        [ ! -x "$found" ] || echo "$found"
    done | sort -V | tail -n 1)
    [ -n "$newest" ] || newest=$(command -v initdb) || die "PostgreSQL's initdb was not found"
    dirname "$newest"
}

# PostgreSQL refuses to run as root, and its own user may not enter the folder we stand in.
as_server() (
    cd /
    if [ "$(id -u)" -eq 0 ]; then
        exec setpriv --reuid postgres --regid postgres --clear-groups -- "$@"
    fi
    exec "$@"
)

# A temporary folder under root's home is closed to the server's user: /tmp is the second choice.
make_folder() {
    for parent in "${TMPDIR:-/tmp}" /tmp; do
        folder=$(mktemp -d "$parent/postroom-pg.XXXXXX") || continue
        [ "$(id -u)" -ne 0 ] || chown postgres "$folder"
        as_server test -w "$folder" && return 0
        rmdir "$folder"
    done
    die "no temporary folder that PostgreSQL may write to"
}

random() { od -An -N"$1" -tx1 /dev/urandom | tr -d ' \n'; }

# start [SETTING...]: starts the server in $folder and sets `url`.
start() { set -- "$@" -c shared_preload_libraries=pg_stat_statements -c pg_stat_statements.track=all -c track_io_timing=on -c pg_stat_statements.track_planning=on;
    bin=$(programs)
    password=$(random 16)
    printf '%s\n' "$password" | as_server tee "$folder/password" >/dev/null
    as_server "$bin/initdb" -D "$folder/data" -U postgres -A scram-sha-256 \
        --pwfile="$folder/password" -E UTF8 --locale=C.UTF-8 --no-sync >"$folder/start.log" 2>&1 ||
        give_up "initdb failed"
    for _ in 1 2 3 4 5; do
        # Below the ports that the kernel gives to outgoing connections; taken ones are skipped.
        port=$((20000 + 0x$(random 2) % 12000))
        if as_server "$bin/pg_ctl" start --wait --silent -D "$folder/data" -l "$folder/log" \
            -o "-p $port -h 127.0.0.1 -k '' -c max_connections=200 $*" \
            >>"$folder/start.log" 2>&1 </dev/null; then
            url=postgres://postgres:$password@127.0.0.1:$port/postgres
            return 0
        fi
    done
    cat "$folder/log" >>"$folder/start.log"
    give_up "the server did not start"
}

give_up() {
    cat "$folder/start.log" >&2
    die "$1"
}

# Also fine when the server, or the folder, is gone already.
stop() {
    if [ -d "$1/data" ]; then
        as_server "$(programs)/pg_ctl" stop -D "$1/data" -m immediate --silent >/dev/null 2>&1 ||
            true
    fi
    rm -rf "$1"
}

# What stops the server when the run ends, however it ends: in a session of its own, it waits
# for the pipe to close, which the kernel sees to even if the whole run is killed.
stop_at_end() {
    trap '' INT TERM HUP
    cat
    stop "$1"
}

run() {
    settings=$FAST
    if [ "$1" = --fsync ]; then
        settings=
        shift
    fi
    programs >/dev/null
    make_folder
    mkfifo "$folder/alive"
    $(command -v setsid) "$0" stop_at_end "$folder" <"$folder/alive" >/dev/null 2>&1 &
    exec 9>"$folder/alive"
    trap 'stop "$folder"' EXIT
    trap 'exit 130' INT TERM HUP
    start "$settings" 9>&-
    env DATABASE_URL="$url" THROWAWAY_POSTGRES="$folder" "$@" 9>&-
}

# "immediate" is a crash: what was not in the log of the database is gone.
restart() {
    folder=${THROWAWAY_POSTGRES:?restart is for commands inside a run}
    as_server "$(programs)/pg_ctl" restart -D "$folder/data" -l "$folder/log" -m "$1" \
        --wait --silent >>"$folder/start.log" 2>&1 </dev/null || give_up "the server did not restart"
}

action=${1:-}
[ $# -eq 0 ] || shift
case $action in
    run | restart | programs | stop_at_end) "$action" "$@" ;;
    *) die "run, restart or programs?" ;;
esac
