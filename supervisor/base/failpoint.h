/*
 * failpoint - places where a test makes the process die, fail or stop.
 *
 * Built in with --enable-failpoints, absent otherwise.  PD_FAIL("name") is 0
 * normally and -1 when the test asked for an error there.  The environment
 * variable PD_FAIL holds a list, separated by commas, of
 *
 *     name=action[%probability][@n]
 *
 * action: exit (as by kill -9), error, delay:MS, pause (SIGSTOP to itself).
 * probability is a per cent; n is the number of the passage (from 1) at
 * which it acts.  With PD_FAIL_ONCE=DIR each acts once over all processes.
 */
#ifndef BASE_FAILPOINT_H
#define BASE_FAILPOINT_H

#ifdef PD_FAILPOINTS
int failpoint_hit(const char *name);
#define PD_FAIL(name) failpoint_hit(name)
#else
#define PD_FAIL(name) 0
#endif

#endif
