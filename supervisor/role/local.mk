perdure_SOURCES += \
	%D%/main.c

libsup_a_SOURCES += \
	%D%/blank.c \
	%D%/blank.h \
	%D%/cgfind.c \
	%D%/cgfind.h \
	%D%/cgroup.c \
	%D%/cgroup.h \
	%D%/cgtree.c \
	%D%/cgtree.h \
	%D%/child.c \
	%D%/child.h \
	%D%/code.c \
	%D%/code.h \
	%D%/config.c \
	%D%/config.def \
	%D%/config.h \
	%D%/control.c \
	%D%/control.h \
	%D%/daemon.c \
	%D%/daemon.h \
	%D%/data.c \
	%D%/data.h \
	%D%/fair.c \
	%D%/fair.h \
	%D%/fence.c \
	%D%/fence.h \
	%D%/keys.c \
	%D%/keys.h \
	%D%/link.c \
	%D%/link.h \
	%D%/listen.c \
	%D%/listen.h \
	%D%/lockdown.c \
	%D%/lockdown.h \
	%D%/netchild.c \
	%D%/netchild.h \
	%D%/netplan.c \
	%D%/netplan.h \
	%D%/netslot.c \
	%D%/netslot.h \
	%D%/netstack.c \
	%D%/netstack.h \
	%D%/network.c \
	%D%/network.h \
	%D%/notify.c \
	%D%/notify.h \
	%D%/out.c \
	%D%/out.h \
	%D%/parent.c \
	%D%/parent.h \
	%D%/pg_folder.c \
	%D%/pg_folder.h \
	%D%/private_pg.c \
	%D%/probe.c \
	%D%/probe.h \
	%D%/private_pg.h \
	%D%/roles.c \
	%D%/roles.h \
	%D%/ruleset.c \
	%D%/ruleset.h \
	%D%/run.c \
	%D%/run.h \
	%D%/runtime.c \
	%D%/runtime.h \
	%D%/sandbox.c \
	%D%/sandbox.h \
	%D%/serve.c \
	%D%/serve.h \
	%D%/snap.c \
	%D%/snap.h \
	%D%/spawn.c \
	%D%/spawn.h \
	%D%/spawn_int.h \
	%D%/starter.c \
	%D%/starter.h \
	%D%/warm.c \
	%D%/warm.h

if HAVE_NFTABLES
libsup_a_SOURCES += \
	%D%/nft.c \
	%D%/router.c
endif
EXTRA_DIST += \
	%D%/nft.c \
	%D%/nft.h \
	%D%/router.c \
	%D%/router.h

unit_tests += \
	tests/unit/t_cgfind \
	tests/unit/t_child \
	tests/unit/t_config
tests_unit_t_cgfind_SOURCES = tests/unit/t_cgfind.c
tests_unit_t_child_SOURCES = tests/unit/t_child.c
tests_unit_t_config_SOURCES = tests/unit/t_config.c
