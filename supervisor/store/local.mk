libsup_a_SOURCES += \
	%D%/archive.c \
	%D%/async_event.c \
	%D%/batch.c \
	%D%/call.c \
	%D%/check.c \
	%D%/check.h \
	%D%/code.c \
	%D%/copy.c \
	%D%/copy.h \
	%D%/execution.c \
	%D%/execution_read.c \
	%D%/failpoints.h \
	%D%/function.c \
	%D%/history.c \
	%D%/log.c \
	%D%/log_sweep.c \
	%D%/memarchive.c \
	%D%/memread.c \
	%D%/memrows.h \
	%D%/memstore.c \
	%D%/memstore.h \
	%D%/memwrite.c \
	%D%/migrate.c \
	%D%/node.c \
	%D%/param.c \
	%D%/param.h \
	%D%/partition.c \
	%D%/partition.h \
	%D%/pg.c \
	%D%/pg.h \
	%D%/pgconn.c \
	%D%/pgset.c \
	%D%/pgset.h \
	%D%/pgstore.c \
	%D%/pgstore.h \
	%D%/row.c \
	%D%/row.h \
	%D%/rows.c \
	%D%/rows.h \
	%D%/step.c \
	%D%/store.h

store_test_sources = \
	tests/store/archive.c \
	tests/store/harness.c \
	tests/store/harness.h \
	tests/store/sequences.c \
	tests/store/sequences.h \
	tests/store/suite.c \
	tests/store/suite.h

unit_tests += tests/unit/t_libpq
tests_unit_t_libpq_SOURCES = tests/unit/t_libpq.c

unit_tests += tests/unit/t_step
tests_unit_t_step_SOURCES = tests/unit/t_step.c $(core_kit)
tests_unit_t_step_LDADD = $(LDADD)

# Unit tests that need a database: the scripts start one.
if HAVE_CMOCKA
check_PROGRAMS += \
	tests/store/t_check \
	tests/store/t_isolation \
	tests/store/t_memstore \
	tests/store/t_pgstore \
	tests/store/t_same \
	tests/store/t_sweep \
	tests/store/tier2
tests_store_t_check_SOURCES = \
	tests/store/harness.c \
	tests/store/harness.h \
	tests/store/suite.c \
	tests/store/suite.h \
	tests/store/t_check.c
tests_store_t_isolation_SOURCES = \
	tests/store/harness.c \
	tests/store/harness.h \
	tests/store/t_isolation.c
tests_store_t_memstore_SOURCES = $(store_test_sources) tests/store/t_memstore.c
tests_store_t_pgstore_SOURCES = $(store_test_sources) tests/store/t_pgstore.c
tests_store_t_same_SOURCES = \
	tests/store/dump.c \
	tests/store/dump.h \
	tests/store/harness.c \
	tests/store/harness.h \
	tests/store/suite.c \
	tests/store/suite.h \
	tests/store/t_same.c
tests_store_t_sweep_SOURCES = \
	tests/store/harness.c \
	tests/store/harness.h \
	tests/store/suite.c \
	tests/store/suite.h \
	tests/store/t_sweep.c
tests_store_tier2_CPPFLAGS = $(AM_CPPFLAGS) \
	-DTESTS_SRCDIR='"$(abs_top_srcdir)"'
tests_store_tier2_SOURCES = \
	tests/store/dump.c \
	tests/store/dump.h \
	tests/store/harness.c \
	tests/store/harness.h \
	tests/store/tier2.c \
	tests/store/tier2.h \
	tests/store/tier2_call.c \
	tests/store/tier2_cut.c \
	tests/store/tier2_model.c
TESTS += \
	tests/store/check.sh \
	tests/store/isolation.sh \
	tests/store/pgstore.sh \
	tests/store/plans.sh \
	tests/store/same.sh \
	tests/store/schema.sh \
	tests/store/serializable.sh \
	tests/store/sweep.sh \
	tests/store/t_memstore \
	tests/store/tier2.sh
endif

EXTRA_DIST += \
	tests/store/check.sh \
	tests/store/isolation.sh \
	tests/store/pgstore.sh \
	tests/store/planted/archive-does-not-look-again.patch \
	tests/store/planted/child-starts-without-guard.patch \
	tests/store/planted/members-before-the-meeting-are-called-done.patch \
	tests/store/planted/sent-is-called-done.patch \
	tests/store/planted/settle-without-guard.patch \
	tests/store/planted/take-without-a-second-look.patch \
	tests/store/planted/unknown-is-called-retry.patch \
	tests/store/planted/write-without-guard.patch \
	tests/store/planted.sh \
	tests/store/plans.sh \
	tests/store/same.sh \
	tests/store/schema.sh \
	tests/store/serializable.sh \
	tests/store/sweep.sh \
	tests/store/tier2.sh \
	tests/store/with-postgres.sh
