/*
 * data - the folder that a server keeps its data in, as the server chooses
 * it when nothing is said.
 */
#ifndef CLI_DATA_H
#define CLI_DATA_H

#include "cli/cli.h"

char *data_folder_path(const struct args *);	/* the caller frees */

#endif
