#include <config.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/env.h"
#include "base/log.h"
#include "base/mem.h"
#include "role/starter.h"

#define STARTER_REFILL_MS 25
#define STARTER_RETRY_MS 1000	/* after one could not be made */
#define STARTER_OLD_MS 20

void
starters_init(struct starters *b, const struct sandbox_kit *kit,
    struct cgroups *groups)
{
	memset(b, 0, sizeof(*b));
	b->kit = kit;
	b->groups = groups;
}

static int
starter_make(struct starters *b, struct starter *one, struct err *err)
{
	one->group = cgroup_new(b->groups, err);
	if (one->group == NULL)
		return -1;
	one->pid = sandbox_launch(b->kit, one->group, &one->channel, err);
	if (one->pid > 0)
		return 0;
	starters_drop(b, one->group);
	return -1;
}

int
starters_take(struct starters *b, struct starter *one, struct err *err)
{
	int64_t now = env_mono_ms(env_system());

	/* Later ones do not put it off for ever. */
	if (b->refill_ms < now)
		b->refill_ms = now + STARTER_REFILL_MS;
	if (b->n == 0)
		return starter_make(b, one, err);
	*one = b->ready[--b->n];
	return 0;
}

void
starters_give_up(struct starters *b, struct starter *one)
{
	kill(one->pid, SIGKILL);
	while (waitpid(one->pid, NULL, 0) < 0 && errno == EINTR)
		;
	close(one->channel);
	starters_drop(b, one->group);
}

int
starters_reaped(struct starters *b, pid_t pid)
{
	int i;

	for (i = 0; i < b->n; i++)
		if (b->ready[i].pid == pid)
			break;
	if (i == b->n)
		return 0;
	close(b->ready[i].channel);
	starters_drop(b, b->ready[i].group);
	b->ready[i] = b->ready[--b->n];
	return 1;
}

void
starters_drop(struct starters *b, struct cgroup *group)
{
	if (cgroup_remove(group))
		return;
	b->old = xreallocarray(b->old, (size_t)b->nold + 1, sizeof(*b->old));
	b->old[b->nold++] = group;
}

/* Whatever is still in one has no right to be. */
static void
starters_remove_old(struct starters *b)
{
	int i, kept = 0;

	for (i = 0; i < b->nold; i++) {
		cgroup_kill(b->old[i]);
		if (!cgroup_remove(b->old[i]))
			b->old[kept++] = b->old[i];
	}
	b->nold = kept;
}

static void
starters_refill(struct starters *b, int64_t now_ms)
{
	struct err err;

	if (starter_make(b, &b->ready[b->n], &err) == 0) {
		b->n++;
		return;
	}
	log_warn("no worker ahead of time: %s", err.text);
	b->refill_ms = now_ms + STARTER_RETRY_MS;
}

int64_t
starters_tick(struct starters *b, int64_t now_ms)
{
	int64_t next = -1;

	if (b->nold > 0)
		starters_remove_old(b);
	if (b->nold > 0)
		next = STARTER_OLD_MS;
	if (b->n < STARTERS_KEPT && now_ms >= b->refill_ms)
		starters_refill(b, now_ms);
	if (b->n == STARTERS_KEPT)
		return next;
	now_ms = b->refill_ms > now_ms ? b->refill_ms - now_ms : 0;
	return next < 0 || now_ms < next ? now_ms : next;
}

void
starters_close(struct starters *b)
{
	int patience;

	while (b->n > 0)
		starters_give_up(b, &b->ready[--b->n]);
	for (patience = 100; b->nold > 0 && patience > 0; patience--) {
		starters_remove_old(b);
		poll(NULL, 0, STARTER_OLD_MS);
	}
	free(b->old);
	b->old = NULL;
	b->nold = 0;
}
