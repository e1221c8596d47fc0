#include <config.h>

#include "tests/store/suite.h"

struct bench bench;

int
suite_up(void **state)
{
	(void)state;
	bench_open(&bench, NULL);
	bench_until_ready(&bench, true);
	return 0;
}

int
suite_down(void **state)
{
	(void)state;
	bench_close(&bench);
	return 0;
}

int
wipe(void **state)
{
	(void)state;
	bench_wipe();
	bench_clock(&bench, 0);
	return 0;
}
