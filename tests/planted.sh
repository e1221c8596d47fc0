#!/bin/sh
# Is each bug of FOLDER/planted found?  Applied one by one to a copy of the
# tree, in which FOLDER/PROGRAM, made anew, is run with these options.
#
#   tests/planted.sh FOLDER PROGRAM OPTIONS [NAME...]      SECONDS_EACH=60
#
# Prints the seed that found each, with what it said; 1 when one was not.
set -u
folder=$1 program=$1/$2 options=$3
shift 3
top=$(cd "$(dirname "$0")/.." && pwd)
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
missed=0

cd "$top" && git archive HEAD | tar -x -C "$copy" && cd "$copy" || exit 2
[ $# -gt 0 ] || set -- $(ls "$folder/planted" | sed -n 's/\.patch$//p')
(
	./autogen.sh && mkdir build && cd build &&
	    ../configure CC="${CC:-gcc}" && make
) > build.log 2>&1 || { tail build.log; exit 2; }
for bug; do
	patch -s -p1 < "$folder/planted/$bug.patch" || exit 2
	make -s -C build "$program" > build.log 2>&1 ||
	    { tail build.log; exit 2; }
	if (cd build && "$program" $options \
	    --seconds "${SECONDS_EACH:-60}") > run.log 2>&1; then
		echo "$bug: NOT FOUND"
		missed=1
	else
		echo "$bug: $(sed -n 's/^FAILED //p' run.log) $(
		    sed -n 's/.*VIOLATION seed=[0-9]* at //p' run.log)"
	fi
	patch -s -R -p1 < "$folder/planted/$bug.patch" || exit 2
done
exit "$missed"
