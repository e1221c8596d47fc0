/*
 * Bursts of calls on several stores of one Postgres, judged by the store in
 * memory.
 *
 *	tests/store/tier2 [--minutes N] [--seed N] [--seconds N]
 *	    [--isolation committed|serializable]
 *
 * All that the stores send is READ COMMITTED in half of the worlds and
 * SERIALIZABLE in half of them, or in all of them what is asked for.  In some
 * bursts connections are cut.  A process beside it locks rows for moments, so
 * that transactions meet in the middle.  The seed decides what is called; when
 * the server does what is its own.
 */
#include <config.h>

#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>
#include <libpq-fe.h>

#include "base/log.h"
#include "base/own.h"
#include "tests/store/dump.h"
#include "tests/store/tier2.h"

#define WORLD_BURSTS 24
#define IN_FLIGHT 7
#define BURST_S 60	/* a burst that takes longer hangs */

static uint64_t draw;

static int64_t
now_ms(void)
{
	return env_mono_ms(env_system());
}

uint64_t
pick64(void)
{
	draw = draw * 6364136223846793005u + 1442695040888963407u;
	return draw >> 33;
}

uint32_t
pick(uint32_t n)
{
	return (uint32_t)(pick64() % n);
}

/* ---- one world ---- */

struct client {
	struct bench bench;
};

struct world {
	uint64_t seed;
	bool serializable;
	struct env *env;
	struct event_base *base;
	struct cutter *cutter;
	char *folder, *server;
	struct client clients[CLIENTS];
	struct bench witness;	/* behind no cutter */
	struct memstore *model;
	struct known known;
	/* The burst. */
	struct call calls[BURST_CALLS];
	bool noted[BURST_CALLS];
	int n, ended, place;
	uint32_t most;		/* calls that an order could be found for */
};

struct totals {
	uint64_t bursts, calls, results[STORE_FATAL + 1];
	int cuts;
	/* Of worlds that are SERIALIZABLE, or not. */
	uint64_t bursts_in[2];
	int met[2];
};

static struct totals totals;

static void
client_on_state(void *arg, bool ready, const struct err *err)
{
	struct bench *b = arg;

	b->ready = ready;
	if (!ready && err != NULL)
		b->err = *err;
}

static void
client_open(struct world *w, struct bench *b, const char *host,
    const char *place)
{
	struct pgstore_conf conf = { 0 };
	own_free char *info = xasprintf("host=%s user=test dbname=postgres "
	    "options='-c default_transaction_isolation=%s "
	    "-c deadlock_timeout=30'", host,
	    w->serializable ? "serializable" : "read\\\\ committed");

	b->base = w->base;
	b->env = w->env;
	conf.conninfo = info;
	conf.connections = 3;
	conf.statement_timeout_ms = 10000;
	conf.place = place;
	b->pg = pgstore_open(w->base, w->env, &conf, client_on_state, b);
	b->store = pgstore_store(b->pg);
}

static void
turn(struct world *w)
{
	struct timeval tv = { 0, 20000 };

	event_base_loopexit(w->base, &tv);
	event_base_loop(w->base, EVLOOP_ONCE);
}

static void
world_open(struct world *w)
{
	char place[16];
	int i;

	w->base = event_base_new();
	w->cutter = cutter_new(w->base, w->folder, w->server);
	/* It applies the migrations; the others need not race for that. */
	client_open(w, &w->witness, w->server, "witness");
	bench_until_ready(&w->witness, true);
	bench_wipe();
	for (i = 0; i < CLIENTS; i++) {
		snprintf(place, sizeof(place), "%d", i);
		client_open(w, &w->clients[i].bench, w->folder, place);
	}
	for (i = 0; i < CLIENTS; i++)
		bench_until_ready(&w->clients[i].bench, true);
	w->model = memstore_new(w->env);
}

static void
world_close(struct world *w)
{
	int i;

	for (i = 0; i < CLIENTS; i++)
		pgstore_close(w->clients[i].bench.pg);
	pgstore_close(w->witness.pg);
	totals.cuts += cutter_cuts(w->cutter);
	cutter_free(w->cutter);
	event_base_free(w->base);
	memstore_free(w->model);
	known_free(&w->known);
}

/* ---- what Postgres holds ---- */

static void
dump_row(struct world *w, struct buf *out, const char *text)
{
	struct answer a = { 0 };
	struct execution *x;
	struct id id;
	size_t i;

	if (id_parse(text, strlen(text), &id) < 0)
		abort();
	x = bench_load(&w->witness, &id);
	if (x != NULL && x->archived)
		buf_str(out, "archived ");
	dump_execution(out, x);
	execution_free(x);
	store_history_read(w->witness.store, &id, 1, 64, false, on_history,
	    &a);
	bench_until(&w->witness, &a.done);
	for (i = 0; i < a.page.n; i++)
		dump_event(out, &a.events[i]);
	answer_free(&a);
}

static void
dump_lines(struct world *w, struct buf *out, const char *sql,
    void (*dump)(struct world *, struct buf *, const char *))
{
	own_free char *all = bench_sql(sql);
	char *line, *save = NULL;

	for (line = strtok_r(all, "\n", &save); line != NULL;
	    line = strtok_r(NULL, "\n", &save))
		dump(w, out, line);
}

static void
dump_plain(struct world *w, struct buf *out, const char *line)
{
	(void)w;
	buf_fmt(out, "%s\n", line);
}

static char *
rows_dump(struct world *w)
{
	struct buf out = BUF_INIT;

	dump_lines(w, &out, "select string_agg(id::text, chr(10) order by id)"
	    " from execution_all", dump_row);
	/* As dump_async has it. */
	dump_lines(w, &out,
	    "select string_agg(format('async %s %s %s %s %s %s %s %s %s %s"
	    " %s %s %s %s', id, function, coalesce(qualifier, '-'),"
	    " coalesce(encode(client_context, 'escape'), '-'),"
	    " coalesce(encode(trace, 'escape'), '-'),"
	    " coalesce(encode(tenant, 'escape'), '-'), attempt, accepted_ms,"
	    " due_ms, owner, coalesce(parent,"
	    " '00000000-0000-0000-0000-000000000000'), parent_ord,"
	    " coalesce(encode(payload, 'hex'), '-'), hops), chr(10) order by id)"
	    " from async_event", dump_plain);
	dump_lines(w, &out,
	    "select string_agg(what, chr(10)) from ("
	    "select distinct 'operations of nobody: ' || execution as what"
	    " from operation_all o where not exists"
	    " (select 1 from execution_all x where x.id = o.execution)"
	    " union all select distinct 'events of nobody: ' || execution"
	    " from history_all h where not exists"
	    " (select 1 from execution_all x where x.id = h.execution)) o",
	    dump_plain);
	return buf_steal(&out);
}

/* ---- a burst ---- */

static void
world_fail(struct world *w, const char *why)
{
	int i;

	printf("FAILED seed %" PRIu64 " (%s): %s\n", w->seed,
	    w->serializable ? "serializable" : "read committed", why);
	for (i = 0; i < w->n; i++) {
		printf("%s", w->most & 1u << i ? "  " : "? ");
		call_print(&w->calls[i]);
	}
	printf("repeat: tests/store/tier2 --seed %" PRIu64 " --minutes 1"
	    " --isolation %s\n", w->seed,
	    w->serializable ? "serializable" : "committed");
	fflush(stdout);
	_exit(1);
}

/* Notes who has been answered, in the order that is certain. */
static void
burst_note(struct world *w)
{
	struct call *c;
	int i, place = w->place + 1;

	for (i = 0; i < w->n; i++) {
		c = &w->calls[i];
		if (w->noted[i] || !c->a.done)
			continue;
		w->noted[i] = true;
		/* To be done again in any case: so it says when it may be so. */
		if (call_is_chore(c) && c->a.result == STORE_RETRY)
			c->a.result = STORE_UNKNOWN;
		w->ended++;
		w->place = place;
		if (c->a.result != STORE_UNKNOWN)
			c->ended = place;
		c->text = call_text(c, &c->a);
		call_learn(c, &w->known);
		totals.results[c->a.result]++;
	}
}

static struct client *
client_any(struct world *w)
{
	struct client *c = &w->clients[pick(CLIENTS)];

	return c->bench.ready ? c : NULL;
}

static void
burst_call(struct world *w, bool cut)
{
	struct client *client = client_any(w);
	struct call *c = &w->calls[w->n];

	if (client == NULL)
		return;
	call_make(c, &client->bench, &w->known);
	/*
	 * What a take of unknown fate took cannot be told if others took at
	 * the same time.
	 */
	if (c->kind == CALL_EVENT_TAKE && cut) {
		call_free(c);
		return;
	}
	c->client = (int)(client - w->clients);
	c->begun = ++w->place;
	w->noted[w->n++] = false;
	call_issue(c, client->bench.store, &c->a);
}

static void
burst_end(struct world *w)
{
	int i;

	for (i = 0; i < w->n; i++)
		call_free(&w->calls[i]);
	w->n = w->ended = w->place = 0;
}

static bool
all_ready(const struct world *w)
{
	int i;

	for (i = 0; i < CLIENTS; i++)
		if (!w->clients[i].bench.ready)
			return false;
	return true;
}

static void
burst_play(struct world *w, bool cut)
{
	int64_t deadline = env_mono_ms(w->env) + BURST_S * 1000;

	cutter_set(w->cutter, cut ? 60 : 0);
	while (w->ended < BURST_CALLS) {
		while (w->n < BURST_CALLS && w->n - w->ended < IN_FLIGHT &&
		    pick(4) != 0)
			burst_call(w, cut);
		turn(w);
		burst_note(w);
		if (env_mono_ms(w->env) > deadline)
			world_fail(w, "a call is never answered");
	}
	cutter_set(w->cutter, 0);
	while (!cutter_quiet(w->cutter) || !all_ready(w)) {
		turn(w);
		if (env_mono_ms(w->env) > deadline)
			world_fail(w, "the stores do not come back");
	}
}

static void
beat(struct world *w, struct store *s, int64_t node)
{
	struct answer a = { 0 };

	store_node_beat(s, node, on_node, &a);
	if (s == w->witness.store)
		bench_until(&w->witness, &a.done);
	else
		while (!a.done && memstore_run(w->model))
			;
	answer_free(&a);
}

static void
burst(struct world *w, uint64_t seed)
{
	own_free char *rows = NULL;
	own_free char *held = NULL;
	struct memstore *end;
	bool cut;

	draw = seed * 0x9e3779b97f4a7c15u + 1;
	cut = pick(4) == 0;
	w->known.endings = pick(4) == 0;
	/* Node 3 is one that nobody ever heard of. */
	beat(w, w->witness.store, 1);
	beat(w, memstore_store(w->model), 1);
	burst_play(w, cut);
	rows = rows_dump(w);
	end = model_explain(w->model, w->env, w->calls, w->n, rows,
	    &w->most);
	if (end == NULL) {
		held = model_dump(w->model);
		printf("--- before, in memory:\n%s--- after, in Postgres:\n%s",
		    held, rows);
		world_fail(w, "no order of these calls explains them");
	}
	memstore_free(w->model);
	w->model = end;
	totals.bursts++;
	totals.bursts_in[w->serializable]++;
	totals.calls += (uint64_t)w->n;
	burst_end(w);
}

/* ---- beside it ---- */

/* Holds rows for moments: who waits for them meets the others there. */
static void
locker(const char *info)
{
	PGconn *conn = PQconnectdb(info);
	struct timespec ts = { 0, 0 };
	PGresult *res;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (PQstatus(conn) == CONNECTION_OK) {
		PQclear(PQexec(conn, "begin"));
		res = PQexec(conn, "select 1 from execution order by random()"
		    " limit 2 for update");
		ts.tv_nsec = (long)(rand() % 4000) * 1000;
		nanosleep(&ts, NULL);
		PQclear(res);
		PQclear(PQexec(conn, "rollback"));
		ts.tv_nsec = (long)(rand() % 2000) * 1000;
		nanosleep(&ts, NULL);
	}
	_exit(0);
}

static pid_t
locker_start(const char *server)
{
	own_free char *info = xasprintf("host=%s user=test dbname=postgres "
	    "options='-c deadlock_timeout=1000'", server);
	pid_t pid;
	int fd;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		/* What the parent closes must be closed. */
		for (fd = 3; fd < 1024; fd++)
			close(fd);
		locker(info);
	}
	return pid;
}

static void
world_run(struct world *w, int64_t end_ms)
{
	int i, met = bench_meetings();
	pid_t pid;

	world_open(w);
	pid = locker_start(w->server);
	for (i = 0; i < WORLD_BURSTS && now_ms() < end_ms; i++)
		burst(w, w->seed + (uint64_t)i);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	world_close(w);
	totals.met[w->serializable] += bench_meetings() - met;
}

static void
report(double minutes)
{
	printf("%" PRIu64 " bursts, %" PRIu64 " calls in %.1f minutes: %"
	    PRIu64 " ok, %" PRIu64 " conflicts, %" PRIu64 " refused for now, %"
	    PRIu64 " unknown, %" PRIu64 " fatal; %d connections cut\n",
	    totals.bursts, totals.calls, minutes, totals.results[STORE_OK],
	    totals.results[STORE_CONFLICT], totals.results[STORE_RETRY],
	    totals.results[STORE_UNKNOWN], totals.results[STORE_FATAL],
	    totals.cuts);
	printf("read committed: %" PRIu64 " bursts, %d transactions met "
	    "others; serializable: %" PRIu64 " bursts, %d\n",
	    totals.bursts_in[0], totals.met[0], totals.bursts_in[1],
	    totals.met[1]);
}

/* level: 0 READ COMMITTED, 1 SERIALIZABLE, -1 by turns. */
static int
run(uint64_t seed, double minutes, int level)
{
	char folder[] = "/tmp/tier2.XXXXXX";
	int64_t begun_ms = now_ms(), end_ms;
	struct world w = { 0 };
	char *server;

	end_ms = begun_ms + (int64_t)(minutes * 60000);
	server = xstrdup(getenv("PERDURE_TEST_DB"));
	if (strncmp(server, "host=", 5) != 0 || mkdtemp(folder) == NULL)
		return 2;
	memmove(server, server + 5, strlen(server + 5) + 1);
	server[strcspn(server, " ")] = '\0';
	printf("seed %" PRIu64 "\n", seed);
	fflush(stdout);
	while (now_ms() < end_ms) {
		memset(&w, 0, sizeof(w));
		w.seed = seed;
		w.serializable = level < 0 ? (seed / WORLD_BURSTS) % 2 : level == 1;
		w.env = env_system();
		w.folder = folder;
		w.server = server;
		world_run(&w, end_ms);
		seed += WORLD_BURSTS;
	}
	rmdir(folder);
	free(server);
	report((double)(now_ms() - begun_ms) / 60000);
	return 0;
}

/* With a Postgres of its own, unless there is one. */
static void
need_postgres(char **argv)
{
	const char *top = getenv("top_srcdir");
	own_free char *script = xasprintf("%s/tests/store/with-postgres.sh",
	    top != NULL ? top : TESTS_SRCDIR);
	char *args[16] = { script };
	int i;

	if (getenv("PERDURE_TEST_DB") != NULL)
		return;
	for (i = 0; argv[i] != NULL && i < 14; i++)
		args[i + 1] = argv[i];
	execv(script, args);
	perror(script);
	exit(2);
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "minutes", 1, NULL, 'm' }, { "seconds", 1, NULL, 's' },
		{ "seed", 1, NULL, 'n' }, { "isolation", 1, NULL, 'i' },
		{ NULL, 0, NULL, 0 },
	};
	uint64_t seed = (uint64_t)time(NULL) * 1000 +
	    (uint64_t)getpid() % 1000;
	double minutes = 1;
	int opt, level = -1;

	need_postgres(argv);
	setenv("CMOCKA_TEST_ABORT", "1", 1);
	signal(SIGPIPE, SIG_IGN);
	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt == 'm')
			minutes = strtod(optarg, NULL);
		else if (opt == 's')
			minutes = strtod(optarg, NULL) / 60;
		else if (opt == 'n')
			seed = strtoull(optarg, NULL, 10);
		else if (opt == 'i' && strcmp(optarg, "committed") == 0)
			level = 0;
		else if (opt == 'i' && strcmp(optarg, "serializable") == 0)
			level = 1;
		else {
			fputs("usage: tier2 [--minutes N] [--seconds N] "
			    "[--seed N] [--isolation committed|serializable]\n",
			    stderr);
			return 2;
		}
	}
	log_init("tier2", (enum log_level)(LOG_ERROR + 1));
	return run(seed, minutes, level);
}
