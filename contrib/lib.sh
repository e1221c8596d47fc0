# Shared by the scripts in contrib/: packages, what the registries give, and
# how to say what goes on.  Sourced; `top` is the top folder.
# shellcheck shell=sh

deps=${PERDURE_DEPS:-$top/build/deps}

say() {
	printf '==> %s\n' "$*"
}

die() {
	printf 'error: %s\n' "$*" >&2
	exit 1
}

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		die "needs root or sudo for: $*"
	fi
}

build_packages="autoconf automake make gcc libc6-dev pkg-config libevent-dev
libjansson-dev libpq-dev libssl-dev libpcre2-dev libarchive-dev
libcurl4-openssl-dev libinih-dev libseccomp-dev postgresql python3
python3-venv xz-utils"
test_packages="libcmocka-dev npm procps iproute2 valgrind"
# For functions with a network of their own; it can be built without.
network_packages="libnftables-dev libmnl-dev nftables libslirp-dev"

# packages NAME...: install those that are missing.
packages() {
	missing=
	for p in "$@"; do
		dpkg-query -W -f '${Status}' "$p" 2>/dev/null |
		    grep -q 'ok installed' || missing="$missing $p"
	done
	# Another npm than the distribution's will do.
	if command -v npm >/dev/null; then
		missing=$(echo " $missing " | sed 's/ npm / /')
	fi
	# shellcheck disable=SC2086
	set -- $missing
	[ $# -gt 0 ] || return 0
	say "installing packages: $*"
	as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq ||
	    say "apt-get update failed; going on with the lists there are"
	as_root env DEBIAN_FRONTEND=noninteractive \
	    apt-get install -y -qq --no-install-recommends "$@" >/dev/null ||
	    die "apt-get could not install: $*"
}

# The same, but without them only some things are left out.
packages_or_less() {
	(packages "$@") || say "going on without some of: $*"
}

# The Python that is surely visible to others than this user.
host_python() {
	if [ -x /usr/bin/python3 ]; then
		echo /usr/bin/python3
	else
		command -v python3
	fi
}

# once NAME WHAT COMMAND...: run the command unless it was done for this WHAT.
once() {
	stamp=$deps/.$1
	[ "$(cat "$stamp" 2>/dev/null)" = "$2" ] && return 0
	name=$1 what=$2
	shift 2
	mkdir -p "$deps"
	say "getting $name: $what"
	"$@" || die "could not get $name ($what)"
	printf '%s\n' "$what" > "$deps/.$name"
}

venv_make() {
	rm -rf "$deps/venv"
	"$(host_python)" -m venv "$deps/venv" &&
	    "$deps/venv/bin/pip" install -q --disable-pip-version-check "$@"
}

# The Python that runs the tests.
venv() {
	once venv "$*" venv_make "$@"
}

tools_make() {
	rm -rf "$deps/tools"
	"$(host_python)" -m venv "$deps/tools"
}

# A pip of our own, whatever the system has.
tools() {
	once tools "$(host_python)" tools_make
}

site_make() {
	rm -rf "$deps/site"
	"$deps/venv/bin/pip" install -q --disable-pip-version-check \
	    --target "$deps/site" "$@"
}

# What a function's archive carries: deps/site.
site() {
	once site "$*" site_make "$@"
}

sdk_make() {
	rm -rf "$deps/sdk"
	"$deps/tools/bin/pip" install -q --disable-pip-version-check \
	    --no-compile --target "$deps/sdk" "$@" &&
	    rm -rf "$deps/sdk/bin"
}

# What the sample's archive carries: deps/sdk, the client included.
sdk() {
	once sdk "$*" sdk_make "$@"
}

science_make() {
	rm -rf "$deps/science"
	"$deps/venv/bin/pip" install -q --disable-pip-version-check \
	    --no-compile --target "$deps/science" "$@"
}

# Packages with native modules, for a function's archive: deps/science.
science() {
	once science "$*" science_make "$@"
}

ric_make() {
	rm -rf "$deps/ric"
	"$deps/venv/bin/pip" install -q --disable-pip-version-check \
	    --target "$deps/ric" "$@"
}

# The official Python runtime interface client, for a function's archive.
ric() {
	once ric "$*" ric_make "$@"
}

# They ask for a newer Python than their data and matcher need.
conformance_make() {
	rm -rf "$deps/conformance"
	mkdir "$deps/conformance" || return 1
	"$deps/venv/bin/pip" download -q --disable-pip-version-check \
	    --no-deps --python-version 3.14 --only-binary :all: \
	    --dest "$deps/conformance" "$@" &&
	    "$deps/venv/bin/python" -m zipfile \
		-e "$deps"/conformance/*.whl "$deps/conformance"
}

# AWS's conformance tests: what each history must look like.
conformance() {
	once conformance "$*" conformance_make "$@"
}

npm_make() {
	folder=$1
	shift
	rm -rf "${deps:?}/$folder"
	mkdir -p "$deps/$folder"
	echo '{"private": true}' > "$deps/$folder/package.json"
	(cd "$deps/$folder" && npm install --silent --no-audit --no-fund \
	    --engine-strict=false "$@")
}

# npm_folder FOLDER PACKAGE...
npm_folder() {
	folder=$1
	shift
	once "$folder" "$*" npm_make "$folder" "$@"
}

conformance_tests=aws-durable-execution-conformance-tests==1.0.0
python_sdk=aws-durable-execution-sdk-python==3.0.0
node_sdk=@aws/durable-execution-sdk-js@2.4.0

# What the tests need besides packages.
test_needs() {
	venv pytest pytest-timeout pyyaml boto3 "$python_sdk"
	site boto3 "$python_sdk"
	ric awslambdaric
	conformance "$conformance_tests"
	npm_folder node "$node_sdk" @aws-sdk/client-lambda
	science numpy cryptography
	npm_folder sharp sharp
	npm_folder node22 node@22
	npm_folder node24 node@24
}
