libsup_a_SOURCES += \
	%D%/async_event.c \
	%D%/batch.c \
	%D%/call.c \
	%D%/code.c \
	%D%/execution.c \
	%D%/execution_read.c \
	%D%/failpoints.h \
	%D%/function.c \
	%D%/history.c \
	%D%/log.c \
	%D%/memstore.h \
	%D%/migrate.c \
	%D%/node.c \
	%D%/param.c \
	%D%/param.h \
	%D%/pg.c \
	%D%/pg.h \
	%D%/pgconn.c \
	%D%/pgset.c \
	%D%/pgset.h \
	%D%/pgstore.c \
	%D%/pgstore.h \
	%D%/row.c \
	%D%/row.h \
	%D%/rows.c \
	%D%/rows.h \
	%D%/store.h
