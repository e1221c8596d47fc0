libsup_a_SOURCES += \
	%D%/alarm.c \
	%D%/alarm.h \
	%D%/async.c \
	%D%/async.h \
	%D%/call.c \
	%D%/call.h \
	%D%/callback.c \
	%D%/checkpoint.c \
	%D%/child.c \
	%D%/child.h \
	%D%/control.c \
	%D%/deploy.c \
	%D%/deploy.h \
	%D%/deploy_alias.c \
	%D%/deploy_delete.c \
	%D%/deploy_function.c \
	%D%/deploy_int.h \
	%D%/deploy_invoke.c \
	%D%/deploy_permission.c \
	%D%/deploy_reserved.c \
	%D%/deploy_tag.c \
	%D%/destination.c \
	%D%/destination.h \
	%D%/durable.h \
	%D%/durable_run.c \
	%D%/durable_start.c \
	%D%/durable_start.h \
	%D%/engine.c \
	%D%/engine.h \
	%D%/error_object.c \
	%D%/error_object.h \
	%D%/exec.c \
	%D%/exec.h \
	%D%/exec_part.c \
	%D%/exec_part.h \
	%D%/failpoints.h \
	%D%/invoke.c \
	%D%/invoke.h \
	%D%/keep.h \
	%D%/read.c \
	%D%/recover.c \
	%D%/recover.h \
	%D%/registry.c \
	%D%/registry.h \
	%D%/retention.c \
	%D%/retention.h \
	%D%/run.h \
	%D%/start.h \
	%D%/timer.c \
	%D%/timer.h \
	%D%/waiters.c \
	%D%/waiters.h

unit_tests += \
	tests/unit/t_flow \
	tests/unit/t_late \
	tests/unit/t_registry \
	tests/unit/t_timer
tests_unit_t_flow_SOURCES = \
	tests/unit/flow_kit.c \
	tests/unit/flow_kit.h \
	tests/unit/no_pool.c \
	tests/unit/t_flow.c
tests_unit_t_late_SOURCES = \
	tests/unit/flow_kit.c \
	tests/unit/flow_kit.h \
	tests/unit/no_pool.c \
	tests/unit/t_late.c
tests_unit_t_registry_SOURCES = tests/unit/t_registry.c
tests_unit_t_timer_SOURCES = \
	tests/unit/flow_kit.c \
	tests/unit/flow_kit.h \
	tests/unit/no_pool.c \
	tests/unit/t_timer.c
