/* With which libpq a database may refuse commits. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/pg.h"

static void
only_those_that_were_mended_may(void **state)
{
	static const struct {
		int version;
		bool may;
	} rows[] = {
		{ 140000, false }, { 140010, false }, { 140011, true },
		{ 140019, true }, { 150000, false }, { 150005, false },
		{ 150006, true }, { 150020, true }, { 160000, false },
		{ 160001, false }, { 160002, true }, { 170000, true },
		{ 180001, true },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (pg_libpq_hears_sync(rows[i].version) != rows[i].may)
			fail_msg("libpq %d", rows[i].version);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_those_that_were_mended_may),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
