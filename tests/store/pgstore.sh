#!/bin/sh
# The store's tests, on a Postgres of their own.
top=${top_srcdir:-$(dirname "$0")/../..}
exec "$top/tests/store/with-postgres.sh" ./tests/store/t_pgstore
