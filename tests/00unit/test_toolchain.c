/* Which NVRTC is chosen: places, the oldest that knows the chip, and what refusals say. */
#include "compiler/compiler.h"
#include "compiler/toolchain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;

#define EXPECT(cond) ((cond) ? (void)0 : (void)(printf("failed: %s\n", #cond), failures++))

static void refused(const char *target, enum err_code code, const char *hint)
{
	struct arena *a = arena_open(0);
	struct err e = ERR_INIT;
	struct nvrtc *n = NULL;

	EXPECT(toolchain_open(target, a, &n, NULL, &e) < 0 && !n);
	EXPECT(e.code == code);
	EXPECT(strstr(e.hint, hint) != NULL);
	err_release(&e);
	arena_close(a);
}

/* The version chosen for a target, major * 100 + minor; 0: none here. */
static int version_for(const char *target)
{
	struct arena *a = arena_open(0);
	struct err e = ERR_INIT;
	struct nvrtc *n = NULL;
	int major = 0, minor = 0;

	if (toolchain_open(target, a, &n, NULL, &e) == 0) {
		nvrtc_version(n, &major, &minor);
		EXPECT(nvrtc_supports(n, (int)strtol(target + 3, NULL, 10)));
		nvrtc_close(n);
	} else {
		EXPECT(e.code == E_NO_TOOLCHAIN);
	}
	err_release(&e);
	arena_close(a);
	return major * 100 + minor;
}

int main(void)
{
	struct arena *a = arena_open(0);
	struct err e = ERR_INIT;
	struct compile_identity id;
	const char *path = NULL;
	int orin = version_for("sm_87"), thor = version_for("sm_110"), nano = version_for("sm_53");

	refused("sm_86a", E_TARGET, "sm_50");
	refused("compute_87", E_TARGET, "sm_50");
	refused("87", E_TARGET, "87");
	refused("", E_TARGET, "sm_50");
	EXPECT(orin > 0);
	EXPECT(!thor || thor >= 1300);
	EXPECT(!nano || nano < 1300);
	EXPECT(!nano ||
	       orin <= nano); /* whoever knows sm_53 knows sm_87, and the oldest is taken */
	EXPECT(!thor || orin <= thor);

	EXPECT(compile_identify("sm_87", a, &id, &path, &e) == 0);
	EXPECT(strlen(id.build) == 64 && strchr(id.nvrtc, '.') && strstr(id.passes, "emit"));
	/* a file by name serves as well as the folders that are searched */
	setenv("OCCAMY_NVRTC_PATH", path ? path : "", 1);
	EXPECT(version_for("sm_87") == orin);
	setenv("OCCAMY_NVRTC_PATH", "/nonexistent:/dev/null::", 1);
	EXPECT(version_for("sm_87") == orin);
	err_release(&e);
	arena_close(a);
	return failures != 0;
}
