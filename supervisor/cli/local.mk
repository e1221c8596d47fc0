dist_man_MANS = contrib/man/perdure.1

libsup_a_SOURCES += \
	%D%/archive.c \
	%D%/archive.h \
	%D%/cli.h \
	%D%/client.c \
	%D%/client.h \
	%D%/cmd_callback.c \
	%D%/cmd_db.c \
	%D%/cmd_deploy.c \
	%D%/cmd_doctor.c \
	%D%/cmd_execution.c \
	%D%/cmd_function.c \
	%D%/cmd_invoke.c \
	%D%/cmd_logs.c \
	%D%/cmd_runtimes.c \
	%D%/commands.c \
	%D%/ctl.c \
	%D%/ctl.h \
	%D%/data.c \
	%D%/data.h \
	%D%/history.c \
	%D%/history.h \
	%D%/host.c \
	%D%/host.h \
	%D%/input.c \
	%D%/input.h \
	%D%/opt.c \
	%D%/profile.c \
	%D%/profile.h \
	%D%/say.c \
	%D%/show.c \
	%D%/show.h \
	%D%/table.c \
	%D%/table.h \
	%D%/target.c \
	%D%/target.h \
	%D%/url.c \
	%D%/watch.c \
	%D%/watch.h \
	%D%/when.c \
	%D%/when.h

unit_tests += tests/unit/t_cli
tests_unit_t_cli_SOURCES = tests/unit/t_cli.c
