/*
 * Damaged PTX: bytes and lines of real kernels changed, cut, doubled and
 * swapped. Each text loads or is refused; the sanitizers watch.
 */
#include "base/fs.h"
#include "tests/40emulator/emu.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { ROUNDS = 250 };

static const char *const files[] = {"sgemm.sm_87", "depthwise.compute_110", "softmax.sm_87",
				    "eltwise.compute_110", "histogram.sm_87"};

/* Start of a random line, and its length with the newline. */
static size_t line(const struct buf *b, size_t *len)
{
	size_t at = emu_random() % b->len, end = at;

	while (at && b->data[at - 1] != '\n')
		at--;
	while (end < b->len && b->data[end] != '\n')
		end++;
	*len = MIN(end + 1, b->len) - at;
	return at;
}

static void damage(const struct buf *text, struct buf *out)
{
	static const char *const pieces[] = {"{",
					     "}",
					     ";",
					     "0x",
					     "%r9999",
					     ".reg .b32 %r<0>;",
					     "@%p1 ",
					     "[",
					     "9999999999999999999999",
					     "-1",
					     "bra",
					     "//@occamy region ",
					     "/*",
					     "ld.global.v4.f32 ",
					     ".entry",
					     "_",
					     "|",
					     "!",
					     "0f",
					     ".shared .b8 z[9];"};
	size_t at, len, to, len2;

	at = line(text, &len);
	to = line(text, &len2);
	switch (emu_random() % 6) {
	case 0: /* one byte */
		buf_append(out, text->data, text->len);
		out->data[emu_random() % out->len] = (uint8_t)(emu_random() % 127 + 1);
		break;
	case 1: /* the text ends */
		buf_append(out, text->data, at + emu_random() % len);
		break;
	case 2: /* a line is missing */
		buf_append(out, text->data, at);
		if (at + len < text->len)
			buf_append(out, text->data + at + len, text->len - at - len);
		break;
	case 3: /* a line stands elsewhere, too */
		buf_append(out, text->data, to);
		buf_append(out, text->data + at, MIN(len, text->len - at));
		buf_append(out, text->data + to, text->len - to);
		break;
	case 4: /* something stands in between */
		at += emu_random() % len;
		at = MIN(at, text->len);
		buf_append(out, text->data, at);
		buf_puts(out, pieces[emu_random() % COUNT_OF(pieces)]);
		buf_append(out, text->data + at, text->len - at);
		break;
	default: /* a piece is missing */
		len = emu_random() % 40;
		len = MIN(len, text->len - at);
		buf_append(out, text->data, at);
		buf_append(out, text->data + at + len, text->len - at - len);
	}
}

int main(void)
{
	int quiet = open("/dev/null", O_WRONLY), loaded = 0;

	emu_start("sm=121");
	dup2(quiet, 2);
	for (size_t f = 0; f < COUNT_OF(files); f++) {
		struct buf text = BUF_INIT;
		struct err e = ERR_INIT;
		char path[256];

		snprintf(path, sizeof(path), GOLDEN "/golden/%s.ptx", files[f]);
		if (fs_read(path, 1 << 22, &text, &e) < 0)
			return 1;
		for (int i = 0; i < ROUNDS; i++) {
			struct buf bad = BUF_INIT;
			CUmodule m;
			CUresult r;

			damage(&text, &bad);
			r = cuModuleLoadData(&m, buf_str(&bad));
			if (!r) {
				loaded++;
				r = cuModuleUnload(m);
			} else if (r != CUDA_ERROR_INVALID_PTX &&
				   r != CUDA_ERROR_NO_BINARY_FOR_GPU &&
				   r != CUDA_ERROR_UNSUPPORTED_PTX_VERSION) {
				printf("%s, round %d: answer %d\n", files[f], i, r);
				emu_failures++;
			}
			buf_release(&bad);
		}
		buf_release(&text);
		err_release(&e);
	}
	emu_stop();
	printf("%d of %d damaged texts load\n", loaded, (int)COUNT_OF(files) * ROUNDS);
	return emu_failures || !loaded || loaded == (int)COUNT_OF(files) * ROUNDS;
}
