#include <config.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "pool/wgroup.h"

enum {
	FD_FREEZER,
	FD_PEAK,
	FD_CURRENT,
	FD_STAT,
};

void
wgroup_take(struct wgroup *g, const struct broker_group *is)
{
	wgroup_close(g);
	g->is = *is;
	g->taken = true;
}

void
wgroup_close(struct wgroup *g)
{
	int i;

	for (i = 0; g->taken && i < BROKER_GROUP_FDS; i++)
		close(g->is.fds[i]);
	memset(g, 0, sizeof(*g));
}

bool
wgroup_can_freeze(const struct wgroup *g)
{
	return g->is.freezer != 0;
}

bool
wgroup_freeze(struct wgroup *g, bool frozen)
{
	const char *text = g->is.freezer == 1 ?
	    (frozen ? "FROZEN" : "THAWED") : (frozen ? "1" : "0");
	ssize_t n = (ssize_t)strlen(text);

	if (!wgroup_can_freeze(g) || g->frozen == frozen)
		return true;
	if (write(g->is.fds[FD_FREEZER], text, (size_t)n) != n) {
		log_error("cannot %s a worker", frozen ? "freeze" : "thaw");
		return false;
	}
	g->frozen = frozen;
	return true;
}

/* The file again from its start; "" when there is nothing. */
static void
file_read(int fd, char *text, size_t size)
{
	ssize_t n = pread(fd, text, size - 1, 0);

	text[n > 0 ? n : 0] = '\0';
}

static uint64_t
number_read(const struct wgroup *g, int which)
{
	char text[32];

	if (g->is.memory == 0)
		return 0;
	file_read(g->is.fds[which], text, sizeof(text));
	return strtoull(text, NULL, 10);
}

/* The value of one line of the statistics. */
static uint64_t
stat_read(const struct wgroup *g, const char *name)
{
	char text[4096];
	size_t n = strlen(name);
	const char *p;

	file_read(g->is.fds[FD_STAT], text, sizeof(text));
	for (p = text; p != NULL; p = strchr(p, '\n')) {
		p += *p == '\n';
		if (strncmp(p, name, n) == 0 && p[n] == ' ')
			return strtoull(p + n, NULL, 10);
	}
	return 0;
}

uint64_t
wgroup_used(struct wgroup *g, uint64_t enough)
{
	uint64_t used = number_read(g, FD_CURRENT), files;

	if (used <= enough && !g->over)
		return used;
	g->over = true;
	files = stat_read(g, g->is.memory == 1 ? "cache" : "file");
	used = used > files ? used - files : 0;
	if (used > g->most)
		g->most = used;
	return used;
}

uint64_t
wgroup_peak(struct wgroup *g, uint64_t limit)
{
	uint64_t peak = number_read(g, FD_PEAK);

	if (peak > limit) {
		/* Files were in it, how much only the samples tell. */
		g->over = true;
		wgroup_used(g, limit);
		peak = g->most;
	}
	return peak < limit ? peak : limit;
}
