libcore_a_SOURCES += \
	%D%/arn.h \
	%D%/change.h \
	%D%/durable.h \
	%D%/event.h \
	%D%/execution.h \
	%D%/function.c \
	%D%/function.h \
	%D%/function_rules.c \
	%D%/function_rules.h \
	%D%/sigv4.c \
	%D%/sigv4.h \
	%D%/token.h

unit_tests += tests/unit/t_function
tests_unit_t_function_SOURCES = tests/unit/t_function.c
