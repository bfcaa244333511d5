/* What kernels need that move elements of any type between any layouts. */
#include "compiler/lower/move.h"

void lower_bits(struct lower *l, enum dtype dt)
{
	static const enum dtype type[] = {[1] = U8, [2] = U16, [4] = U32, [8] = U64};

	lower_type(l, "bits_t", type[dtype_size(dt)]);
}

void lower_real(struct lower *l, const struct space *s)
{
	struct buf *t = &l->text;

	buf_puts(t, "INLINE bool real(unsigned off)\n{\n");
	if (s->ragged) {
		space_decode(s, "off", t);
		buf_puts(t, "\treturn ");
		space_coordinate(s, 1, "", t);
		buf_printf(t, " < %lldu;\n}\n", (long long)s->type.dim[1]);
	} else {
		buf_puts(t, "\treturn true;\n}\n");
	}
}

void lower_list(struct lower *l, const char *name, const int64_t *v, int count)
{
	buf_printf(&l->text, "#define %s ", name);
	for (int i = 0; i < count; i++)
		buf_printf(&l->text, "%s%lld", i ? ", " : "", (long long)v[i]);
	buf_puts(&l->text, "\n");
}
