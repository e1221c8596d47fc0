#include <config.h>

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "cli/cli.h"
#include "cli/show.h"
#include "cli/table.h"
#include "cli/when.h"

int
show_json(const json_t *value)
{
	json_dumpf(value, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY);
	putchar('\n');
	return EXIT_DONE;
}

void
show_json_line(const json_t *value)
{
	json_dumpf(value, stdout, JSON_COMPACT | JSON_ENCODE_ANY);
	putchar('\n');
	fflush(stdout);
}

const char *
show_str(const json_t *object, const char *member)
{
	const char *s = json_string_value(json_object_get(object, member));

	return s != NULL ? s : "";
}

long long
show_int(const json_t *object, const char *member)
{
	return json_integer_value(json_object_get(object, member));
}

void
show_members(const json_t *object, int utc)
{
	static const char *const titles[] = { "MEMBER", "VALUE", NULL };
	const char *name;
	json_t *value;
	struct table t;

	table_begin(&t, titles);
	json_object_foreach((json_t *)(uintptr_t)object, name, value) {
		own_free char *text =
		    json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
		char when[WHEN_TEXT];

		table_cell(&t, name);
		if (json_is_string(value)) {
			table_cell(&t, json_string_value(value));
		} else if (json_is_number(value) &&
		    strstr(name, "Timestamp") != NULL) {
			when_json(value, utc, when);
			table_cell(&t, when);
		} else {
			table_cell(&t, text);
		}
	}
	table_end(&t, stdout, 0);
}
