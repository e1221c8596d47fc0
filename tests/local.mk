# Unit tests: each folder's local.mk adds to unit_tests the programs whose
# source is tests/unit/t_NOUN.c.  They write TAP.
if HAVE_CMOCKA
check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)
endif
TESTS += %D%/check-layers.sh
if HAVE_CMOCKA
TESTS += %D%/unit/cost.sh
endif

TEST_EXTENSIONS = .sh
LOG_DRIVER = $(SHELL) $(top_srcdir)/tap-driver.sh
SH_LOG_DRIVER = $(SHELL) $(top_srcdir)/tap-driver.sh
SH_LOG_DRIVER_FLAGS = --ignore-exit
SH_LOG_COMPILER = $(SHELL)
AM_TESTS_ENVIRONMENT = \
	CMOCKA_MESSAGE_OUTPUT=TAP; export CMOCKA_MESSAGE_OUTPUT; \
	ASAN_OPTIONS=detect_leaks=1:abort_on_error=0; export ASAN_OPTIONS; \
	UBSAN_OPTIONS=print_stacktrace=1; export UBSAN_OPTIONS; \
	top_srcdir='$(top_srcdir)'; export top_srcdir;

EXTRA_DIST += \
	%D%/TRACK-RECORD.md \
	%D%/check-layers.sh \
	%D%/conformance/node/callback.mjs \
	%D%/conformance/node/child.mjs \
	%D%/conformance/node/common.mjs \
	%D%/conformance/node/invoke.mjs \
	%D%/conformance/node/main.mjs \
	%D%/conformance/node/map.mjs \
	%D%/conformance/node/parallel.mjs \
	%D%/conformance/node/plugin.mjs \
	%D%/conformance/node/step.mjs \
	%D%/conformance/node/targets.mjs \
	%D%/conformance/node/wait.mjs \
	%D%/conformance/node/wait_for_callback.mjs \
	%D%/conformance/node/wait_for_condition.mjs \
	%D%/conformance/python/callback.py \
	%D%/conformance/python/child.py \
	%D%/conformance/python/common.py \
	%D%/conformance/python/invoke.py \
	%D%/conformance/python/main.py \
	%D%/conformance/python/map.py \
	%D%/conformance/python/parallel.py \
	%D%/conformance/python/plugin.py \
	%D%/conformance/python/step.py \
	%D%/conformance/python/targets.py \
	%D%/conformance/python/wait.py \
	%D%/conformance/python/wait_for_callback.py \
	%D%/conformance/python/wait_for_condition.py \
	%D%/conformance/run.py \
	%D%/conftest.py \
	%D%/crash/kills.py \
	%D%/crash/soak.py \
	%D%/crash/test_crash.py \
	%D%/crash/test_deleting.py \
	%D%/durable/conftest.py \
	%D%/durable/kit.py \
	%D%/durable/shapes.py \
	%D%/durable/test_callbacks.py \
	%D%/durable/test_chained.py \
	%D%/durable/test_check.py \
	%D%/durable/test_control.py \
	%D%/durable/test_failures.py \
	%D%/durable/test_limits.py \
	%D%/durable/test_markers.py \
	%D%/durable/test_names.py \
	%D%/durable/test_reading.py \
	%D%/durable/test_tokens.py \
	%D%/e2e/handlers/node/approval.mjs \
	%D%/e2e/handlers/node/big.mjs \
	%D%/e2e/handlers/node/chain.mjs \
	%D%/e2e/handlers/node/crash.mjs \
	%D%/e2e/handlers/node/fanout.mjs \
	%D%/e2e/handlers/node/ledger.mjs \
	%D%/e2e/handlers/node/nested.mjs \
	%D%/e2e/handlers/node/order.mjs \
	%D%/e2e/handlers/node/plain.mjs \
	%D%/e2e/handlers/node/polling.mjs \
	%D%/e2e/handlers/node/reviewer.mjs \
	%D%/e2e/handlers/node/saga.mjs \
	%D%/e2e/handlers/node/sdk.mjs \
	%D%/e2e/handlers/node/steps.mjs \
	%D%/e2e/handlers/node/vending.mjs \
	%D%/e2e/handlers/python/approval.py \
	%D%/e2e/handlers/python/big.py \
	%D%/e2e/handlers/python/chain.py \
	%D%/e2e/handlers/python/crash.py \
	%D%/e2e/handlers/python/fanout.py \
	%D%/e2e/handlers/python/ledger.py \
	%D%/e2e/handlers/python/nested.py \
	%D%/e2e/handlers/python/order.py \
	%D%/e2e/handlers/python/plain.py \
	%D%/e2e/handlers/python/polling.py \
	%D%/e2e/handlers/python/reviewer.py \
	%D%/e2e/handlers/python/saga.py \
	%D%/e2e/handlers/python/sdk.py \
	%D%/e2e/handlers/python/steps.py \
	%D%/e2e/handlers/python/vending.py \
	%D%/e2e/table.py \
	%D%/e2e/test_blank.py \
	%D%/e2e/test_clients.py \
	%D%/e2e/test_data_plane.py \
	%D%/e2e/test_held.py \
	%D%/e2e/test_histories.py \
	%D%/e2e/test_programs.py \
	%D%/e2e/test_snapstart.py \
	%D%/e2e/test_typed_client.py \
	%D%/e2e/test_warm.py \
	%D%/e2e/typed/dates.mjs \
	%D%/e2e/typed/inside.mjs \
	%D%/e2e/typed/newer.mjs \
	%D%/e2e/typed/outside.mjs \
	%D%/e2e/typed/plain.mjs \
	%D%/http/test_api.py \
	%D%/http/test_async.py \
	%D%/http/test_auth.py \
	%D%/http/test_bad_input.py \
	%D%/http/test_cli.py \
	%D%/http/test_database.py \
	%D%/http/test_concurrency.py \
	%D%/http/test_draining.py \
	%D%/http/test_functions.py \
	%D%/http/test_model.py \
	%D%/http/test_retention.py \
	%D%/http/test_sentences.py \
	%D%/http/test_serve.py \
	%D%/http/test_tools.py \
	%D%/layers.txt \
	%D%/ownpg.py \
	%D%/perdure.py \
	%D%/planted.sh \
	%D%/runtime-api/conftest.py \
	%D%/runtime-api/fastclient.test.mjs \
	%D%/runtime-api/harness.py \
	%D%/runtime-api/test_blank_node.py \
	%D%/runtime-api/test_fastclient.py \
	%D%/runtime-api/test_fastclient_node.py \
	%D%/runtime-api/test_node.py \
	%D%/runtime-api/test_python.py \
	%D%/sandbox/test_limits.py \
	%D%/unit/cost.sh \
	%D%/worker/sandbox.py
