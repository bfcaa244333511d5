/* svg FILE.ir: the picture of a planned graph in text form, on standard output (test_svg.py). */
#include "base/fs.h"
#include "compiler/passes.h"

#include <stdio.h>

int main(int argc, char **argv)
{
	struct graph *g = graph_open();
	struct buf text = BUF_INIT, out = BUF_INIT;
	struct err e = ERR_INIT;
	int ret = 1;

	if (argc != 2 || fs_read(argv[1], 1 << 24, &text, &e) < 0 ||
	    text_parse(g, buf_str(&text), &e) < 0) {
		err_print(&e, "svg");
		goto done;
	}
	verify(g, "plan");
	plan_svg(g, &out);
	fwrite(out.data, 1, out.len, stdout);
	ret = 0;
done:
	buf_release(&out);
	buf_release(&text);
	err_release(&e);
	graph_close(g);
	return ret;
}
