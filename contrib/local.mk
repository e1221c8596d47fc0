EXTRA_DIST += \
	%D%/build
