/*
 * dump - writes this process into a file, from within: loaded into the
 * template by runtime-api/python/snapshot.py.  No privilege is involved, and
 * nobody looks into the process from outside.
 *
 * One thread; the caller sees to that, and to what the file cannot hold.
 */
#include <asm/prctl.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "worker/snap.h"

#define MAPS_BYTES (2UL << 20)
#define STACK_BYTES (8UL << 20)	/* as much as it might have grown to */
#define ROBUST_TO_TID 16	/* in the C library's description of a thread */
#define RSEQ_BYTES 32
#define RSEQ_SIGNATURE 0x53053053
#define SIGNALS 65

/* As the kernel has it, not the C library. */
struct signal_action {
	void *handler;
	unsigned long flags;
	void *restorer;
	unsigned long mask;
};

static struct snap_head head;
static struct snap_piece pieces[SNAP_PIECES_MOST];
static char maps[MAPS_BYTES];

/* What the kernel keeps of a process, to be told again. */
static struct {
	struct signal_action actions[SIGNALS];
	unsigned long mask;
	stack_t stack;
	void *robust;
	size_t robust_bytes;
	int *tid;
	void **brk;
	long rseq_at;
	unsigned int rseq_bytes;
} kept;

int snap_save(struct snap_context *) __attribute__((returns_twice));
void snap_resume(struct snap_context *);

/* Returns 0, and 1 when somebody resumes what it saved. */
__asm__(
	".text\n"
	".globl snap_save\n"
	".hidden snap_save\n"
	"snap_save:\n"
	"	mov %rbx, 0(%rdi)\n"
	"	mov %rbp, 8(%rdi)\n"
	"	mov %r12, 16(%rdi)\n"
	"	mov %r13, 24(%rdi)\n"
	"	mov %r14, 32(%rdi)\n"
	"	mov %r15, 40(%rdi)\n"
	"	lea 8(%rsp), %rax\n"
	"	mov %rax, 48(%rdi)\n"
	"	mov (%rsp), %rax\n"
	"	mov %rax, 56(%rdi)\n"
	"	stmxcsr 64(%rdi)\n"
	"	fnstcw 68(%rdi)\n"
	"	xor %eax, %eax\n"
	"	ret\n"
	".globl snap_resume\n"
	".hidden snap_resume\n"
	"snap_resume:\n"
	"	mov 0(%rdi), %rbx\n"
	"	mov 8(%rdi), %rbp\n"
	"	mov 16(%rdi), %r12\n"
	"	mov 24(%rdi), %r13\n"
	"	mov 32(%rdi), %r14\n"
	"	mov 40(%rdi), %r15\n"
	"	mov 48(%rdi), %rsp\n"
	"	ldmxcsr 64(%rdi)\n"
	"	fldcw 68(%rdi)\n"
	"	mov $1, %eax\n"
	"	jmp *56(%rdi)\n");

static void
signals_keep(void)
{
	int i;

	for (i = 1; i < SIGNALS; i++)
		syscall(SYS_rt_sigaction, i, NULL, &kept.actions[i], 8);
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, NULL, &kept.mask, 8);
	sigaltstack(NULL, &kept.stack);
}

static void
signals_set(void)
{
	int i;

	for (i = 1; i < SIGNALS; i++)
		if (i != SIGKILL && i != SIGSTOP)
			syscall(SYS_rt_sigaction, i, &kept.actions[i], NULL,
			    8);
	if (!(kept.stack.ss_flags & SS_DISABLE))
		sigaltstack(&kept.stack, NULL);
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &kept.mask, NULL, 8);
}

/* The C library knows the thread's number; it is another one now. */
static int
thread_keep(void)
{
	if (syscall(SYS_get_robust_list, 0, &kept.robust,
	    &kept.robust_bytes) < 0 || kept.robust == NULL)
		return -ENOSYS;
	kept.tid = (int *)((char *)kept.robust - ROBUST_TO_TID);
	return *kept.tid == (int)syscall(SYS_gettid) ? 0 : -ENOSYS;
}

static void
thread_set(void)
{
	char *rseq = (char *)head.fs + kept.rseq_at;

	syscall(SYS_set_robust_list, kept.robust, kept.robust_bytes);
	*kept.tid = (int)syscall(SYS_set_tid_address, kept.tid);
	if (kept.rseq_bytes > 0)
		syscall(SYS_rseq, rseq, RSEQ_BYTES, 0, RSEQ_SIGNATURE);
	prctl(PR_SET_NAME, "python3");
}

/* In the process that has become this one. */
static void
revive(void)
{
	thread_set();
	/*
	 * The kernel's heap lies elsewhere.  malloc takes it for one that
	 * somebody else has enlarged, which it can do with, and neither
	 * extends nor shortens the part that it had.
	 */
	if (kept.brk != NULL)
		*kept.brk = (void *)syscall(SYS_brk, 0);
	signals_set();
}

/* ---- pieces ---- */

static int
piece_add(uint64_t addr, uint64_t end, uint32_t prot, uint32_t kind)
{
	if (addr == end)
		return 0;
	if (head.npieces == SNAP_PIECES_MOST)
		return -E2BIG;
	pieces[head.npieces++] = (struct snap_piece){ addr, end - addr, 0,
		prot, kind };
	return 0;
}

static int
page_is_zero(uint64_t addr)
{
	const uint64_t *p = (const uint64_t *)addr;
	size_t i;

	for (i = 0; i < SNAP_PAGE / sizeof(*p); i++)
		if (p[i] != 0)
			return 0;
	return 1;
}

/* Pages of zeros need not be in the file. */
static int
pieces_of(uint64_t addr, uint64_t end, uint32_t prot)
{
	uint64_t p;
	int zero, r = 0;

	for (; addr < end && r == 0; addr = p) {
		zero = page_is_zero(addr);
		for (p = addr + SNAP_PAGE; p < end; p += SNAP_PAGE)
			if (page_is_zero(p) != zero)
				break;
		r = piece_add(addr, p, prot, zero ? SNAP_ZERO : SNAP_DATA);
	}
	return r;
}

/* A line of maps behind its addresses: "rw-p 00000000 00:00 0   [stack]". */
static int
piece_read(uint64_t addr, uint64_t end, const char *line)
{
	uint32_t prot = (line[0] == 'r' ? PROT_READ : 0) |
	    (line[1] == 'w' ? PROT_WRITE : 0) |
	    (line[2] == 'x' ? PROT_EXEC : 0);
	int r = 0;

	if (strstr(line, "[vsyscall]") != NULL)
		return 0;
	if (strstr(line, " [vvar") != NULL || strstr(line, " [vdso]") != NULL)
		return piece_add(addr, end, prot, SNAP_KERNEL);
	if (line[3] == 's' && (prot & PROT_WRITE))
		return -EBUSY;
	if (!(prot & PROT_READ))
		return piece_add(addr, end, prot, SNAP_ZERO);
	if (strstr(line, " [stack]") != NULL && end - addr < STACK_BYTES)
		r = piece_add(end - STACK_BYTES, addr, prot, SNAP_ZERO);
	return r == 0 ? pieces_of(addr, end, prot) : r;
}

static int
maps_read(void)
{
	int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	size_t n = 0;
	ssize_t r;

	if (fd < 0)
		return -errno;
	while ((r = read(fd, maps + n, sizeof(maps) - 1 - n)) > 0)
		n += (size_t)r;
	close(fd);
	maps[n] = '\0';
	return r < 0 ? -errno : n == sizeof(maps) - 1 ? -E2BIG : 0;
}

static int
pieces_find(void)
{
	char *line, *next, *p;
	uint64_t addr, end;
	int r = maps_read();

	head.npieces = 0;
	for (line = maps; r == 0 && (next = strchr(line, '\n')) != NULL;
	    line = next + 1) {
		*next = '\0';
		addr = strtoul(line, &p, 16);
		end = strtoul(p + 1, &p, 16);
		r = piece_read(addr, end, p + 1);
	}
	return r;
}

/* ---- the file, which may be a pipe ---- */

static int
put(int fd, const void *data, size_t n)
{
	const char *p = data;
	ssize_t done;

	while (n > 0) {
		done = write(fd, p, n);
		if (done < 0)
			return -errno;
		p += done;
		n -= (size_t)done;
	}
	return 0;
}

static int
put_all(int fd)
{
	static const char fill[SNAP_PAGE];
	size_t tops = sizeof(head) + head.npieces * sizeof(*pieces), i;
	uint64_t at = (tops + SNAP_PAGE - 1) & ~(SNAP_PAGE - 1);
	size_t pad = at - tops;
	int r;

	for (i = 0; i < head.npieces; i++)
		if (pieces[i].kind == SNAP_DATA) {
			pieces[i].at = at;
			at += pieces[i].bytes;
		}
	r = put(fd, &head, sizeof(head));
	if (r == 0)
		r = put(fd, pieces, head.npieces * sizeof(*pieces));
	if (r == 0)
		r = put(fd, fill, pad);
	for (i = 0; i < head.npieces && r == 0; i++)
		if (pieces[i].kind == SNAP_DATA)
			r = put(fd, (const void *)pieces[i].addr,
			    pieces[i].bytes);
	return r;
}

/*
 * 0: written; 1: this is the process that was made of it; else -errno.
 * brk: the C library's note of where its heap ends, or NULL; rseq: where in
 * the thread's block its restartable sequences are, 0 bytes: not at all.
 */
int perdure_snapshot(int fd, void **brk, long rseq_at,
    unsigned int rseq_bytes);

int
perdure_snapshot(int fd, void **brk, long rseq_at, unsigned int rseq_bytes)
{
	int r;

	if (snap_save(&head.context) != 0) {
		revive();
		return 1;
	}
	kept.brk = brk;
	kept.rseq_at = rseq_at;
	kept.rseq_bytes = rseq_bytes;
	head.magic = SNAP_MAGIC;
	head.resume = (uint64_t)(uintptr_t)snap_resume;
	if (syscall(SYS_arch_prctl, ARCH_GET_FS, &head.fs) < 0)
		return -errno;
	signals_keep();
	r = thread_keep();
	if (r == 0)
		r = pieces_find();
	return r == 0 ? put_all(fd) : r;
}
