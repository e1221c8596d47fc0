/*
 * mem - allocation that does not fail: state is in Postgres and a restart is
 * a tested path, so running out of memory ends the process.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>
#include <stdint.h>

void *xmalloc(size_t);
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *, size_t);
/* Room for n elements; aborts on overflow of n * size. */
void *xreallocarray(void *, size_t n, size_t size);
char *xstrdup(const char *);		/* NULL gives NULL */
char *xstrndup(const char *, size_t);
void *xmemdup(const void *, size_t);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * Immutable bytes, counted: payloads are shared between state, events and
 * answers without a copy.  A blob always has a NUL behind its last byte.
 */
struct blob {
	uint32_t refs;
	size_t len;
	char data[];
};

struct blob *blob_new(const void *, size_t);
struct blob *blob_str(const char *);	/* NULL gives NULL */
struct blob *blob_ref(struct blob *);	/* NULL gives NULL */
void blob_unref(struct blob *);		/* accepts NULL */
int blob_equal(const struct blob *, const struct blob *);

#endif
