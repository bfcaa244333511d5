/* What the commands print in common. */
#include "client/client.h"

#include <inttypes.h>
#include <string.h>

void print_text(FILE *f, const char *text, const char *keep)
{
	for (const char *s = text; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if ((c < 32 || c == 127) && !strchr(keep, c))
			fprintf(f, "\\x%02x", c);
		else
			fputc(c, f);
	}
}

void print_type(struct buf *out, const char *dtype, uint32_t rank, const int64_t *shape)
{
	buf_printf(out, "%s[", dtype);
	for (uint32_t i = 0; i < rank; i++)
		buf_printf(out, "%s%" PRId64, i ? "," : "", shape[i]);
	buf_puts(out, "]");
}

void print_bytes(struct buf *out, uint64_t bytes)
{
	static const char *const unit[] = {"B", "KiB", "MiB", "GiB", "TiB"};
	double v = (double)bytes;
	size_t u = 0;

	while (v >= 1024 && u + 1 < COUNT_OF(unit)) {
		v /= 1024;
		u++;
	}
	buf_printf(out, u ? "%.2f %s" : "%.0f %s", v, unit[u]);
}
