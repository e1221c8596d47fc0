#!/bin/sh
# Run a command with a Postgres of its own: with-postgres.sh COMMAND...
#
# PERDURE_TEST_DB is the connection string of an empty database, and
# PERDURE_TEST_PGDATA and PERDURE_TEST_PGUSER tell who runs it where.  All of it
# is gone afterwards.  Postgres refuses to run as root, so root lends it
# another user.
set -u

bin=
for d in /usr/lib/postgresql/*/bin /usr/pgsql-*/bin; do
	[ -x "$d/initdb" ] && bin=$d
done
if [ -z "$bin" ]; then
	bin=$(dirname "$(command -v initdb)") || {
		echo "1..0 # SKIP there is no Postgres"
		exit 0
	}
fi

as=
user=$(id -un)
if [ "$(id -u)" = 0 ]; then
	for u in perdure postgres; do
		if id "$u" >/dev/null 2>&1; then
			user=$u
			break
		fi
	done
	if [ "$user" = root ]; then
		echo "Bail out! root needs a user perdure or postgres"
		exit 1
	fi
	as="setpriv --reuid=$user --regid=$(id -g "$user") --clear-groups --"
fi

# Short, since a socket's path is.
dir=$(mktemp -d /tmp/pdt.XXXXXX) || exit 1
server=

end() {
	if [ -n "$server" ]; then
		# The server may have been killed and started by a test.
		pid=$(head -1 "$dir/data/postmaster.pid" 2>/dev/null)
		[ -z "$pid" ] || kill -INT "$pid" 2>/dev/null
		wait "$server"
	fi
	rm -rf "$dir"
}
trap end EXIT
trap 'exit 130' INT TERM

[ -z "$as" ] || chown "$user" "$dir"
cd "$dir" || exit 1
$as "$bin/initdb" -D "$dir/data" --username=test --auth=trust --encoding=UTF8 \
    --lc-collate=C --lc-ctype=C.UTF-8 --lc-messages=C --no-sync \
    >"$dir/initdb.log" 2>&1 || {
	cat "$dir/initdb.log"
	exit 1
}
$as "$bin/postgres" -D "$dir/data" -c listen_addresses= \
    -c unix_socket_directories="$dir" -c logging_collector=off \
    -c max_connections=80 -c shared_buffers=32MB -c jit=off \
    >"$dir/server.log" 2>&1 &
server=$!
tries=0
until "$bin/pg_isready" -q -h "$dir" -U test -d postgres; do
	tries=$((tries + 1))
	if [ $tries -gt 300 ] || ! kill -0 "$server" 2>/dev/null; then
		cat "$dir/server.log"
		exit 1
	fi
	sleep 0.1
done

PERDURE_TEST_DB="host=$dir user=test dbname=postgres"
PERDURE_TEST_PGDATA=$dir/data
PERDURE_TEST_PGUSER=$user
PERDURE_TEST_PGBIN=$bin
export PERDURE_TEST_DB PERDURE_TEST_PGDATA PERDURE_TEST_PGUSER
export PERDURE_TEST_PGBIN
cd "$OLDPWD" || exit 1
"$@"
