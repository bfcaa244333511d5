/*
 * Usage: onnx_damage MODEL STEP. The model's bytes with every STEP-th one
 * changed in several ways, removed, or the rest cut off: each time read,
 * bound and inferred in this process, which must live and, where it refuses,
 * say why. Prints how many were refused with each code.
 */
#include "base/fs.h"
#include "compiler/passes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static long seen[E_COUNT];

/* 0, or 1 for a refusal without reason. */
static int try_bytes(const uint8_t *data, size_t len)
{
	struct dim_binding all = {"*", -1, 2};
	struct compile_options o = {.dims = &all, .ndims = 1};
	struct graph *g = graph_open();
	struct err e = ERR_INIT;
	/* exactly as long as the bytes: a read beyond them is seen */
	uint8_t *copy = mem_alloc(len + !len);
	int ret;

	memcpy(copy, data, len);
	ret = pass_onnx(g, (struct span){copy, len}, &e);
	if (ret == 0)
		ret = pass_bind(g, &o, &e);
	if (ret == 0)
		ret = pass_infer(g, &e);
	seen[e.code]++;
	ret = ret < 0 ? e.code == E_OK || !e.detail[0] : e.code != E_OK;
	if (ret)
		printf("refused without a reason, or accepted with one: %s\n", e.detail);
	err_release(&e);
	graph_close(g);
	mem_free(copy);
	return ret;
}

static int damage(uint8_t *data, size_t len, size_t at)
{
	static const uint8_t change[] = {0x01, 0x02, 0x08, 0x80, 0xff, 0x7f};
	uint8_t was = data[at], *shorter = mem_alloc(len);
	int failed = 0;

	for (size_t i = 0; i < COUNT_OF(change); i++) {
		data[at] = was ^ change[i];
		failed += try_bytes(data, len);
	}
	data[at] = was;
	failed += try_bytes(data, at);
	memcpy(shorter, data, at);
	memcpy(shorter + at, data + at + 1, len - at - 1);
	failed += try_bytes(shorter, len - 1);
	mem_free(shorter);
	return failed;
}

int main(int argc, char **argv)
{
	struct err e = ERR_INIT;
	struct buf model = BUF_INIT;
	size_t step = argc == 3 ? (size_t)strtoul(argv[2], NULL, 10) : 0;
	int failed = 0;

	if (!step || fs_read(argv[1], (size_t)1 << 24, &model, &e) < 0) {
		fprintf(stderr, "usage: onnx_damage MODEL STEP; %s\n", e.detail);
		return 64;
	}
	failed += try_bytes(model.data, model.len);
	if (seen[E_OK] != 1)
		printf("the model itself is refused\n");
	failed += seen[E_OK] != 1;
	for (size_t at = 0; at < model.len; at += step)
		failed += damage(model.data, model.len, at);
	for (int i = 0; i < E_COUNT; i++)
		if (seen[i])
			printf("%6ld %s\n", seen[i], err_name((enum err_code)i));
	buf_release(&model);
	err_release(&e);
	return failed != 0;
}
