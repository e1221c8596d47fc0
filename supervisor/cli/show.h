/*
 * show - objects of the API on standard output.
 */
#ifndef CLI_SHOW_H
#define CLI_SHOW_H

#include <jansson.h>

/* One JSON document, indented, and a line end; EXIT_DONE. */
int show_json(const json_t *);
/* One object in one line. */
void show_json_line(const json_t *);
/* "Name: value" for each member; nested values as JSON. */
void show_members(const json_t *object, int utc);
/* Never NULL. */
const char *show_str(const json_t *object, const char *member);
long long show_int(const json_t *object, const char *member);

#endif
