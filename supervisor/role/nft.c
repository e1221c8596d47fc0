#include <config.h>

#include <errno.h>
#include <string.h>

#include <nftables/libnftables.h>

#include "role/nft.h"

/* The first line of what the library complains about. */
static int
nft_complain(struct nft_ctx *nft, struct err *err)
{
	const char *text = nft_ctx_get_error_buffer(nft);

	if (text == NULL || text[0] == '\0')
		text = "refused";
	return err_set(err, ERR_UNAVAILABLE, "nftables: %.*s",
	    (int)strcspn(text, "\n"), text);
}

int
nft_run(const char *commands, struct buf *out, struct err *err)
{
	struct nft_ctx *nft = nft_ctx_new(NFT_CTX_DEFAULT);
	int r = 0;

	if (nft == NULL)
		return err_set(err, ERR_UNAVAILABLE, "nftables: no context");
	nft_ctx_buffer_output(nft);
	nft_ctx_buffer_error(nft);
	if (nft_run_cmd_from_buffer(nft, commands) != 0)
		r = nft_complain(nft, err);
	else if (out != NULL)
		buf_str(out, nft_ctx_get_output_buffer(nft));
	nft_ctx_free(nft);
	return r;
}
