libsup_a_SOURCES +=

# Installed, and copied into the build folder: what runs inside workers.
runtime_files += \
	%D%/node/bootstrap.mjs \
	%D%/python/bootstrap.py

EXTRA_DIST += \
	%D%/README.md
