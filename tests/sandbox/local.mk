# What hostile code would try, run inside by the tests.  Without sanitizers:
# they do things themselves that a sandbox refuses.
noinst_PROGRAMS += perdure-probe
perdure_probe_SOURCES = %D%/probe.c
perdure_probe_CFLAGS = -Wall -Wextra -Wshadow
perdure_probe_LDFLAGS =
perdure_probe_LDADD =

EXTRA_DIST += \
	%D%/conftest.py \
	%D%/mutants \
	%D%/spaces.py \
	%D%/test_egress.py \
	%D%/test_inside.py \
	%D%/test_levels.py \
	%D%/test_outside.py \
	%D%/test_programs.py \
	%D%/test_snapshot.py \
	%D%/world.py
