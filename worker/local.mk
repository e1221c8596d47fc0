perdure_worker_SOURCES += \
	%D%/main.c

libworker_a_SOURCES +=
