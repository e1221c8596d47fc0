libsup_a_SOURCES += \
	%D%/http.h
