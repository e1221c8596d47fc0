libsup_a_SOURCES += \
	%D%/api.h \
	%D%/model.c \
	%D%/model.h \
	%D%/ops.h
