/*
 * env - the one source of time, randomness and ids.  Production fills it with
 * the system, tests with a seed.
 */
#ifndef BASE_ENV_H
#define BASE_ENV_H

#include <stddef.h>
#include <stdint.h>

struct env {
	int64_t (*mono_us)(struct env *);	/* never goes back */
	int64_t (*wall_us)(struct env *);	/* since 1970, may jump */
	void (*random)(struct env *, void *, size_t);
	/*
	 * The database's clock minus the monotonic one, microseconds; set by
	 * the store at each round trip that reads it.
	 */
	int64_t db_offset_us;
	void *arg;
};

struct env *env_system(void);
/*
 * Random bytes are taken from the kernel a piece at a time.  Never in a
 * process that forks: both would give out the same.
 */
void env_pool(struct env *);

int64_t env_mono_ms(struct env *);
int64_t env_wall_ms(struct env *);
/* The database's time in ms since 1970: the time of all durable records. */
int64_t env_now_ms(struct env *);
uint64_t env_random_u64(struct env *);

/* 16 bytes; version 7 (ordered by time) and version 4 (random). */
struct id {
	unsigned char b[16];
};

#define ID_TEXT 37	/* 36 characters and NUL */

struct id id_ordered(struct env *);
struct id id_random(struct env *);
/* Canonical lower-case form with dashes. */
void id_text(struct id, char out[ID_TEXT]);
/* Exactly that form (either case); -1 otherwise. */
int id_parse(const char *, size_t, struct id *);
int id_compare(const struct id *, const struct id *);
int id_is_zero(const struct id *);

#endif
