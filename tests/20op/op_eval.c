/*
 * op_eval: prints the table of operators, a line "NAME SINCE UNTIL" each.
 * op_eval DIR COUNT: loads the models DIR/0.onnx ... and runs the passes up to
 * infer. Whatever has become constant is written to DIR/K.out, one output
 * after the other: a line with the type, then the bytes; "?" for an output
 * that is not constant. A refused model leaves its problem in DIR/K.err.
 */
#include "base/fs.h"
#include "compiler/ops/op.h"
#include "compiler/passes.h"

#include <stdio.h>
#include <stdlib.h>

static void print_outputs(const struct graph *g, struct buf *out)
{
	for (uint32_t i = 0; i < g->noutput; i++) {
		const struct val *v = &g->val[g->output[i]];

		type_print(out, &v->type);
		buf_puts(out, val_is_const(v) ? "\n" : "?\n");
		if (val_is_const(v))
			buf_append(out, v->data, (size_t)type_bytes(&v->type));
	}
}

static int evaluate(struct span file, struct buf *out, struct err *e)
{
	struct graph *g = graph_open();
	struct compile_options o;
	int ret;

	compile_options_init(&o, g->arena);
	ret = pass_onnx(g, file, e);
	if (ret == 0)
		ret = pass_bind(g, &o, e);
	if (ret == 0)
		ret = pass_infer(g, e);
	if (ret == 0)
		print_outputs(g, out);
	graph_close(g);
	return ret;
}

static int run_case(const char *dir, int k, struct err *e)
{
	struct err refused = ERR_INIT;
	struct buf out = BUF_INIT;
	struct map file;
	char path[4096];
	int ret;

	snprintf(path, sizeof(path), "%s/%d.onnx", dir, k);
	if (fs_map(path, &file, e) < 0)
		return -1;
	if (evaluate((struct span){file.data, file.len}, &out, &refused) < 0)
		err_json(&refused, &out);
	snprintf(path, sizeof(path), "%s/%d.%s", dir, k, refused.code == E_OK ? "out" : "err");
	ret = fs_write_atomic(path, buf_span(&out), e);
	fs_unmap(&file);
	buf_release(&out);
	err_release(&refused);
	return ret;
}

int main(int argc, char **argv)
{
	struct err e = ERR_INIT;

	if (argc != 3) {
		for (uint32_t i = 0; op_at(i); i++)
			printf("%s %d %d\n", op_at(i)->name, op_at(i)->since, op_at(i)->until);
		return 0;
	}
	for (int k = 0; k < strtol(argv[2], NULL, 10); k++)
		if (run_case(argv[1], k, &e) < 0) {
			err_print(&e, "op_eval");
			return err_exit(e.code);
		}
	return 0;
}
