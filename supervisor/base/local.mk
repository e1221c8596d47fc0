libbase_a_SOURCES +=
