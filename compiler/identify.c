/* What besides model and options decides an artifact's bytes. */
#include "compiler/compiler.h"
#include "compiler/passes.h"
#include "compiler/toolchain.h"

#include "build_id.h"

int compile_identify(const char *target, struct arena *a, struct compile_identity *id,
		     const char **nvrtc_path, struct err *e)
{
	struct nvrtc *n;
	int major, minor;

	if (toolchain_open(target, a, &n, nvrtc_path, e) < 0)
		return -1;
	nvrtc_version(n, &major, &minor);
	nvrtc_close(n);
	id->build = BUILD_ID;
	id->nvrtc = arena_printf(a, "%d.%d", major, minor);
	id->passes = compile_passes();
	return 0;
}
