/*
 * suite - one store on a real Postgres for all tests of a program.
 */
#ifndef TESTS_STORE_SUITE_H
#define TESTS_STORE_SUITE_H

#include "tests/store/harness.h"

/* The one under test. */
extern struct bench bench;

/* For cmocka: before all tests, after them, and before each. */
int suite_up(void **state);
int suite_down(void **state);
int wipe(void **state);

#endif
