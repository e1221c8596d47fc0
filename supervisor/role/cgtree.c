#include <config.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/own.h"
#include "role/cgtree.h"
#include "worker/keep.h"

#define CGTREE_PREFIX "perdure-"
#define CGTREE_LEAF KEEP_LEAF
#define CGTREE_SWEEP_MS 2000
/* All workers together weigh 100, or 1,024 a CPU; see leaf_weigh. */
#define CGTREE_MAIN_WEIGHT 50
#define CGTREE_MAIN_SHARES 512
#define CGTREE_FIRST_TIMES 64

int
cgfile_write(const char *folder, const char *file, const char *text,
    struct err *err)
{
	own_free char *path = xasprintf("%s/%s", folder, file);
	own_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n = (ssize_t)strlen(text);

	if (fd < 0 || write(fd, text, (size_t)n) != n)
		return err_sys(err, "%s", path);
	return 0;
}

int
cgfile_read(const char *folder, const char *file, char *text, size_t size,
    struct err *err)
{
	own_free char *path = xasprintf("%s/%s", folder, file);
	own_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);

	if (n < 0)
		return err_sys(err, "%s", path);
	text[n] = '\0';
	return 0;
}

/* Whole files of /proc; they are longer than one read gives. */
static char *
read_whole(const char *path)
{
	own_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct buf b = BUF_INIT;
	char part[4096];
	ssize_t n;

	while (fd >= 0 && (n = read(fd, part, sizeof(part))) > 0)
		buf_add(&b, part, (size_t)n);
	buf_add(&b, "", 0);
	return b.len == 0 ? xstrdup("") : buf_steal(&b);
}

/* ---- names ---- */

/* When a process started; a number is given to another only later. */
static unsigned long long
process_start(int pid)
{
	char folder[32], text[1024];
	unsigned long long start = 0;
	struct err ignored;
	const char *p;
	int i;

	snprintf(folder, sizeof(folder), "/proc/%d", pid);
	if (cgfile_read(folder, "stat", text, sizeof(text), &ignored) < 0 ||
	    (p = strrchr(text, ')')) == NULL)
		return 0;
	/* Field 22, and this is the end of the second. */
	for (i = 0; i < 20 && p != NULL; i++)
		p = strchr(p + 1, ' ');
	if (p != NULL)
		start = strtoull(p, NULL, 10);
	return start;
}

static char *
own_name(void)
{
	int pid = (int)getpid();

	return xasprintf(CGTREE_PREFIX "%d-%llu", pid, process_start(pid));
}

/* Is it the folder of a main that is gone? */
static int
is_left(const char *name)
{
	unsigned long long start;
	int pid;

	if (sscanf(name, CGTREE_PREFIX "%d-%llu", &pid, &start) != 2)
		return 0;
	return process_start(pid) != start;
}

static int
is_leaf(const char *name)
{
	size_t n = strlen(name), end = strlen(CGTREE_LEAF);

	return n > end && strcmp(name + n - end, CGTREE_LEAF) == 0;
}

static void
sweep(const char *own)
{
	DIR *d = opendir(own);
	struct dirent *e;
	struct err err;
	char *path;

	while (d != NULL && (e = readdir(d)) != NULL) {
		if (e->d_type != DT_DIR || !is_left(e->d_name))
			continue;
		path = xasprintf("%s/%s", own, e->d_name);
		/* Its leaf may hold others, who are none of our business. */
		if (is_leaf(e->d_name))
			(void)rmdir(path);
		else if (keep_end_all(path, CGTREE_SWEEP_MS, &err) < 0)
			log_warn("old control group stays: %s", err.text);
		else
			log_info("removed old control group %s", path);
		free(path);
	}
	if (d != NULL)
		closedir(d);
}

/* ---- version 2 ---- */

static int
move_here(const char *folder, const char *pid, struct err *err)
{
	return cgfile_write(folder, "cgroup.procs", pid, err);
}

static int
leaf_make(struct cgtree *t, struct err *err)
{
	own_free char *name = own_name();

	t->leaf = xasprintf("%s/%s" CGTREE_LEAF, t->own, name);
	if (mkdir(t->leaf, 0755) < 0 && errno != EEXIST)
		return err_sys(err, "make %s", t->leaf);
	return 0;
}

/* Main leaves its own group for one beside those of the workers. */
static int
leaf_enter(struct cgtree *t, struct err *err)
{
	return leaf_make(t, err) < 0 || move_here(t->leaf, "0", err) < 0 ?
	    -1 : 0;
}

/*
 * The root of a container's own namespace looks like the host's root, but
 * must be empty, too: whoever else is there comes along.
 */
static void
leaf_take_all(const struct cgtree *t)
{
	own_free char *path = xasprintf("%s/cgroup.procs", t->own);
	own_file FILE *f = fopen(path, "re");
	struct err ignored;
	char pid[32];

	while (f != NULL && fscanf(f, "%31s", pid) == 1)
		move_here(t->leaf, pid, &ignored);
}

static int
pass_on(const char *folder, const char *name, struct err *err)
{
	char text[32], list[256];

	if (cgfile_read(folder, "cgroup.subtree_control", list, sizeof(list),
	    err) < 0)
		return -1;
	if (cgfind_has_word(list, ' ', name))
		return 0;
	snprintf(text, sizeof(text), "+%s", name);
	return cgfile_write(folder, "cgroup.subtree_control", text, err);
}

/* Lets our group give that controller to groups below it. */
static int
own_pass_on(struct cgtree *t, int is_root, const char *name, struct err *err)
{
	if (pass_on(t->own, name, err) == 0)
		return 0;
	if (err->sys != EBUSY)
		return -1;
	if (t->leaf == NULL && leaf_enter(t, err) < 0)
		return -1;
	if (pass_on(t->own, name, err) == 0)
		return 0;
	if (err->sys == EBUSY && is_root)
		leaf_take_all(t);
	if (pass_on(t->own, name, err) == 0)
		return 0;
	return err->sys != EBUSY ? -1 : err_set(err, ERR_UNAVAILABLE,
	    "other processes are in %s; a group of our own is given by "
	    "systemd's Delegate=yes", t->own);
}

/* ---- making ours ---- */

void
cgtrees_off(struct cgtrees *c, enum cgroup_what what, const struct err *why)
{
	c->of[what] = -1;
	snprintf(c->how[what], CGROUP_HOW, "off: %.180s", why->text);
}

static void
trees_use(struct cgtrees *c, enum cgroup_what what, int tree)
{
	c->of[what] = tree;
	snprintf(c->how[what], CGROUP_HOW, "v%d", c->trees[tree].version);
}

static void
tree_free(struct cgtree *t)
{
	free(t->own);
	free(t->top);
	free(t->leaf);
}

/* The tree's number, or -1. */
static int
trees_add(struct cgtrees *c, int version, const char *own, struct err *err)
{
	own_free char *name = own_name();
	struct cgtree *t = &c->trees[c->n];
	int i;

	for (i = 0; i < c->n; i++)
		if (strcmp(c->trees[i].own, own) == 0)
			return i;
	sweep(own);
	*t = (struct cgtree){ .version = version, .own = xstrdup(own),
		.top = xasprintf("%s/%s", own, name) };
	if (mkdir(t->top, 0755) == 0)
		return c->n++;
	err_sys(err, "make %s", t->top);
	tree_free(t);
	return -1;
}

static int
is_left_out(const char *without, enum cgroup_what what)
{
	char name[32];

	snprintf(name, sizeof(name), "cgroup_%s", cgfind_name(what));
	return cgfind_has_word(without, ',', name);
}

static void
open_v2(struct cgtrees *c, const struct cgfind *f, const char *without)
{
	struct err err;
	char list[256], freeze[8];
	int tree, i;

	if (f->v2 == NULL || cgfind_has_word(without, ',', "cgroup_v2") ||
	    cgfile_read(f->v2, "cgroup.controllers",
	    list, sizeof(list), &err) < 0)
		return;
	tree = trees_add(c, 2, f->v2, &err);
	for (i = 0; i < CGROUP_WHATS; i++) {
		const char *name = cgfind_name((enum cgroup_what)i);

		if (is_left_out(without, (enum cgroup_what)i) ||
		    (i != CGROUP_FREEZER && !cgfind_has_word(list, ' ', name)))
			continue;
		if (tree < 0 || (i == CGROUP_FREEZER ?
		    cgfile_read(c->trees[tree].top, "cgroup.freeze", freeze,
		    sizeof(freeze), &err) < 0 :
		    own_pass_on(&c->trees[tree], f->v2_is_root, name,
		    &err) < 0 ||
		    pass_on(c->trees[tree].top, name, &err) < 0))
			cgtrees_off(c, (enum cgroup_what)i, &err);
		else
			trees_use(c, (enum cgroup_what)i, tree);
	}
}

static void
open_v1(struct cgtrees *c, const struct cgfind *f, const char *without)
{
	struct err err;
	int tree, i;

	for (i = 0; i < CGROUP_WHATS; i++) {
		if (c->of[i] >= 0 || f->v1[i] == NULL ||
		    is_left_out(without, (enum cgroup_what)i))
			continue;
		tree = trees_add(c, 1, f->v1[i], &err);
		if (tree < 0)
			cgtrees_off(c, (enum cgroup_what)i, &err);
		else
			trees_use(c, (enum cgroup_what)i, tree);
	}
}

/*
 * All workers together weigh as much against one process of the supervisor
 * on each CPU as one other process would.
 */
static void
weigh(struct cgtrees *c)
{
	int tree = c->of[CGROUP_CPU];
	struct err ignored;
	char text[32];

	if (tree < 0 || c->trees[tree].version != 1)
		return;
	snprintf(text, sizeof(text), "%ld",
	    1024 * sysconf(_SC_NPROCESSORS_ONLN));
	cgfile_write(c->trees[tree].top, "cpu.shares", text, &ignored);
}

/*
 * Half as much as all workers together, so that where all of them are busy
 * the supervisor, too, is to wait at times: the more steps one batch of its
 * then holds, and the fewer processor time each costs (contrib/bench/README.md).
 *
 * First: it weighs so much that it is hardly ever behind, and whoever wakes up
 * there runs at once: it has used less than its part, and its turns are short
 * (slice.h).
 */
static void
leaf_weigh(struct cgtrees *c, bool first)
{
	const struct cgtree *t;
	struct err ignored;
	char text[32];
	bool is_v1;

	c->first = first;
	if (c->of[CGROUP_CPU] < 0)
		return;
	t = &c->trees[c->of[CGROUP_CPU]];
	if (t->leaf == NULL)
		return;
	is_v1 = t->version == 1;
	snprintf(text, sizeof(text), "%ld",
	    (first ? CGTREE_FIRST_TIMES : 1) * (is_v1 ?
	    CGTREE_MAIN_SHARES * sysconf(_SC_NPROCESSORS_ONLN) :
	    CGTREE_MAIN_WEIGHT));
	cgfile_write(t->leaf, is_v1 ? "cpu.shares" : "cpu.weight", text,
	    &ignored);
}

void
cgtrees_first(struct cgtrees *c, bool first)
{
	if (c->first != first)
		leaf_weigh(c, first);
}

/* Of one thread; a whole process would stop the forks of all (cgroup.c). */
static int
move_self_v1(const char *folder, struct err *err)
{
	return cgfile_write(folder, "tasks", "0", err);
}

/*
 * Version 1 asks nobody to move, but how nice main, control and Postgres are
 * counts within their group only: beside it all workers weigh as much, and
 * with sched_autogroup each session, each backend of Postgres included, is a
 * group that weighs as much as one process.  In a group of our own, what all
 * of them together weigh is ours to say.
 */
static void
leaf_aside(struct cgtrees *c, const char *without)
{
	struct cgtree *t;
	struct err err;

	if (c->of[CGROUP_CPU] < 0 ||
	    cgfind_has_word(without, ',', "cgroup_leaf"))
		return;
	t = &c->trees[c->of[CGROUP_CPU]];
	if (t->version != 1)
		return;
	if (leaf_make(t, &err) == 0 && move_self_v1(t->leaf, &err) == 0)
		return;
	log_warn("the supervisor has no control group: %s", err.text);
	rmdir(t->leaf);
	free(t->leaf);
	t->leaf = NULL;
}

int
cgtrees_step_out(const struct cgtrees *c)
{
	struct err ignored;
	int i, r = 0;

	for (i = 0; i < c->n; i++)
		if (c->trees[i].leaf != NULL && c->trees[i].version == 1)
			r |= move_self_v1(c->trees[i].own, &ignored);
	return r;
}

static unsigned long long
number_of(const char *name)
{
	char text[32];
	struct err ignored;

	return cgfile_read("/proc/sys/kernel", name, text, sizeof(text),
	    &ignored) < 0 ? 0 : strtoull(text, NULL, 10);
}

/*
 * Each has its own bound, but all of those together may be more numbers than
 * the host has, and then nobody could start anything.
 */
static void
bound_pids(struct cgtrees *c)
{
	unsigned long long ids = number_of("pid_max");
	unsigned long long threads = number_of("threads-max");
	int tree = c->of[CGROUP_PIDS];
	struct err ignored;
	char text[32];

	if (threads > 0 && threads < ids)
		ids = threads;
	if (tree < 0 || ids == 0)
		return;
	snprintf(text, sizeof(text), "%llu", ids / 4 * 3);
	cgfile_write(c->trees[tree].top, "pids.max", text, &ignored);
}

void
cgtrees_open(struct cgtrees *c, const char *without)
{
	own_free char *mounts = read_whole("/proc/self/mountinfo");
	own_free char *self = read_whole("/proc/self/cgroup");
	struct cgfind f;
	struct err none;
	int i;

	memset(c, 0, sizeof(*c));
	for (i = 0; i < CGROUP_WHATS; i++) {
		if (is_left_out(without, (enum cgroup_what)i))
			err_set(&none, ERR_NOT_FOUND, "left out");
		else
			err_set(&none, ERR_NOT_FOUND, "no delegated cgroup");
		cgtrees_off(c, (enum cgroup_what)i, &none);
	}
	cgfind_read(&f, mounts, self);
	open_v2(c, &f, without);
	open_v1(c, &f, without);
	cgfind_free(&f);
	weigh(c);
	bound_pids(c);
	leaf_aside(c, without);
	leaf_weigh(c, false);
}

void
cgtrees_sweep(const struct cgtrees *c)
{
	int i;

	for (i = 0; i < c->n; i++)
		sweep(c->trees[i].own);
}

/* Back to where we were, so that our leaf can go. */
static void
leaf_leave(struct cgtree *t)
{
	struct err ignored;
	char text[32];
	int i;

	if (t->version == 1) {
		if (move_self_v1(t->own, &ignored) == 0)
			rmdir(t->leaf);
		return;
	}
	for (i = 0; i < CGROUP_FREEZER; i++) {
		snprintf(text, sizeof(text), "-%s",
		    cgfind_name((enum cgroup_what)i));
		cgfile_write(t->own, "cgroup.subtree_control", text, &ignored);
	}
	if (move_here(t->own, "0", &ignored) == 0)
		rmdir(t->leaf);
}

void
cgtrees_close(struct cgtrees *c)
{
	struct err err;
	int i;

	for (i = 0; i < c->n; i++) {
		if (keep_end_all(c->trees[i].top, CGTREE_SWEEP_MS,
		    &err) < 0)
			log_warn("control group stays: %s", err.text);
		if (c->trees[i].leaf != NULL)
			leaf_leave(&c->trees[i]);
		tree_free(&c->trees[i]);
	}
	c->n = 0;
}
