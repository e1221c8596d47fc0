EXTRA_DIST += \
	%D%/build \
	%D%/check \
	%D%/lib.sh
