/*
 * spec - what main tells perdure-worker, and what it hears back.
 *
 * Descriptor 3 of perdure-worker is a SOCK_SEQPACKET socket.  Main sends one
 * spec; the worker sends reports until it ends.  Both programs come from the
 * same build, so there is no version in it.
 */
#ifndef WORKER_SPEC_H
#define WORKER_SPEC_H

#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

#define SPEC_FD 3
#define SPEC_ROUTER_FD 4	/* what came beside a spec */
#define SPEC_BYTES_MOST (160 * 1024)
#define SPEC_MOUNTS_MOST 16
#define SPEC_ARGS_MOST 16
/*
 * A function may have 4 KB of variables as JSON, which are 511 of the
 * shortest names; ours come on top.
 */
#define SPEC_ENVS_MOST 1024
/* What a worker's user and group are called inside its own user namespace. */
#define SPEC_INSIDE_ID 993
#define SPEC_RUNTIME_PORT 9001
#define SPEC_LAMBDA_PORT 9002
#define SPEC_PROXY_PORT 9003
/* As a function's variables have it; the port is put right in the worker. */
#define SPEC_PROXY_ADDRESS "http://127.0.0.1:9003"
/* Descriptors of a REPORT_UP. */
#define SPEC_UP_FDS 5

/* What the host gives; the steps of the sandbox depend on it. */
enum spec_mech {
	MECH_ROOT = 1 << 0,	/* started by root: own host uid per worker */
	MECH_USER = 1 << 1,
	MECH_MOUNT = 1 << 2,
	MECH_PID = 1 << 3,
	MECH_NET = 1 << 4,
	MECH_IPC = 1 << 5,
	MECH_UTS = 1 << 6,
	MECH_CGROUP = 1 << 7,
	MECH_PROC = 1 << 8,	/* an own /proc can be mounted */
	MECH_SECCOMP = 1 << 9,
	MECH_LANDLOCK = 1 << 10,
};

#define MECH_SPACES (MECH_USER | MECH_MOUNT | MECH_PID | MECH_NET | \
	MECH_IPC | MECH_UTS | MECH_CGROUP)

enum spec_job {
	SPEC_RUN = 1,	/* set up the sandbox and run argv in it */
	SPEC_PROBE,	/* set it up and try to get out: selftest.h */
	SPEC_UNPACK,	/* archive on fd 4, folder on fd 5 */
	SPEC_KEEP,	/* clear main's control groups when it is gone */
	SPEC_BLANK,	/* as SPEC_RUN, but without code: see below */
	SPEC_BIND,	/* puts its mounts and its way into the sandbox of peer */
};

/*
 * A blank's runtime learns its function later: on descriptor SPEC_BLANK_FD it
 * reads variables, NAME=value and a NUL each, to the end of the file; by then
 * the code is in place.
 */
#define SPEC_BLANK_FD 3
#define SPEC_BLANK_BYTES_MOST (256 * 1024)

/* Each of these processes loads a filter of its own; see filter.h. */
enum filter_kind {
	FILTER_RUNTIME,	/* the handler and whatever it starts */
	FILTER_SHIM,	/* our first process inside */
	FILTER_UNPACK,	/* the process that unpacks one archive */
	FILTER_KINDS,
};

struct spec_blob {
	const void *data;
	uint32_t bytes;
};

struct spec_mount {
	const char *source;	/* on the host, absolute */
	const char *target;	/* inside, absolute */
	uint32_t writable;
};

enum spec_way_kind {
	WAY_VETH,	/* leads to main's router; see worker/way.h */
	WAY_TUN,	/* to a user-space stack; see worker/tun.h */
};

/* A network interface of its own. */
struct spec_way {
	uint32_t number;	/* of its other end there; 0: none is wanted */
	uint32_t address, gateway;	/* IPv4, host order */
	uint32_t mtu;
	uint32_t kind;		/* enum spec_way_kind */
};

struct spec {
	uint32_t job;
	uint32_t mech;
	uint32_t main_pid;
	uint32_t uid;		/* on the host; with MECH_ROOT only */
	uint32_t tmp_mb;
	uint32_t peer;		/* SPEC_BIND: its first process */
	uint64_t most_bytes;	/* SPEC_UNPACK: unpacked */
	uint32_t most_entries;	/* 0: it is no archive; see unpack.h */
	uint32_t nmounts, nargs, nenvs;
	struct spec_mount mounts[SPEC_MOUNTS_MOST];
	const char *args[SPEC_ARGS_MOST + 1];
	const char *envs[SPEC_ENVS_MOST + 1];
	/* With MECH_SECCOMP, of the kinds that the job loads. */
	struct spec_blob filters[FILTER_KINDS];
	struct spec_way way;	/* SPEC_RUN, SPEC_BIND */
	const char *resolv;	/* SPEC_RUN: what is in /etc/resolv.conf */
	/*
	 * The router's network namespace: comes beside the spec when there is
	 * a way, else -1.
	 */
	int router;
	/*
	 * Steps and mechanisms to leave out, separated by commas: only builds
	 * for tests heed it.
	 */
	const char *without;
	char *store;		/* holds the strings of a spec that was read */
};

enum spec_report_kind {
	REPORT_PID = 1,	/* value: pid of the sandbox's first process */
	/* Bytes: microseconds since the clone; then descriptors. */
	REPORT_UP,	/* Runtime API, Lambda API, stdout, stderr, proxy */
	REPORT_FAILED,	/* text: step and reason; nothing was started */
	REPORT_GONE,	/* value: wait status of the runtime */
	REPORT_UNPACKED, /* value: enum err_kind, 0 done; bytes; text */
	REPORT_BLANK,	/* where the variables of a SPEC_BLANK are written */
	REPORT_BOUND,	/* of a SPEC_BIND: done */
	REPORT_TUN,	/* the other end of its WAY_TUN */
};

struct spec_report {
	uint32_t kind;
	uint32_t value;
	uint64_t bytes;
	char text[240];
};

void spec_write(struct buf *, const struct spec *);
/* Borrows nothing from data; spec_free when done.  The router stays -1. */
int spec_read(struct spec *, const void *data, size_t, struct err *);
void spec_free(struct spec *);
/* Is the name in the list?  Never, but in builds for tests. */
int spec_leaves_out(const char *without, const char *name);

/* As send and recv; a router of -1 is none. */
ssize_t spec_send(int sock, const void *data, size_t, int router);
ssize_t spec_receive(int sock, void *data, size_t room, int *router);

/* Descriptors are borrowed. */
int spec_report_send(int sock, const struct spec_report *, const int *fds,
    int nfds, struct err *);
/*
 * 1: a report, with *nfds descriptors that are now the caller's; 0: none
 * there now or the peer is gone (*gone); -1: malformed.
 */
int spec_report_recv(int sock, struct spec_report *, int fds[SPEC_UP_FDS],
    int *nfds, int *gone, struct err *);

#endif
