/*
 * main - arguments and choice of role.
 */
#include <config.h>

#include <stdio.h>

int
main(void)
{
	fputs("perdure: no role is built in yet\n", stderr);
	return 2;
}
