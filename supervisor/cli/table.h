/*
 * table - aligned columns for people.  Text from outside cannot reach the
 * terminal's control sequences: control characters are shown as '?'.
 */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct table {
	size_t columns;
	char **cells;	/* row by row, the titles first */
	size_t n;
};

/* Titles end with NULL. */
void table_begin(struct table *, const char *const titles[]);
/* The next cell; NULL and "" print as "-". */
void table_cell(struct table *, const char *);
void table_cellf(struct table *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/*
 * Prints and empties.  width > 0: the last column is cut so that no line
 * is longer.
 */
void table_end(struct table *, FILE *, size_t width);

/* Columns of the terminal that standard output is; 0: it is none. */
size_t terminal_width(void);
/* Cells that a text takes; bytes that are no UTF-8 count one each. */
size_t text_width(const char *);

#endif
