#!/bin/sh
# Is each bug of planted/ found by tier 2?  Applied one by one to a copy of
# the tree.
#
#   tests/store/planted.sh [NAME...]      SECONDS_EACH=60
#
# Prints the seed that found each; 1 when one was not found.
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
missed=0

cd "$top" && git archive HEAD | tar -x -C "$copy" && cd "$copy" || exit 2
[ $# -gt 0 ] || set -- $(ls tests/store/planted | sed -n 's/\.patch$//p')
(
	./autogen.sh && mkdir build && cd build &&
	    ../configure CC="${CC:-gcc}" && make
) > build.log 2>&1 || { tail build.log; exit 2; }
for bug; do
	patch -s -p1 < "tests/store/planted/$bug.patch" || exit 2
	make -s -C build tests/store/tier2 > build.log 2>&1 ||
	    { tail build.log; exit 2; }
	if (cd build && tests/store/tier2 --seed 48 \
	    --seconds "${SECONDS_EACH:-60}") > run.log 2>&1; then
		echo "$bug: NOT FOUND"
		missed=1
	else
		echo "$bug: $(sed -n 's/^FAILED //p' run.log)"
	fi
	patch -s -R -p1 < "tests/store/planted/$bug.patch" || exit 2
done
exit "$missed"
