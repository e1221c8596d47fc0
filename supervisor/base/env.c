#include <config.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/env.h"
#include "base/mem.h"

static int64_t
env_clock_us(clockid_t which)
{
	struct timespec ts;

	clock_gettime(which, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static int64_t
env_system_mono(struct env *e)
{
	(void)e;
	return env_clock_us(CLOCK_MONOTONIC);
}

static int64_t
env_system_wall(struct env *e)
{
	(void)e;
	return env_clock_us(CLOCK_REALTIME);
}

static void
env_system_random(struct env *e, void *p, size_t n)
{
	unsigned char *at = p;
	ssize_t got;

	(void)e;
	while (n > 0) {
		got = getrandom(at, n, 0);
		if (got < 0) {
			if (errno == EINTR)
				continue;
			abort();
		}
		at += got;
		n -= (size_t)got;
	}
}

/* Given out once each; what was given is not kept. */
struct random_pool {
	size_t left;
	unsigned char bytes[1024];
};

static void
env_pool_random(struct env *e, void *p, size_t n)
{
	struct random_pool *pool = e->arg;
	unsigned char *at;

	if (n > sizeof(pool->bytes) / 4) {
		env_system_random(e, p, n);
		return;
	}
	if (pool->left < n) {
		env_system_random(e, pool->bytes, sizeof(pool->bytes));
		pool->left = sizeof(pool->bytes);
	}
	pool->left -= n;
	at = pool->bytes + pool->left;
	memcpy(p, at, n);
	explicit_bzero(at, n);
}

void
env_pool(struct env *e)
{
	if (e->random == env_system_random) {
		e->arg = xcalloc(1, sizeof(struct random_pool));
		e->random = env_pool_random;
	}
}

struct env *
env_system(void)
{
	static struct env sys;

	if (sys.mono_us == NULL) {
		sys.mono_us = env_system_mono;
		sys.wall_us = env_system_wall;
		sys.random = env_system_random;
		sys.db_offset_us = env_system_wall(&sys) -
		    env_system_mono(&sys);
	}
	return &sys;
}

int64_t
env_mono_ms(struct env *e)
{
	return e->mono_us(e) / 1000;
}

int64_t
env_wall_ms(struct env *e)
{
	return e->wall_us(e) / 1000;
}

int64_t
env_now_ms(struct env *e)
{
	return (e->mono_us(e) + e->db_offset_us) / 1000;
}

uint64_t
env_random_u64(struct env *e)
{
	uint64_t v;

	e->random(e, &v, sizeof(v));
	return v;
}

struct id
id_random(struct env *e)
{
	struct id id;

	e->random(e, id.b, sizeof(id.b));
	id.b[6] = (unsigned char)((id.b[6] & 0x0f) | 0x40);
	id.b[8] = (unsigned char)((id.b[8] & 0x3f) | 0x80);
	return id;
}

struct id
id_ordered(struct env *e)
{
	struct id id = id_random(e);
	uint64_t ms = (uint64_t)env_now_ms(e);
	int i;

	for (i = 0; i < 6; i++)
		id.b[i] = (unsigned char)(ms >> (40 - 8 * i));
	id.b[6] = (unsigned char)((id.b[6] & 0x0f) | 0x70);
	return id;
}

void
id_text(struct id id, char out[ID_TEXT])
{
	static const char hex[] = "0123456789abcdef";
	char *o = out;
	int i;

	for (i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*o++ = '-';
		*o++ = hex[id.b[i] >> 4];
		*o++ = hex[id.b[i] & 15];
	}
	*o = '\0';
}

static int
id_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int
id_parse(const char *s, size_t n, struct id *out)
{
	int i, hi, lo;

	if (n != ID_TEXT - 1)
		return -1;
	for (i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			if (*s++ != '-')
				return -1;
		hi = id_digit(s[0]);
		lo = id_digit(s[1]);
		if (hi < 0 || lo < 0)
			return -1;
		out->b[i] = (unsigned char)(hi << 4 | lo);
		s += 2;
	}
	return 0;
}

int
id_compare(const struct id *a, const struct id *b)
{
	return memcmp(a->b, b->b, sizeof(a->b));
}

int
id_is_zero(const struct id *id)
{
	static const struct id zero;

	return id_compare(id, &zero) == 0;
}
