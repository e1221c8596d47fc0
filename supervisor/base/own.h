/*
 * own - release at the end of the scope; steal_* hands the thing on.
 */
#ifndef BASE_OWN_H
#define BASE_OWN_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void
own_cleanup_free(void *p)
{
	free(*(void **)p);
}

static inline void
own_cleanup_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void
own_cleanup_file(FILE **f)
{
	if (*f != NULL)
		fclose(*f);
}

#define own_free __attribute__((cleanup(own_cleanup_free)))
#define own_fd __attribute__((cleanup(own_cleanup_fd)))
#define own_file __attribute__((cleanup(own_cleanup_file)))

static inline int
steal_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

static inline void *
steal_ptr_(void *pp)
{
	void **p = (void **)pp;
	void *taken = *p;

	*p = NULL;
	return taken;
}

#define steal_ptr(pp) ((__typeof__(*(pp)))steal_ptr_(pp))

#endif
