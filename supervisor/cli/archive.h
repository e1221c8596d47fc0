/*
 * archive - a folder of code as a zip archive, in memory.
 */
#ifndef CLI_ARCHIVE_H
#define CLI_ARCHIVE_H

#include "base/buf.h"
#include "base/err.h"

/*
 * Regular files and links below dir, sorted, without times and owners: equal
 * folders give equal archives.  .git, __pycache__ and byte code stay out.
 * *files counts what went in.
 */
int archive_folder(const char *dir, struct buf *zip, size_t *files,
    struct err *err);

#endif
