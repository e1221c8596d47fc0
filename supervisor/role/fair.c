#include <config.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/env.h"
#include "base/log.h"
#include "base/mem.h"
#include "core/fairshare.h"
#include "role/cgroup.h"
#include "role/fair.h"

#define ROUND_MS 50
#define ROUND_QUIET_MS 200	/* when nobody used anything */
/* So long a function without workers is remembered, and so many of them. */
#define REMEMBER_US 120000000ll
#define REMEMBER_MOST 512
/* Sums of cpu.stat go up in steps; less than this is nothing. */
#define USE_LEAST_US 20
/* Times without a call are no end of being in use. */
#define IN_USE_US 1000000ll

struct fair_user {
	LIST_ENTRY(fair_user) link;
	LIST_HEAD(, fair_seat) seats;
	char *name;
	int64_t left_us;	/* when its last worker went */
	int64_t active_us;	/* when it last used something; 0: never */
	bool last;		/* what its groups were told */
	struct fairshare share;
};

static int64_t
now_us(void)
{
	return env_system()->mono_us(env_system());
}

void
fair_init(struct fair *f, bool is_off)
{
	memset(f, 0, sizeof(*f));
	LIST_INIT(&f->users);
	f->is_off = is_off;
	f->round_us = now_us();
	f->cpus = (int)sysconf(_SC_NPROCESSORS_ONLN);
}

static void
user_free(struct fair *f, struct fair_user *u)
{
	LIST_REMOVE(u, link);
	f->n--;
	free(u->name);
	free(u);
}

void
fair_free(struct fair *f)
{
	while (!LIST_EMPTY(&f->users))
		user_free(f, LIST_FIRST(&f->users));
}

/* The function that has been without a worker for longest. */
static void
fair_forget_one(struct fair *f)
{
	struct fair_user *u, *oldest = NULL;

	LIST_FOREACH(u, &f->users, link)
		if (LIST_EMPTY(&u->seats) &&
		    (oldest == NULL || u->left_us < oldest->left_us))
			oldest = u;
	if (oldest != NULL)
		user_free(f, oldest);
}

static struct fair_user *
fair_user(struct fair *f, const char *name)
{
	struct fair_user *u;

	LIST_FOREACH(u, &f->users, link)
		if (strcmp(u->name, name) == 0)
			return u;
	if (f->n >= REMEMBER_MOST)
		fair_forget_one(f);
	u = xcalloc(1, sizeof(*u));
	u->name = xstrdup(name);
	LIST_INIT(&u->seats);
	fairshare_init(&u->share);
	LIST_INSERT_HEAD(&f->users, u, link);
	f->n++;
	return u;
}

void
fair_join(struct fair *f, struct fair_seat *seat, const char *function,
    struct cgroup *group, uint32_t weight)
{
	if (f->is_off)
		return;
	seat->user = fair_user(f, function);
	seat->group = group;
	seat->had_us = cgroup_cpu_used(group);
	seat->waited_us = cgroup_cpu_waited(group);
	seat->since_us = now_us();
	seat->weight = weight;
	LIST_INSERT_HEAD(&seat->user->seats, seat, link);
	cgroup_turn(group, seat->user->last);
	f->next_ms = 0;
}

/* What it used since it was last asked becomes its function's. */
static double
seat_used(struct fair_seat *seat)
{
	uint64_t has = cgroup_cpu_used(seat->group);
	double used;

	if (has < seat->had_us + USE_LEAST_US)
		return 0;
	used = (double)(has - seat->had_us);
	seat->had_us = has;
	return used;
}

static void
seat_count(struct fair_seat *seat, int64_t now)
{
	struct fairshare *share = &seat->user->share;
	int64_t waited = cgroup_cpu_waited(seat->group);
	double used = seat_used(seat);

	share->now_us += used;
	share->weight += seat->weight;
	if (waited < 0)
		return;
	share->now_wanted_us += used + (double)(waited - seat->waited_us);
	share->now_room_us += (double)(now - seat->since_us);
	seat->waited_us = waited;
	seat->since_us = now;
}

void
fair_leave(struct fair *f, struct fair_seat *seat)
{
	struct fair_user *u = seat->user;

	if (u == NULL)
		return;
	(void)f;
	u->left_us = now_us();
	seat_count(seat, u->left_us);
	LIST_REMOVE(seat, link);
	seat->user = NULL;
}

static void
user_turn(struct fair_user *u, bool last)
{
	struct fair_seat *seat;

	if (u->last == last)
		return;
	u->last = last;
	log_debug("function goes %s name=%s", last ? "last" : "first",
	    u->name);
	LIST_FOREACH(seat, &u->seats, link)
		cgroup_turn(seat->group, last);
}

/*
 * Somebody to be served first.  Not for who only might be used: control always
 * goes before those that are last, so its batches are small beside them, and
 * each step takes twice the processor time (contrib/bench/README.md).
 */
static bool
fair_has_light(const struct fair *f, int64_t now)
{
	struct fair_user *u;

	LIST_FOREACH(u, &f->users, link)
		if (!LIST_EMPTY(&u->seats) && !u->share.heavy &&
		    u->active_us > 0 && now - u->active_us < IN_USE_US)
			return true;
	return false;
}

/* True: somebody used something. */
static bool
fair_round(struct fair *f, int64_t now)
{
	struct fairshare **all = xcalloc((size_t)f->n + 1, sizeof(*all));
	struct fair_user *u, *next;
	struct fair_seat *seat;
	bool used = false, light;
	int n = 0;

	LIST_FOREACH(u, &f->users, link) {
		LIST_FOREACH(seat, &u->seats, link)
			seat_count(seat, now);
		if (u->share.now_us > 0) {
			u->active_us = now;
			used = true;
		}
		all[n++] = &u->share;
	}
	fairshare_round(all, n, f->cpus, now - f->round_us);
	f->round_us = now;
	light = fair_has_light(f, now);
	f->pressed = false;
	for (u = LIST_FIRST(&f->users); u != NULL; u = next) {
		next = LIST_NEXT(u, link);
		user_turn(u, light && u->share.heavy);
		if (u->last && !LIST_EMPTY(&u->seats))
			f->pressed = true;
		u->share.now_us = 0;
		u->share.now_wanted_us = u->share.now_room_us = 0;
		u->share.weight = 0;
		if (LIST_EMPTY(&u->seats) && now - u->left_us > REMEMBER_US)
			user_free(f, u);
	}
	free(all);
	return used;
}

int64_t
fair_tick(struct fair *f, int64_t now_ms)
{
	if (f->n == 0)
		return -1;
	if (now_ms >= f->next_ms)
		f->next_ms = now_ms + (fair_round(f, now_us()) ? ROUND_MS :
		    ROUND_QUIET_MS);
	return f->n == 0 ? -1 : f->next_ms - now_ms;
}
