/*
 * load - synthetic clients of CheckpointDurableExecution, one execution each.
 *
 *   load PORT MILLISECONDS ROUNDS < lines of "ARN TOKEN"
 *
 * Each connection sends the start and the end of a step in one request, as
 * the SDKs do, and the next one when it was answered.  Prints a line of JSON
 * for each round.  ARN "-": a request that control answers at once instead.
 */
#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CLIENTS_MOST 1024
#define STEPS_MOST 2900		/* an execution has 3,000 operations */
#define TEXT_MOST 2048

struct client {
	int fd, steps;
	int plain;		/* no checkpoints */
	char path[TEXT_MOST], token[TEXT_MOST];
	char in[16384];
	size_t len;
	double sent;
};

static struct client clients[CLIENTS_MOST];
static float times[CLIENTS_MOST * STEPS_MOST];
static size_t ntimes;

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1000 + (double)t.tv_nsec / 1e6;
}

static void
client_path(struct client *c, const char *arn)
{
	size_t n = 0;

	for (; *arn != '\0' && n + 4 < sizeof(c->path); arn++)
		n += (size_t)snprintf(c->path + n, sizeof(c->path) - n,
		    strchr(":/$", *arn) != NULL ? "%%%02X" : "%c", *arn);
}

static void
client_connect(struct client *c, int port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int one = 1;

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 ||
	    connect(c->fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		err(1, "connect");
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

static void
client_send(struct client *c)
{
	static const char plain[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
	char body[TEXT_MOST * 2], out[TEXT_MOST * 4];
	int n, len;

	c->sent = now();
	if (c->plain) {
		len = sizeof(plain) - 1;
		if (write(c->fd, plain, (size_t)len) != len)
			err(1, "write");
		return;
	}
	n = snprintf(body, sizeof(body), "{\"CheckpointToken\":\"%s\","
	    "\"Updates\":[{\"Id\":\"%032x\",\"Type\":\"STEP\",\"SubType\":"
	    "\"Step\",\"Name\":\"s\",\"Action\":\"START\""
	    "},{\"Id\":\"%032x\",\"Type\":"
	    "\"STEP\",\"SubType\":\"Step\",\"Name\":\"s\",\"Action\":"
	    "\"SUCCEED\",\"Payload\":\"%d\"}]}", c->token, c->steps,
	    c->steps, c->steps);
	len = snprintf(out, sizeof(out), "POST /2025-12-01/durable-executions/"
	    "%s/checkpoint HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
	    "application/json\r\nContent-Length: %d\r\n\r\n%s", c->path, n,
	    body);
	if (write(c->fd, out, (size_t)len) != len)
		err(1, "write");
}

/* True when an answer is complete; its token is kept. */
static int
client_read(struct client *c)
{
	ssize_t n = read(c->fd, c->in + c->len, sizeof(c->in) - c->len - 1);
	char *end, *length, *token;

	if (n <= 0)
		err(1, "read");
	c->len += (size_t)n;
	c->in[c->len] = '\0';
	end = strstr(c->in, "\r\n\r\n");
	length = strcasestr(c->in, "content-length:");
	if (end == NULL || length == NULL || c->in + c->len < end + 4 +
	    strtoul(length + 15, NULL, 10))
		return 0;
	c->len = 0;
	if (c->plain)
		return 1;
	token = strstr(end, "\"CheckpointToken\":\"");
	if (strncmp(c->in, "HTTP/1.1 200", 12) != 0 || token == NULL)
		errx(1, "%s", c->in);
	token += strlen("\"CheckpointToken\":\"");
	snprintf(c->token, sizeof(c->token), "%.*s",
	    (int)strcspn(token, "\""), token);
	return 1;
}

static int
by_time(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

/* The median of some times in the order of their steps. */
static double
median(size_t from, size_t n)
{
	float some[100];

	memcpy(some, times + from, n * sizeof(*some));
	qsort(some, n, sizeof(*some), by_time);
	return some[n / 2];
}

static void
report(int n, double took)
{
	char ages[100] = "";

	/* One execution, whole: what its first and its last steps took. */
	if (n == 1 && ntimes + 1 == STEPS_MOST)
		snprintf(ages, sizeof(ages), ", \"at_10_ms\": %.3f, "
		    "\"at_2900_ms\": %.3f", median(0, 100),
		    median(ntimes - 100, 100));
	qsort(times, ntimes, sizeof(*times), by_time);
	printf("{\"clients\": %d, \"checkpoints\": %zu, \"per_s\": %.0f, "
	    "\"min_ms\": %.3f, \"p50_ms\": %.3f, \"p99_ms\": %.3f%s}\n", n,
	    ntimes, (double)ntimes / took * 1000, times[0],
	    times[ntimes / 2], times[ntimes * 99 / 100], ages);
	fflush(stdout);
	ntimes = 0;
}

static void
run(int n, double until)
{
	struct epoll_event ev = { .events = EPOLLIN }, got[64];
	int ep = epoll_create1(EPOLL_CLOEXEC), i, ready, open = n;
	double begun = now();
	struct client *c;

	for (i = 0; i < n; i++) {
		if (clients[i].steps >= STEPS_MOST - 1)
			errx(1, "too many steps for one execution");
		ev.data.u32 = (uint32_t)i;
		if (epoll_ctl(ep, EPOLL_CTL_ADD, clients[i].fd, &ev) < 0)
			err(1, "epoll");
		client_send(&clients[i]);
	}
	while (open > 0) {
		ready = epoll_wait(ep, got, 64, 30000);
		if (ready <= 0)
			err(1, "no answer");
		for (i = 0; i < ready; i++) {
			c = &clients[got[i].data.u32];
			if (!client_read(c))
				continue;
			times[ntimes++] = (float)(now() - c->sent);
			if (++c->steps < STEPS_MOST - 1 && now() < until)
				client_send(c);
			else
				open--;
		}
	}
	report(n, now() - begun);
	close(ep);
}

int
main(int argc, char **argv)
{
	char arn[TEXT_MOST], token[TEXT_MOST];
	int i, n = 0, round;

	if (argc != 4)
		errx(2, "usage: load PORT MILLISECONDS ROUNDS < lines");
	while (n < CLIENTS_MOST &&
	    scanf("%2047s %2047s", arn, token) == 2) {
		clients[n].plain = strcmp(arn, "-") == 0;
		client_path(&clients[n], arn);
		strcpy(clients[n++].token, token);
	}
	if (n == 0)
		errx(2, "no lines");
	for (i = 0; i < n; i++)
		client_connect(&clients[i], atoi(argv[1]));
	for (round = 0; round < atoi(argv[3]); round++)
		run(n, now() + atof(argv[2]));
	return 0;
}
