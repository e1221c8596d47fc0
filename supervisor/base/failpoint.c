#include <config.h>

#include "base/failpoint.h"

#ifdef PD_FAILPOINTS

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/env.h"
#include "base/log.h"
#include "base/mem.h"

struct failpoint {
	char name[64];
	char action[16];
	int delay_ms;
	double percent;
	long at, passed;
};

static struct {
	int ready, n;
	struct failpoint list[64];
} failpoints;

static void
failpoint_parse(char *text, struct failpoint *f)
{
	char *value = strchr(text, '='), *part;

	f->percent = 100;
	f->at = 0;
	if (value == NULL)
		return;
	*value++ = '\0';
	if ((part = strchr(value, '@')) != NULL) {
		*part++ = '\0';
		f->at = strtol(part, NULL, 10);
	}
	if ((part = strchr(value, '%')) != NULL) {
		*part++ = '\0';
		f->percent = strtod(part, NULL);
	}
	if ((part = strchr(value, ':')) != NULL) {
		*part++ = '\0';
		f->delay_ms = atoi(part);
	}
	strncpy(f->name, text, sizeof(f->name) - 1);
	strncpy(f->action, value, sizeof(f->action) - 1);
}

static void
failpoint_load(void)
{
	const char *spec = getenv("PD_FAIL");
	char *copy, *save = NULL, *one;

	failpoints.ready = 1;
	if (spec == NULL)
		return;
	copy = xstrdup(spec);
	for (one = strtok_r(copy, ",", &save); one != NULL;
	    one = strtok_r(NULL, ",", &save))
		if (failpoints.n < 64)
			failpoint_parse(one, &failpoints.list[failpoints.n++]);
	free(copy);
}

/*
 * With PD_FAIL_ONCE=DIR each point acts once in the life of all processes:
 * the first to make a file of its name there.  Without it a process that is
 * started again would die at the same passage again.
 */
static int
failpoint_spent(const char *name)
{
	const char *dir = getenv("PD_FAIL_ONCE");
	char path[512];
	int fd;

	if (dir == NULL)
		return 0;
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0)
		return 1;
	close(fd);
	return 0;
}

static int
failpoint_act(const struct failpoint *f)
{
	struct timespec ts = { f->delay_ms / 1000,
		(long)(f->delay_ms % 1000) * 1000000 };

	log_warn("failpoint name=%s action=%s", f->name, f->action);
	if (strcmp(f->action, "exit") == 0)
		kill(getpid(), SIGKILL);
	if (strcmp(f->action, "pause") == 0)
		raise(SIGSTOP);
	if (strcmp(f->action, "delay") == 0)
		nanosleep(&ts, NULL);
	return strcmp(f->action, "error") == 0 ? -1 : 0;
}

int
failpoint_hit(const char *name)
{
	struct failpoint *f;
	int i;

	if (!failpoints.ready)
		failpoint_load();
	for (i = 0; i < failpoints.n; i++) {
		f = &failpoints.list[i];
		if (strcmp(f->name, name) != 0)
			continue;
		f->passed++;
		if (f->at != 0 && f->passed != f->at)
			continue;
		if ((double)(env_random_u64(env_system()) % 10000) >=
		    f->percent * 100)
			continue;
		if (failpoint_spent(name))
			continue;
		return failpoint_act(f);
	}
	return 0;
}

#endif
