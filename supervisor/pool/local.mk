libsup_a_SOURCES +=
