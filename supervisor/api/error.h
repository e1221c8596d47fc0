/*
 * error - a struct err as AWS says it: name, status, body.
 */
#ifndef API_ERROR_H
#define API_ERROR_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

struct error_shape {
	const char *name;
	int status;
	bool capital;		/* "Message" */
	const char *reason;	/* of a throttle; NULL: none */
};

/* What the code, or else the kind, means to a client. */
struct error_shape error_shape(enum err_kind, const char *code);
/* {"Type":...,"Message":...} */
void error_json(const struct error_shape *, const char *text, struct buf *);
/* The form of the query protocol (STS), which has names of its own. */
void error_xml(struct error_shape *, const char *text,
    const char *request_id, struct buf *);
/* Text for XML: < > & and quotes are escaped. */
void xml_text(struct buf *, const char *);

#endif
