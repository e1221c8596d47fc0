libsup_a_SOURCES += \
	%D%/memstore.h \
	%D%/pgstore.h \
	%D%/store.h
