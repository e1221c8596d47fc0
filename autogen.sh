#!/bin/sh
# Make configure and Makefile.in from their sources.
set -e
cd "$(dirname "$0")"
exec autoreconf --install --force --warnings=all,no-portability
