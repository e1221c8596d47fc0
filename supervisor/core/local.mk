libcore_a_SOURCES += \
	%D%/arn.h \
	%D%/change.h \
	%D%/durable.h \
	%D%/event.h \
	%D%/execution.h \
	%D%/function.h \
	%D%/token.h
