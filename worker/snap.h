/*
 * snap - what a snapshot's file is: one head, its pieces, then their pages.
 *
 * dump.c writes it inside the template, which has run the function's own
 * code, so nothing in it is to be believed; restore.c reads it inside the
 * finished sandbox of the worker that it becomes, and there alone: whatever
 * a file says, it gets no more than the function's code had anyway.
 */
#ifndef WORKER_SNAP_H
#define WORKER_SNAP_H

#include <stdint.h>

#define SNAP_MAGIC 0x31504e5345445250ULL	/* PRDESNP1 */
#define SNAP_PIECES_MOST 16384
#define SNAP_PAGE 4096UL
/* What user space may address. */
#define SNAP_END 0x7ffffffff000UL

enum snap_kind {
	SNAP_DATA,	/* pages of the file, private */
	SNAP_ZERO,	/* nothing but zeros, or not to be read at all */
	SNAP_KERNEL,	/* vdso and its data: the kernel's, moved there */
};

struct snap_piece {
	uint64_t addr, bytes;
	uint64_t at;		/* in the file */
	uint32_t prot, kind;
};

/* What a call keeps for its caller, by x86_64's rules. */
struct snap_context {
	uint64_t rbx, rbp, r12, r13, r14, r15, rsp, rip;
	uint32_t mxcsr;
	uint16_t fcw, pad;
};

struct snap_head {
	uint64_t magic;
	uint64_t npieces;
	uint64_t fs;		/* of the one thread */
	uint64_t resume;	/* a function that takes a context */
	struct snap_context context;
};

#endif
