# The daemon with a test as its control; beside perdure-worker, as the real
# one is.
noinst_PROGRAMS += perdure-relay
perdure_relay_SOURCES = %D%/relay.c

EXTRA_DIST += \
	%D%/conftest.py \
	%D%/main.py \
	%D%/sandbox.py \
	%D%/test_kill.py \
	%D%/test_main.py \
	%D%/test_runtime.py \
	%D%/test_sandbox.py \
	%D%/test_unpack.py
