libsup_a_SOURCES += \
	%D%/answer.c \
	%D%/chunk.c \
	%D%/chunk.h \
	%D%/conn.c \
	%D%/head.c \
	%D%/head.h \
	%D%/http.c \
	%D%/http.h \
	%D%/http_int.h \
	%D%/peer.c \
	%D%/peer.h \
	%D%/proxy.c \
	%D%/proxy.h \
	%D%/proxy_head.c \
	%D%/proxy_int.h \
	%D%/share.c \
	%D%/share.h \
	%D%/turn.c \
	%D%/turn.h

unit_tests += tests/unit/t_http
tests_unit_t_http_SOURCES = tests/unit/t_http.c
unit_tests += tests/unit/t_share
tests_unit_t_share_SOURCES = tests/unit/t_share.c
