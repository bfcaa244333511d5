/* Errors: filled once, printed for people and as one JSON object. */
#include "base/err.h"

#include "base/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct row {
	const char *name, *title;
	int status, exit;
} rows[E_COUNT] = {
	[E_OK] = {"OK", "no error", 200, 0},
#define ERR(code, status, exit, title) [code] = {#code, title, status, exit},
#include "base/err_codes.def"
#undef ERR
};

const char *err_name(enum err_code code)
{
	return rows[code].name;
}

const char *err_title(enum err_code code)
{
	return rows[code].title;
}

int err_status(enum err_code code)
{
	return rows[code].status;
}

int err_exit(enum err_code code)
{
	return rows[code].exit;
}

enum err_code err_parse(const char *name)
{
	for (size_t i = 0; i < E_COUNT; i++)
		if (!strcmp(rows[i].name, name))
			return (enum err_code)i;
	return E_INTERNAL;
}

void err_escape(char *out, size_t size, const char *s)
{
	size_t n = 0;

	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;
		size_t need = c < 32 || c == 127 ? 4 : 1;

		if (n + need + 1 > size)
			break;
		if (need == 4)
			snprintf(out + n, size - n, "\\x%02x", c);
		else
			out[n] = (char)c;
		n += need;
	}
	/* never end inside a UTF-8 sequence */
	while (*s && n && ((unsigned char)*s & 0xc0) == 0x80) {
		n--;
		s--;
	}
	out[n] = 0;
}

static void format(char *out, size_t size, const char *fmt, va_list ap)
{
	char raw[1024];

	vsnprintf(raw, sizeof(raw), fmt, ap);
	err_escape(out, size, raw);
}

int fail(struct err *e, enum err_code code, const char *fmt, ...)
{
	va_list ap;

	if (e->code != E_OK)
		return -1;
	e->code = code;
	va_start(ap, fmt);
	format(e->detail, sizeof(e->detail), fmt, ap);
	va_end(ap);
	return -1;
}

int err_node(struct err *e, const char *node, const char *op)
{
	if (!e->node[0] && node)
		err_escape(e->node, sizeof(e->node), node);
	if (!e->op[0] && op)
		err_escape(e->op, sizeof(e->op), op);
	return -1;
}

int err_tensor(struct err *e, const char *tensor)
{
	if (!e->tensor[0] && tensor)
		err_escape(e->tensor, sizeof(e->tensor), tensor);
	return -1;
}

int err_hint(struct err *e, const char *fmt, ...)
{
	va_list ap;

	if (e->hint[0])
		return -1;
	va_start(ap, fmt);
	format(e->hint, sizeof(e->hint), fmt, ap);
	va_end(ap);
	return -1;
}

int err_offset(struct err *e, int64_t offset)
{
	if (e->offset < 0)
		e->offset = offset;
	return -1;
}

void err_item(struct err *e, enum err_code code, const char *node, const char *op, const char *fmt,
	      ...)
{
	struct err_item *it;
	va_list ap;

	if (e->nitems == ERR_ITEMS_MAX) {
		e->dropped++;
		return;
	}
	e->items = mem_resize(e->items, (e->nitems + 1) * sizeof(*e->items));
	it = &e->items[e->nitems++];
	it->code = code;
	err_escape(it->node, sizeof(it->node), node ? node : "");
	err_escape(it->op, sizeof(it->op), op ? op : "");
	va_start(ap, fmt);
	format(it->detail, sizeof(it->detail), fmt, ap);
	va_end(ap);
}

void err_json(const struct err *e, struct buf *out)
{
	struct json j = json_begin(out);

	json_open(&j, NULL, '{');
	json_str(&j, "code", err_name(e->code));
	json_str(&j, "title", err_title(e->code));
	json_int(&j, "status", err_status(e->code));
	json_str(&j, "detail", e->detail);
	if (e->node[0])
		json_str(&j, "node", e->node);
	if (e->op[0])
		json_str(&j, "op", e->op);
	if (e->tensor[0])
		json_str(&j, "tensor", e->tensor);
	if (e->offset >= 0)
		json_int(&j, "offset", e->offset);
	if (e->hint[0])
		json_str(&j, "hint", e->hint);
	json_open(&j, "details", '[');
	for (size_t i = 0; i < e->nitems; i++) {
		json_open(&j, NULL, '{');
		json_str(&j, "code", err_name(e->items[i].code));
		json_str(&j, "node", e->items[i].node);
		json_str(&j, "op", e->items[i].op);
		json_str(&j, "detail", e->items[i].detail);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	if (e->dropped)
		json_int(&j, "details_dropped", (int64_t)e->dropped);
	json_close(&j, '}');
}

void err_print(const struct err *e, const char *prog)
{
	struct buf line = BUF_INIT;

	fprintf(stderr, "%s: %s: %s\n", prog, err_name(e->code), e->detail);
	if (e->node[0] || e->op[0])
		fprintf(stderr, "  at: %s '%s'\n", e->op, e->node);
	for (size_t i = 0; i < e->nitems; i++) {
		const struct err_item *it = &e->items[i];

		if (it->op[0] || it->node[0])
			fprintf(stderr, "  %s '%s': %s\n", it->op, it->node, it->detail);
		else
			fprintf(stderr, "  %s\n", it->detail);
	}
	if (e->dropped)
		fprintf(stderr, "  and %zu more\n", e->dropped);
	if (e->hint[0])
		fprintf(stderr, "  hint: %s\n", e->hint);
	err_json(e, &line);
	fprintf(stderr, "%s\n", buf_str(&line));
	buf_release(&line);
}

void err_release(struct err *e)
{
	mem_free(e->items);
	*e = ERR_INIT;
}
