#!/bin/sh
# tests/store/t_isolation on a Postgres of its own.
top=${top_srcdir:-$(dirname "$0")/../..}
exec "$top/tests/store/with-postgres.sh" ./tests/store/t_isolation
