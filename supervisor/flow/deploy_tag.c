/*
 * TagResource and UntagResource.
 */
#include <config.h>

#include "core/function_rules.h"
#include "flow/deploy_int.h"
#include "flow/registry.h"

static enum deploy_next
deploy_set_tags(struct deploy *d, const struct function *f, json_t *tags)
{
	d->tags = tags;
	if (json_equal(tags, f->tags))
		return DEPLOY_DONE;
	if (deploy_check_tags(d, tags) < 0)
		return DEPLOY_FAILED;
	d->write.tags = tags;
	return DEPLOY_WRITE;
}

enum deploy_next
deploy_tag(struct deploy *d)
{
	struct function *f = deploy_function(d);
	json_t *tags;

	if (f == NULL)
		return DEPLOY_FAILED;
	if (json_object_size(json_object_get(d->input, "Tags")) == 0) {
		deploy_refuse(d, "An error occurred and the request cannot be "
		    "processed.");
		return DEPLOY_FAILED;
	}
	tags = json_copy(f->tags);
	json_object_update(tags, json_object_get(d->input, "Tags"));
	return deploy_set_tags(d, f, tags);
}

enum deploy_next
deploy_untag(struct deploy *d)
{
	struct function *f = deploy_function(d);
	json_t *keys = json_object_get(d->input, "TagKeys");
	json_t *tags, *key;
	size_t i;

	if (f == NULL)
		return DEPLOY_FAILED;
	tags = json_copy(f->tags);
	json_array_foreach(keys, i, key)
		json_object_del(tags, json_string_value(key));
	return deploy_set_tags(d, f, tags);
}

int
deploy_check_tags(struct deploy *d, const json_t *tags)
{
	return json_object_size(tags) <= FUNCTION_TAGS_MOST ? 0 :
	    deploy_refuse(d, "Number of tags exceeds resource tag limit.");
}
