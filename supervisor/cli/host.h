/*
 * host - what the kernel gives, found by trying it in a throw-away child.
 */
#ifndef CLI_HOST_H
#define CLI_HOST_H

#include <stdbool.h>

enum host_namespace {
	HOST_NS_USER,
	HOST_NS_MOUNT,
	HOST_NS_PID,
	HOST_NS_NET,
	HOST_NS_IPC,
	HOST_NS_UTS,
	HOST_NS_CGROUP,
	HOST_NS_COUNT,
};

extern const char *const host_namespace_names[HOST_NS_COUNT];

struct host {
	char release[65];
	int kernel[2];		/* major, minor */
	/* errno of making it as we are, 0: it works; -1: not tried */
	int ns[HOST_NS_COUNT];
	/* the same from inside a new user namespace */
	int user_ns[HOST_NS_COUNT];
	int proc;		/* a fresh /proc in new namespaces */
	int no_new_privs;
	int pidfd;
	int seccomp_notify;	/* errno of SECCOMP_RET_USER_NOTIF */
	int landlock;		/* ABI, or -errno */
	/*
	 * Nanoseconds that a virtual processor without work waits for some
	 * before it is given back to the host (guest-halt-polling.rst of the
	 * kernel); -1: not governed so.
	 */
	long halt_poll_ns;
	bool root;
};

void host_look(struct host *);

#endif
