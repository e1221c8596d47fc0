/*
 * profile - where the server is and whom we are for it: options, the
 * environment, ~/.aws/config and ~/.aws/credentials, in this order.
 */
#ifndef CLI_PROFILE_H
#define CLI_PROFILE_H

#include "cli/cli.h"

struct profile {
	char *endpoint;		/* http://127.0.0.1:9080, no slash behind */
	char *region;
	char *key_id, *secret, *token;	/* NULL: calls are not signed */
};

int profile_read(const struct args *, struct profile *, struct err *);
void profile_free(struct profile *);

#endif
