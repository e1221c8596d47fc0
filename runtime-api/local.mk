libsup_a_SOURCES +=

# Installed, and copied into the build folder: what runs inside workers.
runtime_files +=
