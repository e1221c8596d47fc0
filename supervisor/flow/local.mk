libsup_a_SOURCES += \
	%D%/durable.h \
	%D%/engine.h \
	%D%/invoke.h \
	%D%/registry.h \
	%D%/start.h
