# Fuzz targets, as ordinary programs that replay their corpora.  With clang and
# libFuzzer: contrib/fuzz.
fuzz_common = \
	%D%/fuzz.c \
	%D%/fuzz.h \
	%D%/replay.c
fuzz_programs = \
	%D%/fuzz_config \
	%D%/fuzz_egress \
	%D%/fuzz_frames \
	%D%/fuzz_gate \
	%D%/fuzz_http \
	%D%/fuzz_input \
	%D%/fuzz_jsontext \
	%D%/fuzz_path \
	%D%/fuzz_runtime \
	%D%/fuzz_sigv4 \
	%D%/fuzz_spec \
	%D%/fuzz_token \
	%D%/fuzz_unpack
if HAVE_CMOCKA
fuzz_programs += %D%/fuzz_updates
endif

check_PROGRAMS += $(fuzz_programs)
TESTS += $(fuzz_programs)

%C%_fuzz_config_SOURCES = %D%/fuzz_config.c $(fuzz_common)
%C%_fuzz_egress_SOURCES = %D%/fuzz_egress.c $(fuzz_common)
%C%_fuzz_frames_SOURCES = %D%/fuzz_frames.c $(fuzz_common)
%C%_fuzz_gate_SOURCES = %D%/fuzz_gate.c $(fuzz_common)
%C%_fuzz_gate_LDADD = libworker.a libcore.a libbase.a
%C%_fuzz_http_SOURCES = %D%/fuzz_http.c $(fuzz_common)
%C%_fuzz_input_SOURCES = %D%/fuzz_input.c $(fuzz_common)
%C%_fuzz_jsontext_SOURCES = %D%/fuzz_jsontext.c $(fuzz_common)
%C%_fuzz_path_SOURCES = %D%/fuzz_path.c $(fuzz_common)
%C%_fuzz_runtime_SOURCES = %D%/fuzz_runtime.c $(fuzz_common)
%C%_fuzz_sigv4_SOURCES = %D%/fuzz_sigv4.c $(fuzz_common)
%C%_fuzz_spec_SOURCES = %D%/fuzz_spec.c $(fuzz_common)
%C%_fuzz_token_SOURCES = %D%/fuzz_token.c $(fuzz_common)
%C%_fuzz_unpack_SOURCES = %D%/fuzz_unpack.c $(fuzz_common)
# The supervisor has an unpack_archive of its own.
%C%_fuzz_unpack_LDADD = libworker.a libbase.a $(worker_libs) \
	$(ARCHIVE_LIBS)
%C%_fuzz_updates_SOURCES = \
	%D%/fuzz_updates.c \
	tests/unit/durable_kit.c \
	tests/unit/durable_kit.h \
	$(fuzz_common)

EXTRA_DIST += \
	%D%/corpus \
	%D%/dict
