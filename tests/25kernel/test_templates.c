/*
 * Every template compiles alone, with its defaults, for chips of three
 * generations: no spills, and the PTX's label is what the chip asks for.
 * A chip that no NVRTC here knows is left out, but not sm_87.
 */
#include "compiler/ptx.h"
#include "compiler/toolchain.h"
#include "kernels/kernels.h"

#include <stdio.h>
#include <string.h>

static int failures;

#define EXPECT(cond, ...)                                       \
	do {                                                    \
		if (!(cond)) {                                  \
			fprintf(stderr, "failed: %s: ", #cond); \
			fprintf(stderr, __VA_ARGS__);           \
			fputs("\n", stderr);                    \
			failures++;                             \
		}                                               \
	} while (0)

/* The text with its #include lines replaced by what they name. */
static void resolve(const char *text, struct buf *out)
{
	static const char include[] = "#include \"";

	while (*text) {
		size_t len = strcspn(text, "\n");
		char name[64];

		if (!strncmp(text, include, sizeof(include) - 1)) {
			snprintf(name, sizeof(name), "%.*s",
				 (int)(strcspn(text + sizeof(include) - 1, "\"")),
				 text + sizeof(include) - 1);
			EXPECT(kernel_source(name), "%s", name);
			buf_puts(out, kernel_source(name) ? kernel_source(name) : "");
		} else {
			buf_append(out, text, len);
		}
		text += len + (text[len] == '\n');
		buf_puts(out, "\n");
	}
}

static void compile_template(const struct nvrtc *n, const char *name, const char *target,
			     const char *label)
{
	struct buf source = BUF_INIT, ptx = BUF_INIT;
	struct nvrtc_result r;
	struct err e = ERR_INIT;

	resolve(kernel_source(name), &source);
	if (nvrtc_compile(n, buf_str(&source), target, &r, &e) < 0) {
		EXPECT(false, "%s for %s: %s", name, target, e.detail);
	} else {
		EXPECT(!r.spill_bytes, "%s for %s spills %u bytes", name, target, r.spill_bytes);
		EXPECT(r.registers > 0 && r.cubin.len > 0, "%s for %s", name, target);
		ptx_relabel((const char *)r.ptx.data, target, &ptx);
		EXPECT(strstr(buf_str(&ptx), label), "%s for %s is not labelled %s", name, target,
		       label);
		nvrtc_release(&r);
	}
	err_release(&e);
	buf_release(&source);
	buf_release(&ptx);
}

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && !strcmp(s + n - m, end);
}

int main(void)
{
	static const struct {
		const char *target, *label, *shuffling; /* labels without and with shfl.sync */
	} chips[] = {{"sm_87", "\n.version 7.4\n", "\n.version 7.4\n"},
		     {"sm_75", "\n.version 6.3\n", "\n.version 6.3\n"},
		     {"sm_53", "\n.version 4.2\n", "\n.version 6.0\n"},
		     {"sm_120", "\n.version 8.7\n", "\n.version 8.7\n"}};
	struct arena *a = arena_open(0);

	for (size_t c = 0; c < COUNT_OF(chips); c++) {
		struct err e = ERR_INIT;
		struct nvrtc *n;
		const char *name;

		if (toolchain_open(chips[c].target, a, &n, NULL, &e) < 0) {
			EXPECT(c > 0 && e.code == E_NO_TOOLCHAIN, "%s", e.detail);
			printf("%s left out: %s\n", chips[c].target, e.detail);
			err_release(&e);
			continue;
		}
		for (unsigned i = 0; (name = kernel_name(i)); i++)
			if (ends_with(name, ".cu")) {
				bool shuffles = strstr(kernel_source(name), "warp_sum") ||
						strstr(kernel_source(name), "shfl");

				compile_template(n, name, chips[c].target,
						 shuffles ? chips[c].shuffling : chips[c].label);
			}
		nvrtc_close(n);
	}
	arena_close(a);
	return failures != 0;
}
