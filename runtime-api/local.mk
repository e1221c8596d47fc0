libsup_a_SOURCES += \
	%D%/context.c \
	%D%/context.h \
	%D%/server.c \
	%D%/server.h \
	%D%/slot.c \
	%D%/slot.h

unit_tests += tests/unit/t_slot
tests_unit_t_slot_SOURCES = tests/unit/t_slot.c

# Installed, and copied into the build folder: what runs inside workers.
runtime_files += \
	%D%/node/blank.mjs \
	%D%/node/bootstrap.mjs \
	%D%/node/fastclient.mjs \
	%D%/node/rehearsal.mjs \
	%D%/node/rehearse.mjs \
	%D%/node/warm.mjs \
	%D%/python/blank.py \
	%D%/python/bootstrap.py \
	%D%/python/fastclient.py \
	%D%/python/packages/snapshot_restore_py.py \
	%D%/python/snapshot.py \
	%D%/python/warm.py

EXTRA_DIST += \
	%D%/README.md
