/*
 * map - a hash map from byte strings to pointers, seeded per map so that an
 * attacker's keys do not collide.  Keys are copied; values are the caller's.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map;

struct map *map_new(uint64_t seed);
void map_free(struct map *);	/* values are not touched; accepts NULL */
size_t map_count(const struct map *);
void *map_get(const struct map *, const void *key, size_t len);
void *map_gets(const struct map *, const char *key);
/* Stores and returns the value that was there before, or NULL. */
void *map_put(struct map *, const void *key, size_t len, void *value);
void *map_puts(struct map *, const char *key, void *value);
/* Removes and returns the value, or NULL. */
void *map_del(struct map *, const void *key, size_t len);
void *map_dels(struct map *, const char *key);
/*
 * Walks in no particular order: start with *at = 0; false at the end.  The
 * entry just returned may be deleted, nothing else may change meanwhile.
 */
bool map_next(const struct map *, size_t *at, const void **key, size_t *len,
    void **value);

#endif
