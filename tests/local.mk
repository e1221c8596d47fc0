# Unit tests: each folder's local.mk adds to unit_tests the programs whose
# source is tests/unit/t_NOUN.c.  They write TAP.
if HAVE_CMOCKA
check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)
endif
TESTS += %D%/check-layers.sh

TEST_EXTENSIONS = .sh
LOG_DRIVER = $(SHELL) $(top_srcdir)/tap-driver.sh
SH_LOG_DRIVER = $(SHELL) $(top_srcdir)/tap-driver.sh
SH_LOG_COMPILER = $(SHELL)
AM_TESTS_ENVIRONMENT = \
	CMOCKA_MESSAGE_OUTPUT=TAP; export CMOCKA_MESSAGE_OUTPUT; \
	ASAN_OPTIONS=detect_leaks=1:abort_on_error=0; export ASAN_OPTIONS; \
	UBSAN_OPTIONS=print_stacktrace=1; export UBSAN_OPTIONS; \
	top_srcdir='$(top_srcdir)'; export top_srcdir;

EXTRA_DIST += \
	%D%/check-layers.sh \
	%D%/conftest.py \
	%D%/layers.txt \
	%D%/perdure.py
