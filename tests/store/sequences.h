/*
 * sequences - what every store must do, whichever it is.
 */
#ifndef TESTS_STORE_SEQUENCES_H
#define TESTS_STORE_SEQUENCES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/store/suite.h"

void execution_comes_back_as_it_was_written(void **state);
void stale_revision_writes_nothing(void **state);
void second_of_a_name_hears_of_the_first(void **state);
void children_start_with_the_write_or_not_at_all(void **state);
void history_comes_in_pages_both_ways(void **state);
void list_goes_on_where_it_stopped(void **state);
void wakes_orphans_and_untold_are_found(void **state);
void only_what_is_being_deleted_is_dropped(void **state);
void event_belongs_to_one_node_at_a_time(void **state);
void event_ends_with_what_follows(void **state);
void nothing_is_found_where_nothing_is(void **state);
/* tests/store/archive.c */
void archived_executions_are_read_as_before(void **state);
void name_is_free_once_it_has_expired(void **state);
void archived_execution_only_takes_deletion(void **state);
void what_is_not_finished_stays(void **state);

#define SEQUENCE(name, setup) cmocka_unit_test_setup(name, setup)
#define SEQUENCES(setup) \
	SEQUENCE(execution_comes_back_as_it_was_written, setup), \
	SEQUENCE(stale_revision_writes_nothing, setup), \
	SEQUENCE(second_of_a_name_hears_of_the_first, setup), \
	SEQUENCE(children_start_with_the_write_or_not_at_all, setup), \
	SEQUENCE(history_comes_in_pages_both_ways, setup), \
	SEQUENCE(list_goes_on_where_it_stopped, setup), \
	SEQUENCE(wakes_orphans_and_untold_are_found, setup), \
	SEQUENCE(only_what_is_being_deleted_is_dropped, setup), \
	SEQUENCE(event_belongs_to_one_node_at_a_time, setup), \
	SEQUENCE(event_ends_with_what_follows, setup), \
	SEQUENCE(nothing_is_found_where_nothing_is, setup), \
	SEQUENCE(archived_executions_are_read_as_before, setup), \
	SEQUENCE(name_is_free_once_it_has_expired, setup), \
	SEQUENCE(archived_execution_only_takes_deletion, setup), \
	SEQUENCE(what_is_not_finished_stays, setup)

#endif
