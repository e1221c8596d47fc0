#!/bin/sh
# Is each bug of planted/ found by the simulation?
#
#   tests/sim/planted.sh [NAME...]      SECONDS_EACH=60
exec "$(dirname "$0")/../planted.sh" tests/sim run "--from 1 --no-shrink" "$@"
