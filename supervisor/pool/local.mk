libsup_a_SOURCES += \
	%D%/pool.h
