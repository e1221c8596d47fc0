sql_queries = \
	%D%/query/archive.sql \
	%D%/query/async_event.sql \
	%D%/query/code.sql \
	%D%/query/column.sql \
	%D%/query/execution.sql \
	%D%/query/function.sql \
	%D%/query/history.sql \
	%D%/query/log.sql \
	%D%/query/node.sql \
	%D%/query/operation.sql \
	%D%/query/partition.sql \
	%D%/query/transaction.sql

sql_checks = \
	%D%/check/invariant.sql

sql_migrations = \
	%D%/migrations/0001_execution.sql \
	%D%/migrations/0002_function.sql \
	%D%/migrations/0003_async_invoke.sql \
	%D%/migrations/0004_archive.sql \
	%D%/migrations/0005_code_used.sql \
	%D%/migrations/0006_function_log.sql \
	%D%/migrations/0007_deleting.sql \
	%D%/migrations/0008_row.sql \
	%D%/migrations/0009_code_plain.sql \
	%D%/migrations/0010_list_by_itself.sql

EXTRA_DIST += \
	%D%/dump.sh \
	%D%/embed.awk \
	%D%/schema.sql \
	$(sql_checks) \
	$(sql_migrations) \
	$(sql_queries)

nodist_libsup_a_SOURCES += \
	supervisor/store/check_gen.c \
	supervisor/store/check_gen.h \
	supervisor/store/migrations_gen.c \
	supervisor/store/migrations_gen.h \
	supervisor/store/stmt_gen.c \
	supervisor/store/stmt_gen.h

BUILT_SOURCES += \
	supervisor/store/check_gen.h \
	supervisor/store/migrations_gen.h \
	supervisor/store/stmt_gen.h

CLEANFILES += \
	supervisor/store/check_gen.c \
	supervisor/store/check_gen.h \
	supervisor/store/migrations_gen.c \
	supervisor/store/migrations_gen.h \
	supervisor/store/stmt_gen.c \
	supervisor/store/stmt_gen.h

# Run with `mode` and `files` set.
sql_embed_run = $(MKDIR_P) supervisor/store && \
	list=; for f in $$files; do list="$$list $(srcdir)/$$f"; done; \
	$(AWK) -v mode=$$mode -f $(srcdir)/%D%/embed.awk /dev/null $$list \
		> $@.tmp && mv $@.tmp $@

supervisor/store/stmt_gen.h: %D%/embed.awk $(sql_queries) %D%/local.mk
	$(AM_V_GEN)mode=stmt_h; files="$(sql_queries)"; $(sql_embed_run)

supervisor/store/stmt_gen.c: %D%/embed.awk $(sql_queries) %D%/local.mk
	$(AM_V_GEN)mode=stmt_c; files="$(sql_queries)"; $(sql_embed_run)

supervisor/store/check_gen.h: %D%/embed.awk $(sql_checks) %D%/local.mk
	$(AM_V_GEN)mode=check_h; files="$(sql_checks)"; $(sql_embed_run)

supervisor/store/check_gen.c: %D%/embed.awk $(sql_checks) %D%/local.mk
	$(AM_V_GEN)mode=check_c; files="$(sql_checks)"; $(sql_embed_run)

supervisor/store/migrations_gen.h: %D%/embed.awk %D%/local.mk
	$(AM_V_GEN)mode=migrations_h; files=; $(sql_embed_run)

supervisor/store/migrations_gen.c: %D%/embed.awk $(sql_migrations) %D%/local.mk
	$(AM_V_GEN)mode=migrations_c; files="$(sql_migrations)"; $(sql_embed_run)
