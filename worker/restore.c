/*
 * restore - becomes the process that a snapshot holds: the last program that
 * a worker's sandbox executes, in the place of the interpreter.
 *
 *   restore FILE [--blank] PROGRAM ARGUMENT...
 *
 * Static and without a C library, at an address that nothing else has, since
 * it takes down all that it was started with.  It has no privilege at all;
 * the file is hostile, and what it may do with this process is what the
 * function's own code may do.  Where the file does not fit this host the
 * program is executed instead, which starts from the beginning.
 *
 * The variables of the worker are in descriptor 3 afterwards, NAME=value and
 * a NUL each.  With --blank they are somebody else's to write, and the file
 * is there when they are.
 */
#include <asm/prctl.h>
#include <asm/unistd.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/mman.h>

#include "worker/snap.h"

/* <sys/mman.h> has these only with extensions. */
#define MOVE_MAYMOVE 1
#define MOVE_FIXED 2
#define MAPS_BYTES (64UL << 10)
#define STACK_BYTES (64UL << 10)
#define KERNEL_PIECES_MOST 8
#define ARGS_MOST 16
#define ARG_BYTES 512
#define LOWEST 0x10000UL
#define VARIABLES_FD 3
#define POLL_IN 1

struct poll_fd {
	int fd;
	short events, revents;
};

struct range {
	uint64_t addr, bytes;
};

static struct snap_head head;
static struct snap_piece pieces[SNAP_PIECES_MOST];
static struct range kernel[KERNEL_PIECES_MOST];
static size_t nkernel;
static char maps[MAPS_BYTES];
static char stack[STACK_BYTES] __attribute__((aligned(16)));
/* The program instead, kept where it is not taken down. */
static char words[ARGS_MOST][ARG_BYTES];
static char *args[ARGS_MOST + 2];
static char **variables;	/* NULL: taken down */
static const char *file;
static char blank_word[] = "--blank";
static int is_blank;

extern char __executable_start[], _end[];
void restore_begin(unsigned long *);

static long
call(long number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e,
    uint64_t f)
{
	register uint64_t r10 __asm__("r10") = d;
	register uint64_t r8 __asm__("r8") = e;
	register uint64_t r9 __asm__("r9") = f;
	long r;

	__asm__ volatile("syscall" : "=a"(r) : "a"(number), "D"(a), "S"(b),
	    "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
	return r;
}

#define CALL3(n, a, b, c) call(n, (uint64_t)(a), (uint64_t)(b), \
	(uint64_t)(c), 0, 0, 0)

static size_t
length(const char *s)
{
	size_t n = 0;

	while (s[n] != '\0')
		n++;
	return n;
}

static int
begins_with(const char *s, const char *word)
{
	while (*word != '\0' && *s == *word) {
		s++;
		word++;
	}
	return *word == '\0';
}

static void
say(const char *s)
{
	CALL3(__NR_write, 2, s, length(s));
}

static void __attribute__((noreturn))
instead(const char *why)
{
	static char *none[1];

	say("perdure: started without its snapshot: ");
	say(why);
	say("\n");
	CALL3(__NR_execve, args[0], args, variables != NULL ? variables :
	    none);
	for (;;)
		CALL3(__NR_exit_group, 127, 0, 0);
}

/* ---- what it was started with ---- */

static void
words_keep(char **from)
{
	int n = 0;
	size_t i;

	for (; from[n] != NULL && n < ARGS_MOST; n++) {
		for (i = 0; from[n][i] != '\0' && i < ARG_BYTES - 1; i++)
			words[n][i] = from[n][i];
		args[n] = words[n];
	}
	/* It finds its variables where the snapshot would have. */
	args[n] = blank_word;
}

static void
begin_words(char **argv)
{
	file = argv[0] != NULL ? argv[1] : NULL;
	if (file == NULL || argv[2] == NULL)
		CALL3(__NR_exit_group, 2, 0, 0);
	argv += 2;
	is_blank = begins_with(*argv, blank_word);
	words_keep(argv + is_blank);
}

/* Somebody else's to write: wait for them.  Ours: into a file without name. */
static void
variables_put(void)
{
	struct poll_fd p = { VARIABLES_FD, POLL_IN, 0 };
	long fd;
	int i;

	if (is_blank) {
		while (CALL3(__NR_poll, &p, 1, -1) < 0)
			;
		return;
	}
	fd = CALL3(__NR_memfd_create, "variables", 0, 0);
	for (i = 0; variables[i] != NULL; i++)
		CALL3(__NR_write, fd, variables[i], length(variables[i]) + 1);
	CALL3(__NR_lseek, fd, 0, 0);
	if (fd != VARIABLES_FD) {
		CALL3(__NR_dup2, fd, VARIABLES_FD, 0);
		CALL3(__NR_close, fd, 0, 0);
	}
}

/* ---- the file ---- */

static int
read_all(long fd, void *to, size_t n)
{
	char *p = to;
	long r;

	for (; n > 0; p += r, n -= (size_t)r) {
		r = CALL3(__NR_read, fd, p, n);
		if (r <= 0)
			return -1;
	}
	return 0;
}

static uint64_t
own_start(void)
{
	return (uint64_t)__executable_start & ~(SNAP_PAGE - 1);
}

/* With the heap behind it, and room for what is put aside. */
static uint64_t
own_end(void)
{
	return ((uint64_t)_end + (4UL << 30)) & ~(SNAP_PAGE - 1);
}

static int
piece_fits(const struct snap_piece *p)
{
	if (p->kind > SNAP_KERNEL || p->bytes == 0 || p->addr < LOWEST ||
	    p->addr > SNAP_END || p->bytes > SNAP_END - p->addr ||
	    (p->addr | p->bytes | p->at) % SNAP_PAGE != 0 ||
	    (p->prot & ~(uint32_t)(PROT_READ | PROT_WRITE | PROT_EXEC)) != 0)
		return 0;
	return p->addr + p->bytes <= own_start() || p->addr >= own_end();
}

static long
file_read(void)
{
	long fd = CALL3(__NR_open, file, O_RDONLY | O_CLOEXEC, 0);
	size_t i;

	if (fd < 0)
		instead("it cannot be opened");
	if (read_all(fd, &head, sizeof(head)) < 0 ||
	    head.magic != SNAP_MAGIC || head.npieces > SNAP_PIECES_MOST ||
	    read_all(fd, pieces, head.npieces * sizeof(*pieces)) < 0)
		instead("it is not one");
	for (i = 0; i < head.npieces; i++)
		if (!piece_fits(&pieces[i]))
			instead("it has no place");
	return fd;
}

/* ---- the kernel's own pages ---- */

static uint64_t
hex(const char **p)
{
	uint64_t v = 0;

	for (;; (*p)++) {
		if (**p >= '0' && **p <= '9')
			v = v * 16 + (uint64_t)(**p - '0');
		else if (**p >= 'a' && **p <= 'f')
			v = v * 16 + (uint64_t)(**p - 'a' + 10);
		else
			return v;
	}
}

static void
kernel_add(const char *line)
{
	uint64_t addr = hex(&line), end;

	line++;
	end = hex(&line);
	for (; *line != '\n' && *line != '\0'; line++) {
		if (!begins_with(line, " [vvar") && !begins_with(line, " [vdso]"))
			continue;
		if (nkernel == KERNEL_PIECES_MOST)
			instead("the kernel has more than is known");
		kernel[nkernel++] = (struct range){ addr, end - addr };
		return;
	}
}

static void
kernel_find(void)
{
	long fd = CALL3(__NR_open, "/proc/self/maps", O_RDONLY, 0), r;
	const char *p;
	size_t n = 0;

	if (fd < 0)
		instead("there is no /proc");
	while ((r = CALL3(__NR_read, fd, maps + n, sizeof(maps) - 1 - n)) > 0)
		n += (size_t)r;
	CALL3(__NR_close, fd, 0, 0);
	for (p = maps; *p != '\0';) {
		kernel_add(p);
		while (*p != '\n' && *p != '\0')
			p++;
		p += *p == '\n';
	}
}

/* Same sizes in the same order: else the C library's notes of it are wrong. */
static void
kernel_compare(void)
{
	size_t i, n = 0;

	for (i = 0; i < head.npieces; i++) {
		if (pieces[i].kind != SNAP_KERNEL)
			continue;
		if (n == nkernel || kernel[n].bytes != pieces[i].bytes)
			instead("it is of another kernel");
		n++;
	}
	if (n != nkernel)
		instead("it is of another kernel");
}

static void
move(struct range *from, uint64_t to)
{
	long r = call(__NR_mremap, from->addr, from->bytes, from->bytes,
	    MOVE_MAYMOVE | MOVE_FIXED, to, 0);

	if (r < 0)
		instead("the kernel's pages stay where they are");
	from->addr = to;
}

/* Beside us, from where they go to their places. */
static void
kernel_aside(void)
{
	uint64_t to = own_end() - (1UL << 30);
	size_t i;

	for (i = 0; i < nkernel; i++) {
		move(&kernel[i], to);
		to += kernel[i].bytes;
	}
}

/* ---- becoming it ---- */

static void
take_down(void)
{
	variables = NULL;
	CALL3(__NR_munmap, LOWEST, own_start() - LOWEST, 0);
	CALL3(__NR_munmap, own_end(), SNAP_END - own_end(), 0);
}

static void
put_up(const struct snap_piece *p, long fd)
{
	uint64_t flags = MAP_PRIVATE | MAP_FIXED_NOREPLACE;
	long r;

	if (p->kind == SNAP_ZERO) {
		flags |= MAP_ANONYMOUS | MAP_NORESERVE;
		fd = -1;
	}
	r = call(__NR_mmap, p->addr, p->bytes, p->prot, flags, (uint64_t)fd,
	    p->at);
	if (r < 0 || (uint64_t)r != p->addr)
		instead("there is no memory for it");
}

static void __attribute__((noreturn))
become(long fd)
{
	size_t i, n = 0;

	for (i = 0; i < head.npieces; i++) {
		if (pieces[i].kind == SNAP_KERNEL)
			move(&kernel[n++], pieces[i].addr);
		else
			put_up(&pieces[i], fd);
	}
	CALL3(__NR_close, fd, 0, 0);
	CALL3(__NR_arch_prctl, ARCH_SET_FS, head.fs, 0);
	__asm__ volatile("mov %0, %%rdi\n\tjmp *%1" : : "r"(&head.context),
	    "r"(head.resume) : "rdi");
	__builtin_unreachable();
}

static void __attribute__((noreturn, used))
restore_run(void)
{
	long fd;

	variables_put();
	fd = file_read();
	kernel_find();
	kernel_compare();
	kernel_aside();
	take_down();
	become(fd);
}

/* On a stack of our own from here on. */
void __attribute__((noreturn, used))
restore_begin(unsigned long *start)
{
	char **argv = (char **)(start + 1);

	variables = argv + *start + 1;
	begin_words(argv);
	__asm__ volatile("mov %0, %%rsp\n\tcall restore_run" : :
	    "r"(stack + sizeof(stack)));
	__builtin_unreachable();
}

__asm__(
	".text\n"
	".globl _start\n"
	"_start:\n"
	"	mov %rsp, %rdi\n"
	"	and $-16, %rsp\n"
	"	call restore_begin\n");
