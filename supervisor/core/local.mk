libcore_a_SOURCES += \
	%D%/arn.c \
	%D%/arn.h \
	%D%/change.c \
	%D%/change.h \
	%D%/durable.c \
	%D%/durable.h \
	%D%/durable_check.c \
	%D%/durable_control.c \
	%D%/durable_error.c \
	%D%/durable_int.h \
	%D%/durable_op.c \
	%D%/durable_outside.c \
	%D%/durable_run.c \
	%D%/durable_time.c \
	%D%/durable_view.c \
	%D%/durable_violation.c \
	%D%/egress.c \
	%D%/egress.h \
	%D%/event.c \
	%D%/event.h \
	%D%/event_invoke.c \
	%D%/event_invoke.h \
	%D%/execution.c \
	%D%/execution.h \
	%D%/fairshare.c \
	%D%/fairshare.h \
	%D%/function.c \
	%D%/function.h \
	%D%/function_rules.c \
	%D%/function_rules.h \
	%D%/permission.c \
	%D%/permission.h \
	%D%/policy.c \
	%D%/policy.h \
	%D%/poolplan.c \
	%D%/poolplan.h \
	%D%/retry.c \
	%D%/retry.h \
	%D%/sigv4.c \
	%D%/sigv4.h \
	%D%/sigv4_canon.c \
	%D%/sigv4_canon.h \
	%D%/token.c \
	%D%/token.h

unit_tests += \
	tests/unit/t_arn \
	tests/unit/t_durable \
	tests/unit/t_durable_check \
	tests/unit/t_durable_cost \
	tests/unit/t_durable_history \
	tests/unit/t_durable_walk \
	tests/unit/t_egress \
	tests/unit/t_event \
	tests/unit/t_event_invoke \
	tests/unit/t_fairshare \
	tests/unit/t_function \
	tests/unit/t_policy \
	tests/unit/t_poolplan \
	tests/unit/t_retry \
	tests/unit/t_sigv4 \
	tests/unit/t_token

core_kit = \
	tests/unit/durable_kit.c \
	tests/unit/durable_kit.h

tests_unit_t_arn_SOURCES = tests/unit/t_arn.c
tests_unit_t_durable_SOURCES = tests/unit/t_durable.c $(core_kit)
tests_unit_t_durable_check_SOURCES = tests/unit/t_durable_check.c $(core_kit)
tests_unit_t_durable_cost_SOURCES = tests/unit/t_durable_cost.c $(core_kit)
tests_unit_t_durable_history_SOURCES = \
	tests/unit/t_durable_history.c $(core_kit)
tests_unit_t_durable_walk_SOURCES = tests/unit/t_durable_walk.c $(core_kit)
tests_unit_t_egress_SOURCES = tests/unit/t_egress.c
tests_unit_t_event_SOURCES = tests/unit/t_event.c
tests_unit_t_event_invoke_SOURCES = tests/unit/t_event_invoke.c
tests_unit_t_fairshare_SOURCES = tests/unit/t_fairshare.c
tests_unit_t_function_SOURCES = tests/unit/t_function.c
tests_unit_t_policy_SOURCES = tests/unit/t_policy.c
tests_unit_t_poolplan_SOURCES = tests/unit/t_poolplan.c
tests_unit_t_retry_SOURCES = tests/unit/t_retry.c
tests_unit_t_sigv4_SOURCES = tests/unit/t_sigv4.c
tests_unit_t_token_SOURCES = tests/unit/t_token.c

# The core needs nothing of the other layers; that its tests link shows it.
core_test_libs = libcore.a libbase.a $(JANSSON_LIBS) $(CRYPTO_LIBS) \
	$(CMOCKA_LIBS)
tests_unit_t_arn_LDADD = $(core_test_libs)
tests_unit_t_policy_LDADD = $(core_test_libs)
tests_unit_t_durable_LDADD = $(core_test_libs)
tests_unit_t_durable_check_LDADD = $(core_test_libs)
tests_unit_t_durable_cost_LDADD = $(LDADD)
tests_unit_t_durable_history_LDADD = $(core_test_libs)
tests_unit_t_durable_walk_LDADD = $(core_test_libs)
tests_unit_t_egress_LDADD = $(core_test_libs)
tests_unit_t_event_LDADD = $(core_test_libs)
tests_unit_t_event_invoke_LDADD = $(core_test_libs)
tests_unit_t_fairshare_LDADD = $(core_test_libs) -lm
tests_unit_t_retry_LDADD = $(core_test_libs)
tests_unit_t_token_LDADD = $(core_test_libs)
