/*
 * cmd_logs - perdure logs: what functions wrote.
 */
#include <config.h>

#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/own.h"
#include "cli/show.h"
#include "cli/table.h"
#include "cli/target.h"
#include "cli/when.h"

#define LOGS_LINE_MOST (4 * 1024 * 1024)

struct logs {
	const struct args *args;
	struct buf line;	/* of the answer, not whole yet */
};

/* Printed as it is, but for what could drive a terminal. */
static void
logs_text(const char *text)
{
	for (; *text != '\0'; text++)
		if (*text == '\r')
			fputs("\n    ", stdout);
		else if (((unsigned char)*text < 0x20 && *text != '\t') ||
		    *text == 0x7f)
			putchar('?');
		/* U+0080 to U+009F are controls of terminals, too. */
		else if ((unsigned char)*text == 0xc2 &&
		    (unsigned char)text[1] < 0xa0)
			putchar('?'), text += text[1] != '\0';
		else
			putchar(*text);
	putchar('\n');
}

static void
logs_line(struct logs *l)
{
	own_json json_t *record = NULL;
	char when[WHEN_TEXT];

	buf_str(&l->line, "");
	if (l->args->json) {
		if (l->line.len > 0)
			puts(l->line.data);
		return;
	}
	record = json_loadb(l->line.data, l->line.len, JSON_ALLOW_NUL, NULL);
	if (record == NULL)
		return;
	when_json(json_object_get(record, "time"), l->args->utc, when);
	printf("%s  ", when);
	if (l->args->nwords == 0)
		printf("%s  ", show_str(record, "function"));
	logs_text(show_str(record, "text"));
}

static int
logs_on_data(void *arg, const char *data, size_t n)
{
	struct logs *l = arg;
	const char *end;

	while ((end = memchr(data, '\n', n)) != NULL) {
		buf_add(&l->line, data, (size_t)(end - data));
		logs_line(l);
		buf_reset(&l->line);
		n -= (size_t)(end - data) + 1;
		data = end + 1;
	}
	buf_add(&l->line, data, n);
	fflush(stdout);
	return l->line.len > LOGS_LINE_MOST || ferror(stdout) ? -1 : 0;
}

static bool
is_function(struct client *c, const char *word)
{
	own_free char *path =
	    url_fmt("/2015-03-31/functions/%s/configuration", word);
	struct err ignored;
	own_json json_t *f = client_json(c, "GET", path, NULL, NULL, &ignored);

	return f != NULL;
}

/* The word is a function's name, or means an execution. */
static int
logs_query(struct client *c, const struct args *args, struct buf *query,
    struct err *err)
{
	own_free char *arn = NULL;
	long seconds;

	/* All there are: the server streams them. */
	buf_str(query, args->follow ? "follow=true&limit=0"
				    : "limit=1000000000");
	if (args->since != NULL) {
		if (when_duration(args->since, &seconds, err) != 0)
			return err_wrap(err, "--since");
		buf_fmt(query, "&since=%lld",
		    (long long)time(NULL) - seconds);
	}
	if (args->nwords == 0)
		return 0;
	if (!target_is_execution_arn(args->words[0]) &&
	    is_function(c, args->words[0])) {
		buf_str(query, "&function=");
		url_add(query, args->words[0]);
		return 0;
	}
	arn = target_execution(c, args->words[0], err);
	if (arn == NULL && err->kind == ERR_NOT_FOUND)
		return err_set(err, ERR_NOT_FOUND,
		    "there is no function or execution %s", args->words[0]);
	if (arn == NULL)
		return -1;
	buf_str(query, "&execution=");
	url_add(query, arn);
	return 0;
}

int
cmd_logs(struct args *args)
{
	struct err err;
	own_client struct client *c = client_new(args, &err);
	own_buf struct buf query = BUF_INIT;
	own_reply struct reply reply = REPLY_INIT;
	struct logs logs = { args, BUF_INIT };
	struct request r = { .method = "GET", .path = "/_perdure/logs",
		.on_data = logs_on_data, .arg = &logs };
	int code;

	if (c == NULL || logs_query(c, args, &query, &err) != 0)
		return cli_fail(&err);
	r.query = query.data;
	code = client_send(c, &r, &reply, &err) == 0 ? EXIT_DONE
						     : cli_fail(&err);
	if (logs.line.len > 0)
		logs_line(&logs);
	buf_free(&logs.line);
	return code;
}
