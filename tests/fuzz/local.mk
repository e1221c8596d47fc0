# One program for each parser.  Here they replay their corpus and mutations of
# it with any compiler; for a long run link one file with -fsanitize=fuzzer.
fuzz_programs = \
	%D%/fuzz_input \
	%D%/fuzz_jsontext \
	%D%/fuzz_route \
	%D%/fuzz_sigv4

check_PROGRAMS += $(fuzz_programs)
TESTS += $(fuzz_programs)

fuzz_replay = \
	%D%/fuzz.h \
	%D%/replay.c

tests_fuzz_fuzz_input_SOURCES = %D%/fuzz_input.c $(fuzz_replay)
tests_fuzz_fuzz_jsontext_SOURCES = %D%/fuzz_jsontext.c $(fuzz_replay)
tests_fuzz_fuzz_route_SOURCES = %D%/fuzz_route.c $(fuzz_replay)
tests_fuzz_fuzz_sigv4_SOURCES = %D%/fuzz_sigv4.c $(fuzz_replay)

EXTRA_DIST += \
	%D%/corpus/input/alias \
	%D%/corpus/input/checkpoint \
	%D%/corpus/input/create \
	%D%/corpus/input/fail \
	%D%/corpus/input/invoke \
	%D%/corpus/input/list \
	%D%/corpus/input/mapping \
	%D%/corpus/jsontext/nested \
	%D%/corpus/jsontext/object \
	%D%/corpus/jsontext/order \
	%D%/corpus/jsontext/text \
	%D%/corpus/route/callback \
	%D%/corpus/route/history \
	%D%/corpus/route/invoke \
	%D%/corpus/route/query \
	%D%/corpus/route/raw \
	%D%/corpus/sigv4/header \
	%D%/corpus/sigv4/query
