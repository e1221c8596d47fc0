# The simulation: tests/sim/run; `make check-sim SEEDS=1000` for more of it.
noinst_PROGRAMS += tests/sim/run
tests_sim_run_SOURCES = \
	%D%/check.c \
	%D%/client.c \
	%D%/run.c \
	%D%/script.c \
	%D%/sim.h \
	%D%/worker.c \
	%D%/world.c \
	tests/unit/no_pool.c

TESTS += %D%/sim.sh
EXTRA_DIST += \
	%D%/planted/callback-wakes-nobody.patch \
	%D%/planted/checkpoint-after-the-end.patch \
	%D%/planted/child-end-is-not-told-again.patch \
	%D%/planted/double-terminal-event.patch \
	%D%/planted/early-timer.patch \
	%D%/planted/event-id-gap.patch \
	%D%/planted/lost-timer.patch \
	%D%/planted/orphan-is-left.patch \
	%D%/planted/result-is-lost-in-the-row.patch \
	%D%/planted/start-is-answered-before-its-commit.patch \
	%D%/planted/step-attempt-is-not-counted.patch \
	%D%/planted/token-not-consumed.patch \
	%D%/planted/token-of-old-invocation.patch \
	%D%/planted/unknown-commit-is-repeated-blindly.patch \
	%D%/planted/unknown-commit-is-taken-for-done.patch \
	%D%/planted/write-without-guard.patch \
	%D%/planted.sh \
	%D%/sim.sh

SEEDS = 200
.PHONY: check-sim
check-sim: tests/sim/run
	tests/sim/run --seeds $(SEEDS) $(if $(FROM),--from $(FROM))
