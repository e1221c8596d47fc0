#!/bin/sh
# Is each bug of planted/ found by tier 2?
#
#   tests/store/planted.sh [NAME...]      SECONDS_EACH=60
exec "$(dirname "$0")/../planted.sh" tests/store tier2 "--seed 48" "$@"
