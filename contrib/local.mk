EXTRA_DIST += \
	%D%/api-model \
	%D%/bench/README.md \
	%D%/bench/bench.py \
	%D%/bench/floor.py \
	%D%/bench/run \
	%D%/bench/sandbox.py \
	%D%/build \
	%D%/check \
	%D%/conformance \
	%D%/fuzz \
	%D%/hostile \
	%D%/lib.sh \
	%D%/quickstart \
	%D%/sample/order/app.py \
	%D%/sdk-versions \
	%D%/soak
