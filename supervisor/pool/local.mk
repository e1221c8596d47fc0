libsup_a_SOURCES += \
	%D%/broker.c \
	%D%/broker.h \
	%D%/egress.c \
	%D%/egress.h \
	%D%/inner.h \
	%D%/pool.c \
	%D%/pool.h \
	%D%/report.c \
	%D%/report.h \
	%D%/scope.c \
	%D%/snapshot.c \
	%D%/snapshot.h \
	%D%/unpack.c \
	%D%/unpack.h \
	%D%/wgroup.c \
	%D%/wgroup.h \
	%D%/wlog.c \
	%D%/wlog.h \
	%D%/worker.c \
	%D%/worker.h

unit_tests += tests/unit/t_pool
tests_unit_t_pool_SOURCES = tests/unit/t_pool.c
