/*
 * runtime - which runtimes this host has: identifier, interpreter, version.
 */
#ifndef BASE_RUNTIME_H
#define BASE_RUNTIME_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum runtime_kind {
	RUNTIME_PYTHON,
	RUNTIME_NODE,
	RUNTIME_PROVIDED,	/* the archive's own `bootstrap` */
};

struct runtime_name {
	const char *name;	/* python3.12, nodejs22.x, provided.al2023 */
	enum runtime_kind kind;
	/* What --version must begin with: "3.12." or "22."; "" for provided. */
	const char *version;
};

/* Every identifier we know, in order; name NULL ends the table. */
extern const struct runtime_name runtime_names[];
const struct runtime_name *runtime_name_find(const char *);	/* or NULL */

struct runtime {
	const struct runtime_name *name;
	char *path;	/* of the interpreter, absolute; "" for provided */
	char *version;	/* "3.12.1"; "" for provided */
};

struct runtime_list {
	struct runtime *v;
	size_t n;
};

/*
 * Searches PATH, pyenv's versions, /usr/local/bin, /usr/bin and the bin
 * folders of /opt, and asks each interpreter for its version.  `named` are
 * texts "NAME=PATH" that go before what is found (NULL ends them; may be
 * NULL); a wrong one is an error.  The list is in the order of
 * runtime_names.  Blocks: it runs programs.
 */
int runtime_list_find(const char *const *named, struct runtime_list *,
    struct err *);
/*
 * The program behind all links, or NULL: a script (such as a version
 * manager's) would have to be inside the worker with all that it starts.
 * Caller frees.
 */
char *runtime_program(const char *path);
const struct runtime *runtime_list_get(const struct runtime_list *,
    const char *name);	/* or NULL */
void runtime_list_free(struct runtime_list *);

#endif
