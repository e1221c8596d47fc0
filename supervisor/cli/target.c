#include <config.h>

#include <string.h>

#include "base/mem.h"
#include "base/own.h"
#include "cli/target.h"

bool
target_is_execution_arn(const char *word)
{
	return strncmp(word, "arn:", 4) == 0 &&
	    strstr(word, "/durable-execution/") != NULL;
}

char *
target_path(const char *arn, const char *suffix)
{
	own_free char *path =
	    url_fmt("/2025-12-01/durable-executions/%s", arn);

	return xasprintf("%s%s", path, suffix);
}

json_t *
target_functions(struct client *c, struct err *err)
{
	return client_list(
	    c, "/2015-03-31/functions", NULL, "Functions", 0, err);
}

/* What was found for one word. */
struct search {
	const char *word;
	char *found;
	size_t n;
};

static void
search_add(struct search *s, const char *arn)
{
	if (arn == NULL || (s->found != NULL && strcmp(s->found, arn) == 0))
		return;
	s->n++;
	if (s->found == NULL)
		s->found = xstrdup(arn);
}

static int
search_names(struct search *s, struct client *c, const char *path,
    struct err *err)
{
	own_free char *query = url_fmt("DurableExecutionName=%s", s->word);
	own_json json_t *list = client_list(
	    c, path, query, "DurableExecutions", 0, err);
	const json_t *one;
	size_t i;

	if (list == NULL)
		return -1;
	json_array_foreach(json_object_get(list, "DurableExecutions"), i, one)
		search_add(s, json_string_value(json_object_get(
				  one, "DurableExecutionArn")));
	return 0;
}

static int
search_ids(struct search *s, struct client *c, const char *path,
    struct err *err)
{
	own_json json_t *list = client_list(
	    c, path, NULL, "DurableExecutions", 0, err);
	const json_t *one;
	size_t i;

	if (list == NULL)
		return -1;
	json_array_foreach(json_object_get(list, "DurableExecutions"), i,
	    one) {
		const char *arn = json_string_value(
		    json_object_get(one, "DurableExecutionArn"));
		const char *id = arn != NULL ? strrchr(arn, '/') : NULL;

		if (id != NULL &&
		    strncmp(id + 1, s->word, strlen(s->word)) == 0)
			search_add(s, arn);
	}
	return 0;
}

static int
search_functions(struct search *s, struct client *c, const json_t *functions,
    int (*one)(struct search *, struct client *, const char *, struct err *),
    struct err *err)
{
	const json_t *f;
	size_t i;

	json_array_foreach(json_object_get(functions, "Functions"), i, f) {
		const char *name =
		    json_string_value(json_object_get(f, "FunctionName"));
		own_free char *path = NULL;

		if (name == NULL || json_object_get(f, "DurableConfig") == NULL)
			continue;
		path = url_fmt(
		    "/2025-12-01/functions/%s/durable-executions", name);
		if (one(s, c, path, err) != 0)
			return -1;
	}
	return 0;
}

/* Names go first: an id's prefix may be anything. */
char *
target_execution(struct client *c, const char *word, struct err *err)
{
	struct search s = { word, NULL, 0 };
	own_json json_t *functions = NULL;
	int r;

	if (target_is_execution_arn(word))
		return xstrdup(word);
	functions = target_functions(c, err);
	if (functions == NULL)
		return NULL;
	r = search_functions(&s, c, functions, search_names, err);
	if (r == 0 && s.n == 0)
		r = search_functions(&s, c, functions, search_ids, err);
	if (r == 0 && s.n == 0)
		r = err_set(err, ERR_NOT_FOUND,
		    "there is no execution with name or id %s", word);
	if (r == 0 && s.n > 1)
		r = err_set(err, ERR_CONFLICT,
		    "%s means %zu executions: give the ARN or more of the id",
		    word, s.n);
	if (r != 0)
		free(steal_ptr(&s.found));
	return s.found;
}
