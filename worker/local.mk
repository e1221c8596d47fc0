perdure_worker_SOURCES += \
	%D%/main.c

libworker_a_SOURCES += \
	%D%/bind.c \
	%D%/bind.h \
	%D%/filter.c \
	%D%/filter.h \
	%D%/flows.c \
	%D%/flows.h \
	%D%/gate.c \
	%D%/gate.h \
	%D%/init.c \
	%D%/init.h \
	%D%/keep.c \
	%D%/keep.h \
	%D%/landlock.c \
	%D%/landlock.h \
	%D%/mount.c \
	%D%/mount.h \
	%D%/net.c \
	%D%/net.h \
	%D%/ns.c \
	%D%/ns.h \
	%D%/order.c \
	%D%/order.h \
	%D%/privs.c \
	%D%/privs.h \
	%D%/runenv.c \
	%D%/runenv.h \
	%D%/sandbox.c \
	%D%/sandbox.h \
	%D%/selftest.c \
	%D%/selftest.h \
	%D%/spec.c \
	%D%/spec.h \
	%D%/stack.h \
	%D%/tun.c \
	%D%/tun.h \
	%D%/unpack.c \
	%D%/unpack.h \
	%D%/unpacker.c \
	%D%/way.c \
	%D%/way.h

if HAVE_NFTABLES
libworker_a_SOURCES += \
	%D%/veth.c
endif
EXTRA_DIST += \
	%D%/veth.c \
	%D%/veth.h

# Programs of their own, so that no worker's start loads their libraries.
libexec_PROGRAMS += perdure-unpack
perdure_unpack_SOURCES = %D%/unpackmain.c
perdure_unpack_LDADD = libworker.a libbase.a $(worker_libs) $(ARCHIVE_LIBS)

if HAVE_SLIRP
libexec_PROGRAMS += perdure-stack
perdure_stack_SOURCES = \
	%D%/jail.c \
	%D%/jail.h \
	%D%/road.c \
	%D%/road.h \
	%D%/stack.c
perdure_stack_LDADD = libworker.a libcore.a libbase.a $(SECCOMP_LIBS) \
	$(SLIRP_LIBS)
endif
EXTRA_DIST += \
	%D%/jail.c \
	%D%/jail.h \
	%D%/road.c \
	%D%/road.h \
	%D%/stack.c

# Run inside workers, beside the runtime's client: without any of our flags,
# since neither may need anything that is not in it.
if HAVE_SNAPSHOTS
snapdir = $(pkgdatadir)/runtime-api/python
snap_SCRIPTS = \
	runtime-api/python/dump.so \
	runtime-api/python/restore
CLEANFILES += $(snap_SCRIPTS)
snap_flags = -std=gnu11 -O2 -Wall -Wextra -I$(top_srcdir) -D_GNU_SOURCE \
	-U_FORTIFY_SOURCE

runtime-api/python/dump.so: %D%/dump.c %D%/snap.h
	$(AM_V_at)$(MKDIR_P) runtime-api/python
	$(AM_V_CC)$(CC) $(snap_flags) -shared -fPIC -Wl,-z,relro,-z,now \
		-o $@ $(srcdir)/%D%/dump.c

runtime-api/python/restore: %D%/restore.c %D%/snap.h
	$(AM_V_at)$(MKDIR_P) runtime-api/python
	$(AM_V_CC)$(CC) $(snap_flags) -ffreestanding -fno-stack-protector \
		-fcf-protection=none -fPIE -no-pie -static -nostdlib \
		-Wl,-Ttext-segment=0x600000000000 -Wl,--build-id=none \
		-Wl,-z,noseparate-code -Wl,-z,noexecstack \
		-o $@ $(srcdir)/%D%/restore.c
endif
EXTRA_DIST += \
	%D%/dump.c \
	%D%/restore.c \
	%D%/snap.h

unit_tests += \
	tests/unit/t_gate \
	tests/unit/t_spec
tests_unit_t_gate_SOURCES = tests/unit/t_gate.c
tests_unit_t_gate_LDADD = libworker.a libcore.a libbase.a $(CMOCKA_LIBS)
tests_unit_t_spec_SOURCES = tests/unit/t_spec.c

EXTRA_DIST += %D%/README.md
