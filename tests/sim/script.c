/*
 * script - random programs of durable functions, made from the seed.
 */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "sim.h"

uint64_t
rng_next(struct rng *r)
{
	uint64_t z = (r->s += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

int
rng_below(struct rng *r, int n)
{
	return n > 0 ? (int)(rng_next(r) % (uint64_t)n) : 0;
}

bool
rng_chance(struct rng *r, double per_cent)
{
	return (double)(rng_next(r) % 1000000) < per_cent * 10000;
}

int64_t
rng_delay(struct rng *r, int64_t usual_us)
{
	int64_t us = (int64_t)(rng_next(r) % (uint64_t)(usual_us + 1));

	return rng_chance(r, 3) ? us * 20 : us;
}

static int
node_new(struct script *s, enum node_kind kind, int parent)
{
	struct node *d = &s->nodes[s->n];

	memset(d, 0, sizeof(*d));
	d->kind = kind;
	d->parent = parent;
	d->first = d->next = d->ref = -1;
	return s->n++;
}

static enum node_kind
node_kind_any(struct rng *r, int index, int depth)
{
	int k = rng_below(r, 100);

	if (k < 30)
		return NODE_STEP;
	if (k < 40)
		return NODE_ONCE;
	if (k < 46)
		return NODE_CONDITION;
	if (k < 56)
		return NODE_WAIT;
	if (k < 68)
		return NODE_CALLBACK;
	if (k < 74)
		return index + 1 < SIM_SCRIPTS ? NODE_DURABLE : NODE_STEP;
	if (k < 80)
		return NODE_PLAIN;
	if (depth <= 0)
		return NODE_STEP;
	return k < 90 ? NODE_CHILD : NODE_PARALLEL;
}

static int list_make(struct script *, struct rng *, int index, int depth,
    int parent, int most);

static void
node_fill(struct script *s, struct rng *r, int at, int index, int depth)
{
	struct node *d = &s->nodes[at];
	int i, branches, child, *link;

	d->replay = rng_chance(r, 20);
	switch (d->kind) {
	case NODE_STEP:
	case NODE_ONCE:
		d->most = 1 + rng_below(r, 4);
		d->n = rng_chance(r, 25) ? rng_below(r, 4) : 0;
		d->seconds = 1 + rng_below(r, 3);
		break;
	case NODE_CONDITION:
		d->most = 100;
		d->n = rng_below(r, 4);
		d->seconds = 1 + rng_below(r, 3);
		break;
	case NODE_WAIT:
		d->seconds = 1 + rng_below(r, rng_chance(r, 10) ? 60 : 6);
		d->lazy = rng_chance(r, 25);
		break;
	case NODE_CALLBACK:
		d->seconds = rng_chance(r, 50) ? 2 + rng_below(r, 40) : 0;
		d->heartbeat = rng_chance(r, 30) ? 2 + rng_below(r, 10) : 0;
		d->lazy = rng_chance(r, 30);
		break;
	case NODE_DURABLE:
		d->target = index + 1 +
		    rng_below(r, SIM_SCRIPTS - index - 1);
		break;
	case NODE_PLAIN:
		/* 0 works, 1 raises, 2 is not there, 3: no qualifier. */
		d->target = rng_chance(r, 70) ? 0 : rng_below(r, 4);
		break;
	case NODE_CHILD:
		child = list_make(s, r, index, depth - 1, at,
		    1 + rng_below(r, 3));
		s->nodes[at].first = child;
		break;
	case NODE_PARALLEL:
		branches = 2 + rng_below(r, 3);
		link = &d->first;
		for (i = 0; i < branches && s->n + 4 < SIM_NODES; i++) {
			child = node_new(s, NODE_CHILD, at);
			*link = child;
			s->nodes[child].first = list_make(s, r, index,
			    depth - 1, child, 1 + rng_below(r, 2));
			link = &s->nodes[child].next;
		}
		break;
	case NODE_AWAIT:
	case NODE_CANCEL:
		break;
	}
}

static int
list_make(struct script *s, struct rng *r, int index, int depth, int parent,
    int most)
{
	int first = -1, last = -1, at, i, lazy[8], nlazy = 0;

	for (i = 0; i < most && s->n + 8 < SIM_NODES; i++) {
		at = node_new(s, node_kind_any(r, index, depth), parent);
		node_fill(s, r, at, index, depth);
		if (s->nodes[at].lazy)
			lazy[nlazy++] = at;
		if (last < 0)
			first = at;
		else
			s->nodes[last].next = at;
		last = at;
	}
	for (i = 0; i < nlazy; i++) {
		at = node_new(s, s->nodes[lazy[i]].kind == NODE_WAIT ?
		    NODE_CANCEL : NODE_AWAIT, parent);
		s->nodes[at].ref = lazy[i];
		s->nodes[last].next = at;
		last = at;
	}
	return first;
}

void
script_make(struct script *s, struct rng *r, int index, int depth)
{
	memset(s, 0, sizeof(*s));
	snprintf(s->name, sizeof(s->name), "f%d", index);
	s->timeout_s = rng_chance(r, 10) ? 5 + rng_below(r, 20) : 900;
	s->large = rng_chance(r, 10);
	s->fails = rng_chance(r, 8);
	s->raises = rng_chance(r, 10) ? 1 + rng_below(r, 2) : 0;
	s->first = list_make(s, r, index, depth, -1, 1 + rng_below(r, 6));
}

static const char *const kinds[] = {
	"step", "once", "condition", "wait", "callback", "await", "durable",
	"plain", "child", "parallel", "cancel",
};

static void
list_print(const struct script *s, int at, int indent)
{
	const struct node *d;

	for (; at >= 0; at = d->next) {
		d = &s->nodes[at];
		printf("%*sop%d %s n=%d most=%d s=%d hb=%d target=%d%s%s\n",
		    indent, "", at, kinds[d->kind], d->n, d->most,
		    d->seconds, d->heartbeat, d->target,
		    d->lazy ? " lazy" : "", d->replay ? " replay" : "");
		list_print(s, d->first, indent + 2);
	}
}

void
script_print(const struct script *s)
{
	printf("%s timeout=%d%s%s raises=%d\n", s->name, s->timeout_s,
	    s->large ? " large" : "", s->fails ? " fails" : "", s->raises);
	list_print(s, s->first, 2);
}

/* ---- the result ---- */

static uint64_t
mix(uint64_t h, const void *p, size_t n)
{
	const unsigned char *c = p;

	while (n-- > 0)
		h = (h ^ *c++) * 0x100000001b3u;
	return h;
}

static uint64_t
list_digest(const struct script *s, int at,
    const struct seen *(*see)(void *arg, int node), void *arg)
{
	uint64_t h = 0xcbf29ce484222325u;
	const struct seen *seen;
	int status;

	for (; at >= 0; at = s->nodes[at].next) {
		if (s->nodes[at].lazy)
			continue;
		seen = see(arg, s->nodes[at].ref >= 0 ?
		    s->nodes[at].ref : at);
		status = seen != NULL ? (int)seen->status : 0;
		h = mix(h, &status, sizeof(status));
		if (seen != NULL && seen->result != NULL)
			h = mix(h, seen->result, seen->len);
	}
	return h;
}

uint64_t
script_digest(const struct script *s,
    const struct seen *(*see)(void *arg, int node), void *arg)
{
	return list_digest(s, s->first, see, arg);
}

uint64_t
script_digest_of(const struct script *s, int context,
    const struct seen *(*see)(void *arg, int node), void *arg)
{
	return list_digest(s, s->nodes[context].first, see, arg);
}
