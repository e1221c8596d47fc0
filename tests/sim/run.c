/*
 * run - simulates worlds from seeds until enough executions have ended, and
 * makes the smallest case of one that breaks something.
 */
#include <config.h>

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "sim.h"

#define TURN_S 120	/* a world that takes longer hangs */

/* What a child tells its parent while it runs. */
struct progress {
	uint64_t seed, worlds, executions, checkpoints, commits, bodies,
	    invocations, unknowns, crashes, callbacks, faults, happened,
	    deletions, pages;
	int world_faults;
};

static struct progress *told;

static void
usage(void)
{
	fputs(
"usage: run [--seed N] [options]\n"
"  --seed N         this seed alone\n"
"  --from N         seeds from N on instead of new ones\n"
"  --seeds N        so many seeds\n"
"  --executions N   seeds until so many executions have ended\n"
"  --seconds N      ... or so much time went by\n"
"  --trace          print what happens (with --seed)\n"
"  --clients N      executions that clients start in a world (24)\n"
"  --faults HEX     kinds of faults; 0: none\n"
"  --faults-most N  so many faults strike\n"
"  --depth N        depth of contexts (3)\n"
"  --no-shrink      do not look for a smaller case\n", stderr);
	exit(2);
}

static void
add(const struct sim *m)
{
	told->worlds++;
	told->executions += m->rows;
	told->checkpoints += m->checkpoints;
	told->commits += m->commits;
	told->bodies += m->bodies;
	told->invocations += m->invocations;
	told->unknowns += m->unknowns;
	told->crashes += m->crashes;
	told->callbacks += m->callbacks;
	told->deletions += m->deletions;
	told->pages += m->pages;
	told->faults += (uint64_t)m->faults;
	told->happened += m->happened;
}

/* What this process and those it waited for have used. */
static double
cpu_s(void)
{
	struct rusage u;

	getrusage(RUSAGE_CHILDREN, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	    (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static double
clock_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* How a world ended: 0, or the exit status of what broke. */
static int
try_world(const struct sim_conf *conf)
{
	static struct sim m;
	int status = 0;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		if (freopen("/dev/null", "w", stderr) == NULL)
			_Exit(9);
		alarm(TURN_S);
		sim_run(conf, &m);
		_Exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return 0;
	return status;
}

static bool
shrink_to(struct sim_conf *conf, struct sim_conf smaller)
{
	if (try_world(&smaller) == 0)
		return false;
	*conf = smaller;
	return true;
}

/* Fewer executions, kinds of faults and faults, as long as it breaks. */
static void
shrink(struct sim_conf *conf)
{
	struct sim_conf c;
	uint32_t bit;
	int i, n;

	for (n = 1; n < conf->executions; n++) {
		c = *conf;
		c.executions = n;
		if (shrink_to(conf, c))
			break;
	}
	for (bit = 1; bit < FAULT_ALL; bit <<= 1) {
		c = *conf;
		c.faults &= ~bit;
		if (c.faults != conf->faults)
			shrink_to(conf, c);
	}
	for (i = 0; i < 12; i++) {
		c = *conf;
		c.faults_most = i;
		if (shrink_to(conf, c))
			break;
	}
	for (n = 0; n < conf->depth; n++) {
		c = *conf;
		c.depth = n;
		if (shrink_to(conf, c))
			break;
	}
}

static void
print_command(const struct sim_conf *c)
{
	printf("  tests/sim/run --seed %llu --clients %d --faults %x "
	    "--faults-most %d --depth %d --trace\n",
	    (unsigned long long)c->seed, c->executions, (unsigned)c->faults,
	    c->faults_most, c->depth);
}

/* In a child: seeds until it is enough. */
static void
run_seeds(struct sim_conf conf, uint64_t seeds, uint64_t executions,
    double end_s)
{
	static struct sim m;
	uint64_t i;

	for (i = 0; i < seeds; i++, conf.seed++) {
		if (told->executions >= executions || clock_s() >= end_s)
			break;
		told->seed = conf.seed;
		alarm(TURN_S);
		sim_run(&conf, &m);
		add(&m);
	}
	_Exit(0);
}

static void
report(double took_s)
{
	double cpu = cpu_s();

	printf("%llu executions in %llu worlds, %.1f s, %.1f s of a core: "
	    "%.0f a minute of it\n"
	    "%llu checkpoints, %llu commits, %llu step bodies, "
	    "%llu invocations, %llu callbacks, %llu deletions, "
	    "%llu pages of state\n"
	    "%llu faults: %llu unknown commits, %llu crashes\n",
	    (unsigned long long)told->executions,
	    (unsigned long long)told->worlds, took_s, cpu,
	    (double)told->executions * 60 / (cpu > 0 ? cpu : 1),
	    (unsigned long long)told->checkpoints,
	    (unsigned long long)told->commits,
	    (unsigned long long)told->bodies,
	    (unsigned long long)told->invocations,
	    (unsigned long long)told->callbacks,
	    (unsigned long long)told->deletions,
	    (unsigned long long)told->pages,
	    (unsigned long long)told->faults,
	    (unsigned long long)told->unknowns,
	    (unsigned long long)told->crashes);
}

static int
run_all(struct sim_conf conf, uint64_t seeds, uint64_t executions,
    double seconds, bool small)
{
	double start_s = clock_s();
	int status;
	pid_t pid;

	printf("seed %llu\n", (unsigned long long)conf.seed);
	fflush(stdout);
	pid = fork();
	if (pid == 0)
		run_seeds(conf, seeds, executions, seconds > 0 ?
		    start_s + seconds : 1e18);
	if (pid < 0 || waitpid(pid, &status, 0) != pid) {
		perror("fork");
		return 1;
	}
	if (status == 0) {
		report(clock_s() - start_s);
		return 0;
	}
	conf.seed = told->seed;
	printf("FAILED seed %llu (%s %d)\n", (unsigned long long)conf.seed,
	    WIFSIGNALED(status) ? "signal" : "exit",
	    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	print_command(&conf);
	if (small) {
		shrink(&conf);
		printf("smaller:\n");
		print_command(&conf);
		fflush(stdout);
		if (fork() == 0)
			run_seeds(conf, 1, UINT64_MAX, 1e18);
		wait(NULL);
	}
	return 1;
}

static int
run_traced(const struct sim_conf *conf)
{
	static struct sim m;

	printf("seed %llu\n", (unsigned long long)conf->seed);
	sim_run(conf, &m);
	add(&m);
	report(1);
	return 0;
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seed", 1, NULL, 's' }, { "from", 1, NULL, 'o' },
		{ "seeds", 1, NULL, 'n' }, { "executions", 1, NULL, 'e' },
		{ "seconds", 1, NULL, 't' }, { "trace", 0, NULL, 'v' },
		{ "clients", 1, NULL, 'c' }, { "faults", 1, NULL, 'f' },
		{ "faults-most", 1, NULL, 'm' }, { "depth", 1, NULL, 'd' },
		{ "no-shrink", 0, NULL, 'k' }, { NULL, 0, NULL, 0 },
	};
	struct sim_conf conf = {
		.executions = 24, .faults = FAULT_ALL, .faults_most = -1,
		.depth = 3,
	};
	uint64_t seeds = UINT64_MAX, executions = UINT64_MAX;
	double seconds = 0;
	bool small = true;
	int opt;

	conf.seed = (uint64_t)time(NULL) * 1000 + (uint64_t)getpid() % 1000;
	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (opt) {
		case 's':
			seeds = 1;
			conf.seed = strtoull(optarg, NULL, 10);
			break;
		case 'o':
			conf.seed = strtoull(optarg, NULL, 10);
			break;
		case 'n':
			seeds = strtoull(optarg, NULL, 10);
			break;
		case 'e':
			executions = strtoull(optarg, NULL, 10);
			break;
		case 't':
			seconds = strtod(optarg, NULL);
			break;
		case 'v':
			conf.trace = true;
			break;
		case 'c':
			conf.executions = atoi(optarg);
			break;
		case 'f':
			conf.faults = (uint32_t)strtoul(optarg, NULL, 16);
			break;
		case 'm':
			conf.faults_most = atoi(optarg);
			break;
		case 'd':
			conf.depth = atoi(optarg);
			break;
		case 'k':
			small = false;
			break;
		default:
			usage();
		}
	}
	if (optind < argc)
		usage();
	if (seeds == UINT64_MAX && executions == UINT64_MAX && seconds <= 0)
		executions = 20000;
	/* What goes wrong on purpose is not worth a line. */
	log_init("sim", conf.trace ? LOG_INFO : (enum log_level)99);
	told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (told == MAP_FAILED) {
		perror("mmap");
		return 1;
	}
	if (conf.trace)
		return run_traced(&conf);
	return run_all(conf, seeds, executions, seconds, small);
}
