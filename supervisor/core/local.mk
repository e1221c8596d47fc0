libcore_a_SOURCES += \
	%D%/arn.h \
	%D%/change.h \
	%D%/durable.h \
	%D%/event.h \
	%D%/execution.h \
	%D%/function.c \
	%D%/function.h \
	%D%/function_rules.c \
	%D%/function_rules.h \
	%D%/sigv4.c \
	%D%/sigv4.h \
	%D%/token.h
