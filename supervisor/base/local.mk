libbase_a_SOURCES += \
	%D%/buf.c \
	%D%/buf.h \
	%D%/digest.c \
	%D%/digest.h \
	%D%/env.c \
	%D%/env.h \
	%D%/err.c \
	%D%/err.h \
	%D%/failpoint.c \
	%D%/failpoint.h \
	%D%/jsontext.c \
	%D%/jsontext.h \
	%D%/log.c \
	%D%/log.h \
	%D%/map.c \
	%D%/map.h \
	%D%/mem.c \
	%D%/mem.h \
	%D%/metric.c \
	%D%/metric.def \
	%D%/metric.h \
	%D%/msg.c \
	%D%/msg.def \
	%D%/msg.h \
	%D%/own.h \
	%D%/run.c \
	%D%/run.h \
	%D%/runtime.c \
	%D%/runtime.h \
	%D%/slice.c \
	%D%/slice.h \
	%D%/utf8.c \
	%D%/utf8.h

unit_tests += tests/unit/t_base
tests_unit_t_base_SOURCES = tests/unit/t_base.c

unit_tests += tests/unit/t_jsontext
tests_unit_t_jsontext_SOURCES = tests/unit/t_jsontext.c
