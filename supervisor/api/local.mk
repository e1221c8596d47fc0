libsup_a_SOURCES += \
	%D%/account.c \
	%D%/alias.c \
	%D%/api.h \
	%D%/function.c \
	%D%/function_json.c \
	%D%/function_json.h \
	%D%/model.c \
	%D%/model.h \
	%D%/ops.h \
	%D%/tag.c \
	%D%/version.c
