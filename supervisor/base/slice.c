#include <config.h>

#include <linux/sched/types.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/slice.h"

void
slice_set(unsigned int us, int nicer)
{
	struct sched_attr a;

	setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + nicer);
	memset(&a, 0, sizeof(a));
	a.size = sizeof(a);
	/* It also says how nice one is; that shall stay as it was. */
	if (syscall(SYS_sched_getattr, 0, &a, sizeof(a), 0) < 0 ||
	    a.sched_policy != 0)
		return;
	a.sched_runtime = us * 1000ull;
	syscall(SYS_sched_setattr, 0, &a, 0);
}
