#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/copy.h"
#include "tests/store/dump.h"
#include "tests/store/tier2.h"

static const char *const kind_names[CALL_KINDS] = {
	"start", "write", "drop", "archive", "expire", "event_put",
	"event_take", "event_retry", "event_end", "event_drop", "load", "head",
	"history", "by_name", "list", "due", "due_next", "orphans", "untold",
};

static const char *const result_names[] = {
	"ok", "conflict", "retry", "unknown", "fatal",
};

/* ---- made up ---- */

static void
make_name(struct call *c)
{
	snprintf(c->name, sizeof(c->name), "n%u", pick(4));
}

static struct execution *
view_any(const struct known *k)
{
	return k->views[pick((uint32_t)k->n)];
}

static void
make_start(struct call *c, struct bench *b)
{
	make_name(c);
	c->x = make_execution(b, &c->c, "f", c->name, pick(2) ? "{}" : NULL);
	c->x->deadline_ms = pick(2) ? 1000 + (int64_t)pick(100) : 0;
	if (pick(3) == 0)
		c->x->parent = id_random(b->env);
	c->id = c->x->id;
}

static void
add_child(struct call *c, struct bench *b, bool durable)
{
	struct child_start *s;
	struct change started;
	char name[8];

	c->c.children = xreallocarray(c->c.children,
	    (size_t)c->c.nchildren + 1, sizeof(*c->c.children));
	s = &c->c.children[c->c.nchildren++];
	memset(s, 0, sizeof(*s));
	if (!durable) {
		s->event = async_event_new();
		s->event->id = id_random(b->env);
		s->event->function = xstrdup("g");
		s->event->due_ms = 1;
		s->event->owner = 1 + (int64_t)pick(3);
		s->event->parent = c->x->id;
		return;
	}
	/*
	 * Its name may be taken, by another child: then nothing of the write
	 * may happen.  Names of the archive are not asked for it: a child's
	 * name is made up.
	 */
	snprintf(name, sizeof(name), "c%u", pick(20));
	s->x = make_execution(b, &started, "f", name, "{}");
	s->x->parent = c->x->id;
	s->started = started.events[0];
	started.nevents = 0;
	change_free(&started);
}

static void
settle(struct call *c, const struct known *k)
{
	if (k->nevents == 0)
		return;
	c->c.settled = xreallocarray(c->c.settled, 1, sizeof(struct id));
	c->c.settled[0] = k->events[pick((uint32_t)k->nevents)]->id;
	c->c.nsettled = 1;
}

static void
end_operation(struct call *c)
{
	struct operation *o = c->x->ops[c->x->nops - 1];

	o->status = OP_SUCCEEDED;
	o->end_ms = 77;
	blob_unref(o->payload);
	o->payload = blob_new("\0r", pick(3));
	make_event(c->x, &c->c, EVENT_STEP_SUCCEEDED, o->ord, "1");
}

/* Only a deletion still changes an archived one. */
static void
make_archived_write(struct call *c, struct bench *b)
{
	change_begin(&c->c, c->x);
	c->c.rev_before = c->x->rev++;
	c->x->write_id = env_random_u64(b->env);
	if (pick(8) != 0)
		c->x->status = EXECUTION_DELETING;
}

/* Long ago: the archive throws it away at once. */
static int64_t
end_any(struct bench *b)
{
	return pick(4) ? env_now_ms(b->env) : (int64_t)pick64() & 0xffffff;
}

static void
make_write(struct call *c, struct bench *b, const struct known *k)
{
	const struct execution *view = view_any(k);
	char id[16];

	c->x = execution_copy(view, INT32_MAX);
	c->x->archived = view->archived;
	c->id = c->x->id;
	if (c->x->archived) {
		make_archived_write(c, b);
		return;
	}
	snprintf(id, sizeof(id), "s%d", c->x->nops);
	make_step(b, c->x, &c->c, id);
	switch (k->endings && pick(4) ? 4 : pick(12)) {
	case 0:
		add_child(c, b, true);
		break;
	case 1:
		add_child(c, b, false);
		break;
	case 2:
		settle(c, k);
		break;
	case 3:
		c->x->running = !c->x->running;
		c->x->owner = c->x->running ? 1 + (int64_t)pick(2) : 0;
		c->x->claimed_ms = (int64_t)pick64() & 0xffffff;
		break;
	case 4:
	case 5:
		c->x->status = (enum execution_status)
		    pick(EXECUTION_STATUSES);
		c->x->end_ms = end_any(b);
		c->x->running = c->x->running && pick(3) == 0;
		if (k->endings)
			c->x->status = pick(2) ? EXECUTION_RUNNING :
			    EXECUTION_SUCCEEDED;
		break;
	case 6:
		c->x->status = EXECUTION_DELETING;
		break;
	case 7:
		c->x->parent_told = true;
		break;
	case 8:
		c->c.rev_before--;
		break;
	default:
		end_operation(c);
		break;
	}
}

static void
make_event_call(struct call *c, struct bench *b, const struct known *k)
{
	struct async_event *e;

	if (c->kind == CALL_EVENT_PUT && (k->nevents < EVENTS || pick(2))) {
		c->event = e = async_event_new();
		e->id = id_random(b->env);
		e->function = xstrdup("g");
		e->payload = blob_new("a\0b", pick(4));
		e->due_ms = 1 + (int64_t)pick(100);
		return;
	}
	c->event = async_event_copy(k->events[pick((uint32_t)k->nevents)]);
	c->id = c->event->id;
	if (c->kind == CALL_EVENT_END) {
		c->next = e = async_event_new();
		e->id = id_random(b->env);
		e->function = xstrdup("h");
		e->qualifier = pick(2) ? xstrdup("1") : NULL;
		e->payload = blob_new("{}", 2);
		e->trace = pick(2) ? xstrdup("Root=1") : NULL;
		e->accepted_ms = 1 + (int64_t)pick(100);
		e->owner = pick(4);
		e->hops = 1 + (int32_t)pick(5);
	}
	if (c->kind != CALL_EVENT_RETRY)
		return;
	c->event->attempt = (int32_t)pick(100);
	c->event->due_ms = 1 + (int64_t)pick(100);
	c->event->owner = pick(4);
}

static enum call_kind
kind_any(const struct known *k)
{
	static const enum call_kind kinds[] = {
		CALL_START, CALL_START, CALL_START, CALL_WRITE, CALL_WRITE,
		CALL_WRITE, CALL_WRITE, CALL_WRITE, CALL_WRITE, CALL_WRITE,
		CALL_WRITE, CALL_DROP, CALL_DROP, CALL_LOAD, CALL_LOAD,
		CALL_LOAD, CALL_LOAD, CALL_HEAD, CALL_HISTORY, CALL_NAME,
		CALL_LIST, CALL_DUE, CALL_NEXT, CALL_ORPHANS, CALL_UNTOLD,
		CALL_EVENT_PUT, CALL_EVENT_TAKE, CALL_EVENT_TAKE,
		CALL_EVENT_RETRY, CALL_EVENT_END, CALL_EVENT_DROP,
		CALL_ARCHIVE, CALL_ARCHIVE, CALL_EXPIRE,
	};
	enum call_kind kind = kinds[pick(sizeof(kinds) / sizeof(kinds[0]))];

	if (k->endings && pick(2) == 0)
		kind = pick(3) == 0 ? CALL_ARCHIVE : CALL_WRITE;
	if (k->n == 0 && (kind == CALL_WRITE || kind == CALL_DROP ||
	    kind == CALL_LOAD || kind == CALL_HEAD || kind == CALL_HISTORY))
		return CALL_START;
	if (k->nevents == 0 &&
	    (kind == CALL_EVENT_RETRY || kind == CALL_EVENT_END ||
	    kind == CALL_EVENT_DROP))
		return CALL_EVENT_PUT;
	return kind;
}

void
call_make(struct call *c, struct bench *b, struct known *k)
{
	memset(c, 0, sizeof(*c));
	c->kind = kind_any(k);
	c->ended = INT_MAX;
	switch (c->kind) {
	case CALL_START:
		make_start(c, b);
		break;
	case CALL_WRITE:
		make_write(c, b, k);
		break;
	case CALL_EVENT_PUT:
	case CALL_EVENT_RETRY:
	case CALL_EVENT_END:
	case CALL_EVENT_DROP:
		make_event_call(c, b, k);
		break;
	case CALL_ARCHIVE:
	case CALL_EXPIRE:
		c->limit = 100;
		break;
	case CALL_EVENT_TAKE:
		c->number = 1 + (int64_t)pick(3);
		c->limit = 1 + (int)pick(4);
		c->flag = pick(2);
		break;
	case CALL_DROP:
	case CALL_LOAD:
	case CALL_HEAD:
	case CALL_HISTORY:
		c->id = view_any(k)->id;
		c->flag = pick(2);
		c->limit = 1 + (int)pick(60);
		c->number = c->flag ? 20 : 1 + (int64_t)pick(3);
		break;
	case CALL_LIST:
		c->flag = pick(2);
		c->limit = 1 + (int)pick(8);
		c->statuses = pick(256);
		break;
	default:
		make_name(c);
		c->number = c->kind == CALL_DUE || c->kind == CALL_NEXT ?
		    1000 + (int64_t)pick(100) : 1 + (int64_t)pick(3);
		break;
	}
}

/* ---- asked ---- */

static void
issue_read(struct call *c, struct store *s, struct answer *a)
{
	struct store_list_filter f = { .function = "f", .limit = c->limit,
		.oldest_first = c->flag, .statuses = c->statuses };
	struct store_wake wake = { 0 };

	switch (c->kind) {
	case CALL_LOAD:
		store_load(s, &c->id, on_loaded, a);
		break;
	case CALL_HEAD:
		store_head(s, &c->id, on_loaded, a);
		break;
	case CALL_HISTORY:
		store_history_read(s, &c->id, (int32_t)c->number, c->limit,
		    c->flag, on_history, a);
		break;
	case CALL_NAME:
		store_by_name(s, "f", c->name, on_ids, a);
		break;
	case CALL_LIST:
		store_list(s, &f, on_listed, a);
		break;
	case CALL_DUE:
		store_due(s, &wake, c->number, 60, on_wakes, a);
		break;
	case CALL_NEXT:
		wake.wake_ms = c->number;
		store_due(s, &wake, INT64_MAX, 1, on_wakes, a);
		break;
	case CALL_ORPHANS:
		store_orphans(s, c->number, 60, on_ids, a);
		break;
	default:
		store_untold(s, 60, on_ids, a);
		break;
	}
}

void
call_issue(struct call *c, struct store *s, struct answer *a)
{
	switch (c->kind) {
	case CALL_START:
		a->start.done = on_done;
		a->start.arg = a;
		store_start_execution(s, &c->c, &a->start);
		break;
	case CALL_WRITE:
		store_write(s, &c->c, on_done, a);
		break;
	case CALL_DROP:
		store_drop(s, &c->id, on_done, a);
		break;
	case CALL_EVENT_PUT:
		store_event_put(s, c->event, on_done, a);
		break;
	case CALL_EVENT_TAKE:
		store_event_take(s, c->number, 50, c->limit, c->flag,
		    on_events, a);
		break;
	case CALL_EVENT_RETRY:
		store_event_retry(s, c->event, on_done, a);
		break;
	case CALL_EVENT_END:
		store_event_end(s, &c->event->id, &c->next, 1, on_done, a);
		break;
	case CALL_EVENT_DROP:
		store_event_drop(s, &c->event->id, on_done, a);
		break;
	case CALL_ARCHIVE:
		store_archive(s, c->limit, on_count, a);
		break;
	case CALL_EXPIRE:
		store_expire(s, c->limit, on_count, a);
		break;
	default:
		issue_read(c, s, a);
		break;
	}
}

/* ---- answered ---- */

static int
ids_compare(const void *a, const void *b)
{
	return id_compare(a, b);
}

static int
async_compare(const void *a, const void *b)
{
	return id_compare(&(*(struct async_event *const *)a)->id,
	    &(*(struct async_event *const *)b)->id);
}

static void
text_ids(struct buf *out, struct answer *a, bool ordered)
{
	char id[ID_TEXT];
	size_t i;

	if (!ordered)
		qsort(a->ids, a->nids, sizeof(a->ids[0]), ids_compare);
	for (i = 0; i < a->nids; i++) {
		id_text(a->ids[i], id);
		buf_fmt(out, " %s", id);
	}
}

static void
text_taken(struct buf *out, struct answer *a)
{
	size_t i;

	qsort(a->taken, a->ntaken, sizeof(a->taken[0]), async_compare);
	buf_char(out, '\n');
	for (i = 0; i < a->ntaken; i++)
		dump_async(out, a->taken[i]);
}

char *
call_text(const struct call *c, struct answer *a)
{
	struct buf out = BUF_INIT;
	char id[ID_TEXT];
	size_t i;

	buf_str(&out, result_names[a->result]);
	if (a->result == STORE_CONFLICT && c->kind == CALL_START) {
		id_text(a->start.existing, id);
		buf_fmt(&out, " %s", id);
	}
	if (a->result != STORE_OK)
		return buf_steal(&out);
	if (c->kind == CALL_LOAD || c->kind == CALL_HEAD) {
		buf_fmt(&out, " %d\n", a->x != NULL && a->x->archived);
		dump_execution(&out, a->x);
	} else if (c->kind == CALL_EVENT_TAKE) {
		text_taken(&out, a);
	} else if (c->kind == CALL_HISTORY) {
		buf_fmt(&out, " %d\n", a->page.more);
		for (i = 0; i < a->page.n; i++)
			dump_event(&out, &a->events[i]);
	} else {
		buf_fmt(&out, " %d %" PRId64, a->more, a->number);
		text_ids(&out, a, c->kind == CALL_LIST);
	}
	return buf_steal(&out);
}

static void
learn_execution(struct known *k, const struct execution *x)
{
	int i;

	for (i = 0; i < k->n; i++)
		if (id_compare(&k->views[i]->id, &x->id) == 0)
			break;
	if (i == PLACES || (i < k->n && (k->views[i]->rev > x->rev ||
	    (k->views[i]->rev == x->rev && !x->archived))))
		return;
	if (i < k->n)
		execution_free(k->views[i]);
	else
		k->n++;
	k->views[i] = execution_copy(x, INT32_MAX);
	k->views[i]->archived = x->archived;
}

void
call_learn(const struct call *c, struct known *k)
{
	enum store_result r = c->a.result;

	if (c->kind == CALL_LOAD && r == STORE_OK && c->a.x != NULL)
		learn_execution(k, c->a.x);
	/* Also what perhaps is not there. */
	if (c->kind == CALL_START && (r == STORE_OK || r == STORE_UNKNOWN))
		learn_execution(k, c->x);
	if (c->kind == CALL_WRITE && r == STORE_OK)
		learn_execution(k, c->x);
	if (c->kind == CALL_EVENT_PUT && k->nevents < EVENTS)
		k->events[k->nevents++] = async_event_copy(c->event);
	if (c->kind == CALL_EVENT_END && k->nevents < EVENTS)
		k->events[k->nevents++] = async_event_copy(c->next);
}

void
known_free(struct known *k)
{
	int i;

	for (i = 0; i < k->n; i++)
		execution_free(k->views[i]);
	for (i = 0; i < k->nevents; i++)
		async_event_free(k->events[i]);
	memset(k, 0, sizeof(*k));
}

bool
call_changes(const struct call *c)
{
	return c->kind <= CALL_EVENT_DROP;
}

bool
call_is_event(const struct call *c)
{
	return (c->kind >= CALL_EVENT_PUT && c->kind <= CALL_EVENT_DROP) ||
	    c->kind == CALL_WRITE;
}

bool
call_is_chore(const struct call *c)
{
	return c->kind == CALL_ARCHIVE || c->kind == CALL_EXPIRE;
}

void
call_print(const struct call *c)
{
	char id[ID_TEXT];

	id_text(c->id, id);
	printf("%3d-%-3d client %d %s %s %s", c->begun,
	    c->ended == INT_MAX ? 999 : c->ended, c->client,
	    kind_names[c->kind], id, c->name);
	if (c->kind == CALL_WRITE)
		printf(" on rev %" PRId64 " status %d children %d settled %d "
		    "archived %d", c->c.rev_before, c->x->status,
		    c->c.nchildren, c->c.nsettled, c->x->archived);
	printf(" number %" PRId64 " limit %d flag %d\n      %s\n",
	    c->number, c->limit, c->flag,
	    c->text == NULL ? "(no answer)" : c->text);
	if (c->a.result != STORE_OK)
		printf("      %s\n", c->a.err.text);
}

void
call_free(struct call *c)
{
	if (c->kind == CALL_START || c->kind == CALL_WRITE)
		change_free(&c->c);
	execution_free(c->x);
	async_event_free(c->event);
	async_event_free(c->next);
	answer_free(&c->a);
	free(c->text);
}
