#include <config.h>

#include <string.h>
#include <time.h>

#include "base/own.h"
#include "cli/history.h"
#include "cli/show.h"
#include "cli/target.h"
#include "cli/watch.h"
#include "cli/when.h"

#define WATCH_EVERY_NS (250L * 1000 * 1000)

json_t *
watch_events(struct client *c, const char *arn, bool data, long long from,
    struct err *err)
{
	own_free char *path = target_path(arn, "/history");
	own_json json_t *page = NULL;
	json_t *events;

	page = client_list(c, path,
	    data ? "IncludeExecutionData=true&MaxItems=1000"
		 : "IncludeExecutionData=false&MaxItems=1000",
	    "Events", 0, err);
	if (page == NULL)
		return NULL;
	events = json_incref(json_object_get(page, "Events"));
	while (json_array_size(events) > 0 &&
	    show_int(json_array_get(events, 0), "EventId") < from)
		json_array_remove(events, 0);
	return events;
}

/* A running table: the widths are guessed, since what comes is unknown. */
static void
watch_print(const struct args *args, const json_t *event, FILE *out)
{
	own_buf struct buf detail = BUF_INIT;
	char when[WHEN_TEXT];

	if (args->json) {
		json_dumpf(event, out, JSON_COMPACT);
		fputc('\n', out);
		return;
	}
	when_json(json_object_get(event, "EventTimestamp"), args->utc, when);
	history_detail(event, args->utc, &detail);
	fprintf(out, "%4lld  %s  %-20s  %-20s  %s\n",
	    show_int(event, "EventId"), when, show_str(event, "EventType"),
	    history_name(event), detail.data);
}

/* Prints what is new; the number of the next event, or -1. */
static long long
watch_more(struct client *c, const struct args *args, const char *arn,
    long long from, FILE *out, struct err *err)
{
	own_json json_t *events =
	    watch_events(c, arn, !args->no_data, from, err);
	const json_t *event;
	size_t i;

	if (events == NULL)
		return -1;
	json_array_foreach(events, i, event) {
		watch_print(args, event, out);
		from = show_int(event, "EventId") + 1;
	}
	fflush(out);
	return from;
}

static bool
watch_is_over(const json_t *execution)
{
	const char *status = show_str(execution, "Status");

	return strcmp(status, "SUCCEEDED") == 0 ||
	    strcmp(status, "FAILED") == 0 ||
	    strcmp(status, "TIMED_OUT") == 0 ||
	    strcmp(status, "STOPPED") == 0 || strcmp(status, "DELETING") == 0;
}

void
watch_tell(const struct args *args, const json_t *execution)
{
	own_buf struct buf error = BUF_INIT;

	history_error(json_object_get(execution, "Error"), &error);
	cli_say(args, "%s%s%s", show_str(execution, "Status"),
	    error.len > 0 ? ": " : "", error.len > 0 ? error.data : "");
}

int
watch_execution(struct client *c, const struct args *args, const char *arn,
    bool aside, json_t **result)
{
	const struct timespec every = { 0, WATCH_EVERY_NS };
	FILE *out = aside ? stderr : stdout;
	own_free char *path = target_path(arn, "");
	long long from = 1;
	struct err err;

	for (;;) {
		/* The state first: no event comes after an end seen here. */
		own_json json_t *execution =
		    client_json(c, "GET", path, NULL, NULL, &err);

		if (execution == NULL)
			return cli_fail(&err);
		if (!aside || !args->quiet)
			from = watch_more(c, args, arn, from, out, &err);
		if (from < 0)
			return cli_fail(&err);
		if (watch_is_over(execution)) {
			int code = strcmp(show_str(execution, "Status"),
				       "SUCCEEDED") == 0
			    ? EXIT_DONE
			    : EXIT_ITSELF_FAILED;

			if (result != NULL)
				*result = json_incref(execution);
			return code;
		}
		nanosleep(&every, NULL);
	}
}
