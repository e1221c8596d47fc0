/*
 * msg - frames between main and control over a SOCK_SEQPACKET socketpair,
 * with descriptors; msg.def lists them.
 *
 * A frame is one packet: u32 kind, then its fields (integers big-endian,
 * strings as u32 length and bytes).  Each side closes what it does not
 * expect and treats a malformed frame as the end of the other side.
 */
#ifndef BASE_MSG_H
#define BASE_MSG_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define MSG_BYTES_MOST (128 * 1024)
#define MSG_FDS_MOST 5

enum msg_sender {
	MSG_FROM_MAIN,
	MSG_FROM_CONTROL,
};

enum msg_kind {
	MSG_NONE,
#define MSG(name, sender, fds) MSG_##name,
#include "base/msg.def"
#undef MSG
	MSG_KINDS
};

/* A frame to send: msg_begin, msg_put_*, msg_send.  Starts as {0}. */
struct msg_out {
	struct buf body;
	int fds[MSG_FDS_MOST];
	int nfds;
};

void msg_begin(struct msg_out *, enum msg_kind);
void msg_put_u32(struct msg_out *, uint32_t);
void msg_put_u64(struct msg_out *, uint64_t);
void msg_put_str(struct msg_out *, const char *);
/* Borrowed until msg_send returns. */
void msg_put_fd(struct msg_out *, int fd);
/*
 * Sends and empties the frame.  ERR_UNAVAILABLE when the socket is full (the
 * frame is kept: call again when it is writable), ERR_SYSTEM otherwise.
 */
int msg_send(int sock, struct msg_out *, struct err *);
void msg_out_free(struct msg_out *);

/* A received frame; owns its descriptors until they are taken. */
struct msg_in {
	enum msg_kind kind;
	char *data;
	size_t len, at;
	int fds[MSG_FDS_MOST];
	int nfds;
	int bad;	/* a field was missing or too long */
};

/*
 * 1: a frame; 0: nothing there now, or the peer is gone (*gone set); -1: bad
 * frame or system error.  Only frames of `from` with their number of
 * descriptors are let through.
 */
int msg_recv(int sock, enum msg_sender from, struct msg_in *, int *gone,
    struct err *);
uint32_t msg_u32(struct msg_in *);
uint64_t msg_u64(struct msg_in *);
/* Never NULL; valid until msg_in_free; no NUL inside (else bad). */
const char *msg_str(struct msg_in *);
int msg_take_fd(struct msg_in *, int i);
/* All fields read, nothing left over, none bad. */
int msg_done(struct msg_in *, struct err *);
void msg_in_free(struct msg_in *);
const char *msg_name(enum msg_kind);

#endif
