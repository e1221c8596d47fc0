/*
 * slice - how long a process may run before the next one's turn.
 *
 * Who asks for short turns is served soon when it wakes up, at the price of
 * being interrupted often; the part of the processor that it gets in all is
 * the same.  Inherited by children.
 */
#ifndef BASE_SLICE_H
#define BASE_SLICE_H

/*
 * Everybody waits for us; beside busy workers in groups of their own this
 * brought nine wake-ups of ten from 3 ms to 0.2 ms.
 */
#define SLICE_SUPERVISOR_US 100
#define SLICE_WORKER_US 0	/* the kernel's own choice */
/*
 * And what we need of a processor we get before workers do, who are all in
 * one group that weighs as much as one process: nine times as much, where we
 * may.  A worker of root gives this back.
 */
#define SLICE_NICER 10

/*
 * Nicer by so much than now, where that is allowed.  A kernel that does not
 * know of slices is none the worse.
 */
void slice_set(unsigned int us, int nicer);

#endif
