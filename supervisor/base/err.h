/*
 * err - the error value every fallible function fills.
 *
 * A function that can fail takes `struct err *err` last.  Success (0 or a
 * pointer) leaves *err alone; failure (-1 or NULL) fills it.  The kind is for
 * code, the text for people.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

enum err_kind {
	ERR_NONE,
	ERR_SYSTEM,	/* a system call failed; sys holds errno */
	ERR_INVALID,	/* the input is wrong */
	ERR_NOT_FOUND,
	ERR_EXISTS,
	ERR_CONFLICT,	/* a guard did not hold; read again */
	ERR_DENIED,
	ERR_LIMIT,	/* a quota or bound was reached */
	ERR_TOO_LARGE,
	ERR_FULL,	/* no room on the disk */
	ERR_UNAVAILABLE,	/* nothing was done; try again later */
	ERR_UNCERTAIN,	/* the write may or may not have happened */
	ERR_TIMEOUT,
	ERR_INTERNAL,
};

struct err {
	enum err_kind kind;
	int sys;
	/*
	 * AWS's name of the error where the kind alone does not tell it (a
	 * literal), or NULL; api/error.c has the table for the rest.
	 */
	const char *code;
	char text[512];
};

/* A system call's error that says that a disk is full becomes ERR_FULL. */
void err_full(struct err *);

/* All return -1, so that a failure is one statement. */
int err_set(struct err *, enum err_kind, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
int err_sys(struct err *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* As err_set, with AWS's name of the error. */
int err_code(struct err *, enum err_kind, const char *code, const char *fmt,
    ...) __attribute__((format(printf, 4, 5)));
/* Puts "what: " before the text that is already there. */
int err_wrap(struct err *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
const char *err_kind_name(enum err_kind);

#endif
