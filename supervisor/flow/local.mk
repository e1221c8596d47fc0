libsup_a_SOURCES += \
	%D%/deploy.c \
	%D%/deploy.h \
	%D%/durable.h \
	%D%/engine.h \
	%D%/invoke.h \
	%D%/registry.c \
	%D%/registry.h \
	%D%/start.h
