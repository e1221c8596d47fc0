libsup_a_SOURCES += \
	%D%/admin.c \
	%D%/admin.h \
	%D%/health.c \
	%D%/metrics.c \
	%D%/private.h
