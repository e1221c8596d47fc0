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
	%D%/event.c \
	%D%/event.h \
	%D%/execution.c \
	%D%/execution.h \
	%D%/function.c \
	%D%/function.h \
	%D%/function_rules.c \
	%D%/function_rules.h \
	%D%/poolplan.c \
	%D%/poolplan.h \
	%D%/retry.c \
	%D%/retry.h \
	%D%/sigv4.c \
	%D%/sigv4.h \
	%D%/token.c \
	%D%/token.h

unit_tests += tests/unit/t_function

tests_unit_t_function_SOURCES = tests/unit/t_function.c

unit_tests += tests/unit/t_sigv4
tests_unit_t_sigv4_SOURCES = tests/unit/t_sigv4.c

unit_tests += tests/unit/t_poolplan
tests_unit_t_poolplan_SOURCES = tests/unit/t_poolplan.c
