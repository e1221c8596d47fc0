#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "api/check.h"
#include "api/checkpoint_body.h"
#include "api/durable_call.h"
#include "base/mem.h"
#include "base/utf8.h"

/* More are left, with the bounds that input.c has for them. */
#define UPDATES_MOST 1000

struct reader {
	const struct rules *rules;
	char *at;	/* in a copy of the body that ends with NUL */
	char *end;
};

struct text {
	char *s;
	size_t len;
};

/* ---- JSON ---- */

static bool
take(struct reader *r, char c)
{
	while (*r->at == ' ' || *r->at == '\n' || *r->at == '\t' ||
	    *r->at == '\r')
		r->at++;
	if (*r->at != c)
		return false;
	r->at++;
	return true;
}

/* What stands for the character behind a backslash; NUL: left. */
static char
escaped(char c)
{
	switch (c) {
	case '"':
	case '\\':
	case '/':
		return c;
	case 'b':
		return '\b';
	case 'f':
		return '\f';
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	default:
		return '\0';
	}
}

/* A string, which is made shorter in its place and ended with NUL. */
static bool
take_text(struct reader *r, struct text *t)
{
	unsigned char all = 0;
	char *p, *to;

	if (!take(r, '"'))
		return false;
	t->s = to = p = r->at;
	while (*p != '"') {
		if ((unsigned char)*p < 0x20)
			return false;
		all |= (unsigned char)*p;
		if (*p == '\\') {
			*to = escaped(p[1]);
			if (*to == '\0')
				return false;
			p++;
		} else {
			*to = *p;
		}
		to++;
		p++;
	}
	r->at = p + 1;
	*to = '\0';
	t->len = (size_t)(to - t->s);
	return all < 0x80 || utf8_valid(t->s, t->len);
}

/* ---- against the model ---- */

static const struct api_member *
member_of(const struct api_shape *s, const struct text *name)
{
	const struct api_member *m = &api_members[s->first];

	for (; m < &api_members[s->first + s->count]; m++)
		if (strcmp(m->name, name->s) == 0)
			return m;
	return NULL;
}

/* One member of a structure: its name, then a colon. */
static const struct api_member *
take_name(struct reader *r, const struct api_shape *s)
{
	const struct api_member *m;
	struct text name;

	if (!take_text(r, &name) || !take(r, ':'))
		return NULL;
	m = member_of(s, &name);
	return m != NULL && m->location == API_BODY ? m : NULL;
}

static bool
take_member(struct reader *r, const struct api_member *m, struct text *t)
{
	return api_shapes[m->shape].type == API_STRING && take_text(r, t) &&
	    check_text(r->rules, m->shape, t->s, t->len);
}

/* ---- updates ---- */

static bool
put_text(const char **at, const struct text *t)
{
	if (*at != NULL)
		return false;
	*at = t->s;
	return true;
}

/* By name, each once.  False: left. */
static bool
put_member(struct op_update *u, const char *name, const struct text *t,
    const char **type, const char **action)
{
	if (strcmp(name, "Id") == 0)
		return put_text(&u->id, t);
	if (strcmp(name, "ParentId") == 0)
		return put_text(&u->parent_id, t);
	if (strcmp(name, "Name") == 0)
		return put_text(&u->name, t);
	if (strcmp(name, "SubType") == 0)
		return put_text(&u->subtype, t);
	if (strcmp(name, "Type") == 0)
		return put_text(type, t);
	if (strcmp(name, "Action") == 0)
		return put_text(action, t);
	if (strcmp(name, "Payload") != 0 || u->payload != NULL)
		return false;
	u->payload = blob_new(t->s, t->len);
	return true;
}

static bool
take_update(struct reader *r, const struct api_shape *s, struct op_update *u)
{
	const char *type = NULL, *action = NULL;
	const struct api_member *m;
	struct text t;
	int number;

	if (!take(r, '{'))
		return false;
	do {
		m = take_name(r, s);
		if (m == NULL || !take_member(r, m, &t) ||
		    !put_member(u, m->name, &t, &type, &action))
			return false;
	} while (take(r, ','));
	if (!take(r, '}') || u->id == NULL || type == NULL || action == NULL)
		return false;
	if ((number = op_type_parse(type)) < 0)
		return false;
	u->type = (enum op_type)number;
	if ((number = op_action_parse(action)) < 0)
		return false;
	u->action = (enum op_action)number;
	return true;
}

static bool
take_updates(struct reader *r, const struct api_shape *list,
    struct checkpoint_body *b)
{
	const struct api_shape *s = &api_shapes[list->elem];
	size_t room = 0;

	if (b->updates != NULL || !take(r, '['))
		return false;
	if (take(r, ']'))
		return true;
	do {
		if (b->nupdates == UPDATES_MOST)
			return false;
		if (b->nupdates == room) {
			room = room == 0 ? 4 : room * 2;
			b->updates = xreallocarray(b->updates, room,
			    sizeof(*b->updates));
		}
		memset(&b->updates[b->nupdates], 0, sizeof(*b->updates));
		if (!take_update(r, s, &b->updates[b->nupdates++]))
			return false;
	} while (take(r, ','));
	return take(r, ']');
}

/* ---- the whole ---- */

static bool
take_body(struct reader *r, const struct api_shape *s,
    struct checkpoint_body *b)
{
	const struct api_member *m;
	bool updates = false;
	struct text t;

	if (!take(r, '{'))
		return false;
	do {
		if ((m = take_name(r, s)) == NULL)
			return false;
		if (strcmp(m->name, "Updates") == 0) {
			if (updates ||
			    !take_updates(r, &api_shapes[m->shape], b))
				return false;
			updates = true;
		} else if (!take_member(r, m, &t) ||
		    !put_text(strcmp(m->name, "CheckpointToken") == 0 ?
		    &b->token : &b->client_token, &t)) {
			return false;
		}
	} while (take(r, ','));
	if (!take(r, '}'))
		return false;
	take(r, '\0');
	return r->at == r->end + 1 && b->token != NULL;
}

struct checkpoint_body *
checkpoint_body_read(const struct rules *rules,
    const struct input_source *source)
{
	struct reader r = { .rules = rules };
	size_t len = source->body_len;
	struct checkpoint_body *b;

	if (len == 0)
		return NULL;
	b = xcalloc(1, sizeof(*b));
	b->text = xmalloc(len + 1);
	memcpy(b->text, source->body, len);
	b->text[len] = '\0';
	r.at = b->text;
	r.end = b->text + len;
	if (take_body(&r, &api_shapes[source->route->op->input], b))
		return b;
	checkpoint_body_free(b);
	return NULL;
}

void
checkpoint_body_free(struct checkpoint_body *b)
{
	if (b == NULL)
		return;
	updates_free(b->updates, b->nupdates);
	free(b->text);
	free(b);
}
