# Locks itself in as control does, and tries to get out.
noinst_PROGRAMS += perdure-lockdown
perdure_lockdown_SOURCES = %D%/lockdown.c

EXTRA_DIST += \
	%D%/attacks.mjs \
	%D%/attacks.py \
	%D%/beside.py \
	%D%/load.py \
	%D%/test_attacks.py \
	%D%/test_attacks_node.py \
	%D%/test_proxy.py \
	%D%/test_roles.py \
	%D%/test_secrets.py
