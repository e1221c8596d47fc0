/*
 * main - the sandbox entry.
 */
#include <config.h>

#include <stdio.h>

int
main(void)
{
	fputs("perdure-worker: started by perdure only\n", stderr);
	return 2;
}
