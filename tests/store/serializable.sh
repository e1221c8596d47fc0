#!/bin/sh
# tests/store/t_pgstore where the server's default is SERIALIZABLE.
top=${top_srcdir:-$(dirname "$0")/../..}
PGOPTIONS="-c default_transaction_isolation=serializable"
export PGOPTIONS
exec "$top/tests/store/with-postgres.sh" ./tests/store/t_pgstore
