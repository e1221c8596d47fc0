libsup_a_SOURCES += \
	%D%/account.c \
	%D%/alias.c \
	%D%/api.c \
	%D%/api.h \
	%D%/auth.c \
	%D%/call.c \
	%D%/callback.c \
	%D%/check.c \
	%D%/check.h \
	%D%/checkpoint_body.c \
	%D%/checkpoint_body.h \
	%D%/concurrency.c \
	%D%/deploy_call.c \
	%D%/deploy_call.h \
	%D%/durable.c \
	%D%/durable_call.c \
	%D%/durable_call.h \
	%D%/error.c \
	%D%/error.h \
	%D%/event_invoke.c \
	%D%/function.c \
	%D%/function_json.c \
	%D%/function_json.h \
	%D%/grant.c \
	%D%/input.c \
	%D%/input.h \
	%D%/invoke.c \
	%D%/logs.c \
	%D%/model.c \
	%D%/model.h \
	%D%/ops.c \
	%D%/ops.h \
	%D%/permission.c \
	%D%/private.h \
	%D%/recursion.c \
	%D%/router.c \
	%D%/router.h \
	%D%/rules.c \
	%D%/sentence.c \
	%D%/sentence.h \
	%D%/sts.c \
	%D%/tag.c \
	%D%/unset.c \
	%D%/updates.c \
	%D%/version.c \
	%D%/zipfile.c \
	%D%/zipfile.h

unit_tests += \
	tests/unit/t_checkpoint_body \
	tests/unit/t_error \
	tests/unit/t_input \
	tests/unit/t_router
tests_unit_t_checkpoint_body_SOURCES = tests/unit/t_checkpoint_body.c
tests_unit_t_error_SOURCES = tests/unit/t_error.c
tests_unit_t_input_SOURCES = tests/unit/t_input.c
tests_unit_t_router_SOURCES = tests/unit/t_router.c
