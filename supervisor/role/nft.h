/*
 * nft - commands for nftables, through its library, in the network namespace
 * of the calling process.
 */
#ifndef ROLE_NFT_H
#define ROLE_NFT_H

#include "base/buf.h"
#include "base/err.h"

/* All or nothing.  What the commands say is added to out, unless it is NULL. */
int nft_run(const char *commands, struct buf *out, struct err *err);

#endif
