/* verify: every digest, every zero between the blobs, every bound of the plan. */
#include "client/client.h"

#include "runtime/plan_check.h"

#include <inttypes.h>

int cmd_verify(int argc, char **argv, struct err *e)
{
	static const struct option_row none[] = {{NULL}};
	struct artifact *a = NULL;
	const char *file;
	uint64_t live;
	int ret = -1;

	if (options_parse(argc, argv, none, &file, e) < 0 || artifact_open(file, &a, e) < 0)
		return -1;
	if (artifact_verify(a, e) == 0 && artifact_load_plan(a, e) == 0 &&
	    plan_check(a, &live, e) == 0) {
		print_text(stdout, file, "");
		printf(": OK, %" PRIu64 " bytes, %u blobs, %u kernels, %u launches, key %s\n",
		       a->file_bytes, a->nblobs, a->nkernels, a->nlaunches, a->key);
		printf("plan: proven, %u launches, %u tensors in %" PRIu64 " bytes, %" PRIu64
		       " needed at once, packing %s\n",
		       a->nlaunches, a->nvalues, a->arena_bytes, live, a->certificate);
		ret = 0;
	}
	artifact_close(a);
	return ret;
}
