# The simulation: tests/sim/run; `make check-sim SEEDS=1000` for more of it.
noinst_PROGRAMS += tests/sim/run
tests_sim_run_SOURCES = \
	%D%/check.c \
	%D%/client.c \
	%D%/run.c \
	%D%/script.c \
	%D%/sim.h \
	%D%/worker.c \
	%D%/world.c

TESTS += %D%/sim.sh
EXTRA_DIST += %D%/sim.sh

SEEDS = 200
.PHONY: check-sim
check-sim: tests/sim/run
	tests/sim/run --seeds $(SEEDS) $(if $(FROM),--from $(FROM))
