libsup_a_SOURCES += \
	%D%/api.h \
	%D%/model.h \
	%D%/ops.h
