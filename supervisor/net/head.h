/*
 * head - the head of an HTTP/1 request, and how its body is framed.
 *
 * Strict, because two readers that disagree are a hole: lines end in CR LF,
 * names are tokens, no folding, one framing only.
 */
#ifndef NET_HEAD_H
#define NET_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HEAD_FIELDS_MOST 128

struct head_field {
	const char *name, *value;
};

struct head {
	char *text;		/* everything below points into it */
	const char *method, *path, *query;	/* query: NULL when none */
	int minor;		/* HTTP/1.minor */
	struct head_field *fields;
	int nfields;
	/* Framing of the body. */
	bool chunked;
	uint64_t length;
	bool keep;		/* the connection may go on */
	bool expects;		/* Expect: 100-continue */
};

/*
 * Length of the head that data begins with, its empty line included; 0: not
 * all there yet; -1: a line that does not end in CR LF.  *seen is where to go
 * on looking; it starts as 0.
 */
long head_find(const char *data, size_t len, size_t *seen);
/* 0, or the status to refuse the request with. */
int head_parse(struct head *, const char *data, size_t len);
/*
 * Reads "name: value" lines up to the empty one (trailers) into *fields.
 * text is cut up in place.  0 or a status.
 */
int head_fields(char *text, size_t len, struct head_field **, int *n);
const char *head_get(const struct head_field *, int n, const char *name);
void head_free(struct head *);

#endif
