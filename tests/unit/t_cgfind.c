#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "role/cgfind.h"

#define V1(id, name, root, point) \
	id " 31 0:29 " root " " point " rw,relatime shared:9 - cgroup cgroup " \
	"rw," name "\n"

static const char v1_mounts[] =
	"22 27 0:21 / /proc rw,relatime - proc proc rw\n"
	V1("32", "cpu,cpuacct", "/", "/sys/fs/cgroup/cpu,cpuacct")
	V1("35", "memory", "/", "/sys/fs/cgroup/memory")
	V1("37", "freezer", "/", "/sys/fs/cgroup/freezer")
	V1("39", "pids", "/", "/sys/fs/cgroup/pids");

static const char v2_mounts[] =
	"31 23 0:28 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 "
	"rw,nsdelegate,memory_recursiveprot\n";

static void
assert_v1(const struct cgfind *f, enum cgroup_what what, const char *folder)
{
	assert_non_null(f->v1[what]);
	assert_string_equal(f->v1[what], folder);
}

static void
each_controller_of_v1_has_its_own_folder(void **state)
{
	struct cgfind f;

	(void)state;
	cgfind_read(&f, v1_mounts, "9:name=systemd:/\n8:pids:/\n"
	    "6:freezer:/a\n4:memory:/process/x\n2:cpu,cpuacct:/user.slice\n");
	assert_v1(&f, CGROUP_PIDS, "/sys/fs/cgroup/pids");
	assert_v1(&f, CGROUP_FREEZER, "/sys/fs/cgroup/freezer/a");
	assert_v1(&f, CGROUP_MEMORY, "/sys/fs/cgroup/memory/process/x");
	assert_v1(&f, CGROUP_CPU, "/sys/fs/cgroup/cpu,cpuacct/user.slice");
	assert_null(f.v2);
	cgfind_free(&f);
}

static void
v2_is_one_folder_for_all(void **state)
{
	struct cgfind f;

	(void)state;
	cgfind_read(&f, v2_mounts, "0::/system.slice/perdure.service\n");
	assert_string_equal(f.v2,
	    "/sys/fs/cgroup/system.slice/perdure.service");
	assert_int_equal(f.v2_is_root, 0);
	assert_null(f.v1[CGROUP_MEMORY]);
	cgfind_free(&f);
	cgfind_read(&f, v2_mounts, "0::/\n");
	assert_string_equal(f.v2, "/sys/fs/cgroup");
	assert_int_equal(f.v2_is_root, 1);
	cgfind_free(&f);
}

static void
a_hybrid_host_has_both(void **state)
{
	char mounts[2048];
	struct cgfind f;

	(void)state;
	snprintf(mounts, sizeof(mounts), "%s41 31 0:38 / "
	    "/sys/fs/cgroup/unified rw,nosuid - cgroup2 cgroup2 rw\n",
	    v1_mounts);
	cgfind_read(&f, mounts, "8:pids:/s\n4:memory:/s\n0::/s\n");
	assert_v1(&f, CGROUP_PIDS, "/sys/fs/cgroup/pids/s");
	assert_v1(&f, CGROUP_MEMORY, "/sys/fs/cgroup/memory/s");
	/* Mounted, but we are in no group of it. */
	assert_null(f.v1[CGROUP_FREEZER]);
	assert_string_equal(f.v2, "/sys/fs/cgroup/unified/s");
	cgfind_free(&f);
}

static void
a_container_sees_its_part_only(void **state)
{
	struct cgfind f;

	(void)state;
	/* Bound from the host's tree: the mount's root is our own path. */
	cgfind_read(&f, V1("35", "memory", "/docker/1", "/cg/memory")
	    V1("36", "pids", "/docker/2", "/cg/pids"),
	    "4:memory:/docker/1/x\n5:pids:/docker/22\n");
	assert_v1(&f, CGROUP_MEMORY, "/cg/memory/x");
	/* /docker/22 is not below /docker/2. */
	assert_null(f.v1[CGROUP_PIDS]);
	cgfind_free(&f);
}

static void
the_mount_that_can_be_written_goes_first(void **state)
{
	struct cgfind f;

	(void)state;
	cgfind_read(&f, "1 2 0:3 / /ro ro,nosuid - cgroup2 cgroup rw\n"
	    "2 2 0:3 / /a\\040b rw,nosuid - cgroup2 cgroup rw\n"
	    "3 2 0:3 / /later rw,nosuid - cgroup2 cgroup rw\n", "0::/x\n");
	assert_string_equal(f.v2, "/a b/x");
	cgfind_free(&f);
	cgfind_read(&f, "1 2 0:3 / /ro ro,nosuid - cgroup2 cgroup rw\n",
	    "0::/x\n");
	assert_string_equal(f.v2, "/ro/x");
	cgfind_free(&f);
}

static void
nonsense_finds_nothing(void **state)
{
	static const char *const texts[] = {
		"", "\n\n", ":", "::", "0:", "0::", "0::x\n", "4:memory\n",
		"4:memory:\n", "x:memory2,mem:/\n", "-", "1 2 3 / /x rw",
		"1 2 3 / /x rw -\n", "1 2 3 / /x rw - cgroup2\n",
		"1 2 3 / /x rw - cgroup2 y\n", "1 2 3 / \\0 rw - a b c\n",
	};
	size_t i, n = sizeof(texts) / sizeof(*texts);
	struct cgfind f;

	(void)state;
	for (i = 0; i < n * n; i++) {
		cgfind_read(&f, texts[i / n], texts[i % n]);
		assert_null(f.v2);
		assert_null(f.v1[CGROUP_MEMORY]);
		cgfind_free(&f);
	}
	cgfind_read(&f, v1_mounts, "4:memory2:/\n5:xpids:/\n0:cpu\n");
	assert_null(f.v1[CGROUP_MEMORY]);
	assert_null(f.v1[CGROUP_PIDS]);
	cgfind_free(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_controller_of_v1_has_its_own_folder),
		cmocka_unit_test(v2_is_one_folder_for_all),
		cmocka_unit_test(a_hybrid_host_has_both),
		cmocka_unit_test(a_container_sees_its_part_only),
		cmocka_unit_test(the_mount_that_can_be_written_goes_first),
		cmocka_unit_test(nonsense_finds_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
