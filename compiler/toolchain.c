/*
 * Looks where NVRTC may be: $OCCAMY_NVRTC_PATH (colon list of folders or
 * files), Occamy's own toolchain folders, CUDA toolkits, the linker's path.
 * Every library that opens is asked for its version and its chips.
 */
#include "compiler/toolchain.h"

#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Every chip that some NVRTC of 11.2 to 13.x compiles for. */
static const int chips[] = {50, 52, 53, 60, 61,	 62,  70,  72,	75,  80, 86,
			    87, 88, 89, 90, 100, 101, 103, 110, 120, 121};

static const char *const folders[] = {
	"~/.local/share/occamy/toolchains/*/lib",
	"~/.local/share/occamy/toolchains/*/nvidia/cuda_nvrtc/lib",
	"~/.local/share/occamy/toolchains/*/nvidia/cu13/lib",
	"/opt/occamy/toolchains/*/lib",
	"/opt/occamy/toolchains/*/nvidia/cuda_nvrtc/lib",
	"/opt/occamy/toolchains/*/nvidia/cu13/lib",
	"/usr/local/cuda*/lib64",
	"/usr/local/cuda*/targets/*/lib",
	"/usr/lib/x86_64-linux-gnu",
	"/usr/lib/aarch64-linux-gnu",
};

static const char *const linker_names[] = {"libnvrtc.so.12", "libnvrtc.so.13", "libnvrtc.so"};

struct search {
	int arch;
	struct arena *arena;
	const char **seen; /* real paths already tried */
	uint32_t nseen;
	struct nvrtc *best;
	const char *path; /* of the best */
	struct buf found; /* for the message: "12.9 (sm_50..sm_121)" */
};

static bool older(const struct nvrtc *a, const struct nvrtc *b)
{
	int amajor, aminor, bmajor, bminor;

	nvrtc_version(a, &amajor, &aminor);
	nvrtc_version(b, &bmajor, &bminor);
	return amajor != bmajor ? amajor < bmajor : aminor < bminor;
}

static void try_library(struct search *s, const char *path)
{
	struct err ignored = ERR_INIT;
	struct nvrtc *n;
	int major, minor;

	if (nvrtc_open(path, &n, &ignored) < 0) {
		err_release(&ignored);
		return;
	}
	nvrtc_version(n, &major, &minor);
	buf_printf(&s->found, "%s%d.%d", s->found.len ? ", " : "", major, minor);
	if (!nvrtc_supports(n, s->arch) || (s->best && !older(n, s->best))) {
		nvrtc_close(n);
		return;
	}
	nvrtc_close(s->best);
	s->best = n;
	s->path = arena_strdup(s->arena, path);
}

static void try_file(struct search *s, const char *path)
{
	char real[PATH_MAX];

	if (!realpath(path, real))
		return;
	for (uint32_t i = 0; i < s->nseen; i++)
		if (!strcmp(s->seen[i], real))
			return;
	s->seen = GROW(s->arena, s->seen, s->nseen);
	s->seen[s->nseen++] = arena_strdup(s->arena, real);
	try_library(s, real);
}

static void try_pattern(struct search *s, const char *pattern)
{
	glob_t g;

	if (glob(pattern, GLOB_TILDE, NULL, &g) == 0)
		for (size_t i = 0; i < g.gl_pathc; i++)
			try_file(s, g.gl_pathv[i]);
	globfree(&g);
}

/* A folder's libnvrtc.so and libnvrtc.so.NN, or the file itself. */
static void try_place(struct search *s, const char *place)
{
	if (strstr(place, "libnvrtc.so")) {
		try_pattern(s, place);
		return;
	}
	try_pattern(s, arena_printf(s->arena, "%s/libnvrtc.so", place));
	try_pattern(s, arena_printf(s->arena, "%s/libnvrtc.so.[0-9]*", place));
}

static void try_list(struct search *s, const char *list)
{
	while (list && *list) {
		size_t n = strcspn(list, ":");

		if (n)
			try_place(s, arena_strndup(s->arena, list, n));
		list += n + (list[n] == ':');
	}
}

static int parse_target(const char *target, int *arch, struct err *e)
{
	char text[16];

	for (size_t i = 0; i < COUNT_OF(chips); i++) {
		snprintf(text, sizeof(text), "sm_%d", chips[i]);
		if (!strcmp(text, target)) {
			*arch = chips[i];
			return 0;
		}
	}
	fail(e, E_TARGET, "'%.40s' is no target", target);
	return err_hint(e, "targets: sm_50, 52, 53, 60, 61, 62, 70, 72, 75, 80, 86, 87, 88, 89, "
			   "90, 100, 101, 103, 110, 120, 121");
}

static int nothing_found(const struct search *s, const char *target, struct err *e)
{
	const char *wheel = s->arch < 75 || s->arch == 101 ? "nvidia-cuda-nvrtc-cu12==12.9.86"
							   : "nvidia-cuda-nvrtc==13.0.88";

	if (s->found.len)
		fail(e, E_NO_TOOLCHAIN, "no NVRTC on this machine knows %s; found: %s", target,
		     buf_str(&s->found));
	else
		fail(e, E_NO_TOOLCHAIN, "there is no NVRTC on this machine");
	return err_hint(e,
			"install the Python wheel %s and set OCCAMY_NVRTC_PATH to its lib folder",
			wheel);
}

int toolchain_open(const char *target, struct arena *a, struct nvrtc **out, const char **path,
		   struct err *e)
{
	struct search s = {.arena = a};
	int ret = 0;

	if (parse_target(target, &s.arch, e) < 0)
		return -1;
	try_list(&s, getenv("OCCAMY_NVRTC_PATH"));
	for (size_t i = 0; i < COUNT_OF(folders); i++)
		try_place(&s, folders[i]);
	if (!s.found.len)
		for (size_t i = 0; i < COUNT_OF(linker_names); i++)
			try_library(&s, linker_names[i]);
	if (s.best) {
		*out = s.best;
		if (path)
			*path = s.path;
	} else {
		ret = nothing_found(&s, target, e);
	}
	buf_release(&s.found);
	return ret;
}
