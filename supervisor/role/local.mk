perdure_SOURCES += \
	%D%/main.c

libsup_a_SOURCES +=
