libsup_a_SOURCES += \
	%D%/chunk.c \
	%D%/chunk.h \
	%D%/head.c \
	%D%/head.h \
	%D%/http.c \
	%D%/http.h

unit_tests += tests/unit/t_http
tests_unit_t_http_SOURCES = tests/unit/t_http.c
