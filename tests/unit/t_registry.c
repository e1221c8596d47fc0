/*
 * Functions in memory: what was read from the store against what was written
 * meanwhile.
 */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/mem.h"
#include "flow/engine.h"
#include "flow/registry.h"
#include "store/pgstore.h"

struct fixture {
	struct engine engine;
	struct registry *registry;
};

static int
setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	f->registry = registry_new(&f->engine);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	registry_free(f->registry);
	free(f);
	return 0;
}

static struct function_version *
version_make(const char *function, const char *version)
{
	struct function_version *v = xcalloc(1, sizeof(*v));

	v->refs = 1;
	v->function = xstrdup(function);
	v->version = xstrdup(version);
	v->config = json_object();
	return v;
}

static void
write_version(struct registry *r, const char *name, const char *version)
{
	struct function_version *v = version_make(name, version);
	bool latest = strcmp(version, "$LATEST") == 0;
	struct function_write w = { .name = name,
		.latest = latest ? v : NULL, .publish = latest ? NULL : v };

	registry_apply(r, &w);
	function_version_unref(v);
}

static struct function *
function_make(const char *name)
{
	struct function *f = xcalloc(1, sizeof(*f));

	f->name = xstrdup(name);
	f->tags = json_object();
	f->latest = version_make(name, "$LATEST");
	return f;
}

static void
what_was_read_is_taken(void **state)
{
	struct fixture *f = *state;
	struct function *read[] = { function_make("b"), function_make("a") };

	write_version(f->registry, "old", "$LATEST");
	assert_true(registry_take(f->registry, read, 2, 1,
	    registry_mark(f->registry)));
	assert_int_equal(registry_count(f->registry), 2);
	assert_non_null(registry_get(f->registry, "a"));
	assert_null(registry_get(f->registry, "old"));
}

static void
read_from_before_a_write_is_not_taken(void **state)
{
	struct fixture *f = *state;
	struct function *read[] = { function_make("a") };
	uint64_t mark = registry_mark(f->registry);

	write_version(f->registry, "new", "$LATEST");
	assert_false(registry_take(f->registry, read, 1, 1, mark));
	assert_non_null(registry_get(f->registry, "new"));
}

static void
version_that_was_read_before_its_answer_is_there_once(void **state)
{
	struct fixture *f = *state;

	write_version(f->registry, "a", "$LATEST");
	write_version(f->registry, "a", "1");
	write_version(f->registry, "a", "1");
	assert_int_equal(registry_get(f->registry, "a")->nversions, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_was_read_is_taken),
		TEST(read_from_before_a_write_is_not_taken),
		TEST(version_that_was_read_before_its_answer_is_there_once),
	};

	return cmocka_run_group_tests_name("registry", tests, NULL, NULL);
}
