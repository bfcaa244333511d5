/*
 * The plan as a picture: steps from left to right, offsets from bottom to
 * top. Each slot is an outline with its tensors in it, each from its own first
 * step to its last; a tensor's title (a tooltip in browsers) says everything about it. Striped are
 * those that no kernel writes: views, and Concats of what stands in them. A
 * dark left edge says that an operand was there. The dark line is the number
 * of live bytes, the dashed one the lower bound, the red band the peak step.
 * Plain SVG without scripts; the same plan gives the same bytes.
 */
#include "compiler/ops/op.h"
#include "compiler/passes.h"
#include "compiler/plan.h"
#include "compiler/storage.h"

#include <stdlib.h>
#include <string.h>

#define WIDTH  1200.0
#define HEIGHT 720.0
#define LEFT   84.0
#define RIGHT  24.0
#define TOP    92.0
#define BOTTOM 84.0

struct picture {
	const struct graph *g;
	struct arena *tmp;
	struct buf *out;
	uint32_t steps;
	uint64_t bytes, *live; /* live: per step */
	uint32_t peak;
};

/* ---- places ---- */

static double x_of(const struct picture *p, uint32_t step)
{
	return LEFT + (WIDTH - LEFT - RIGHT) * (double)step / (double)p->steps;
}

static double y_of(const struct picture *p, uint64_t offset)
{
	return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (double)offset / (double)p->bytes;
}

/* ---- text ---- */

/* 5 218 304, with narrow spaces. */
static void put_number(struct buf *out, uint64_t n)
{
	if (n >= 1000) {
		put_number(out, n / 1000);
		buf_printf(out, "&#8239;%03llu", (unsigned long long)(n % 1000));
	} else {
		buf_printf(out, "%llu", (unsigned long long)n);
	}
}

static void put_escaped(struct buf *out, const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '<' || s[i] == '>' || s[i] == '&' || s[i] == '"')
			buf_printf(out, "&#%d;", s[i]);
		else if (s[i] < ' ' || s[i] == 0x7f) /* also what is not ASCII */
			buf_puts(out, "?");
		else
			buf_append(out, &s[i], 1);
	}
}

/* The end of a name, which tells tensors apart, in at most room characters. */
static void put_cut(struct buf *out, const char *name, size_t room)
{
	static const char common[] = "_output_0"; /* of most names that PyTorch makes */
	size_t len = strlen(name);

	if (len > sizeof(common) && !strcmp(name + len - strlen(common), common))
		len -= strlen(common);
	if (len <= room) {
		put_escaped(out, name, len);
		return;
	}
	buf_puts(out, "&#8230;");
	put_escaped(out, name + len - (room - 1), room - 1);
}

/* ---- boxes ---- */

static const char *const palette[] = {"#7aa6c2", "#e3a857", "#8fb98b", "#c98a9b",
				      "#9b8fc4", "#6fb3ab", "#d4936a", "#a3a86b",
				      "#86a0d8", "#c79bc4", "#d9bf6b", "#7fb5cf"};

static const char *fill_of(const struct val *v)
{
	if (v->input)
		return "#5c6b7a";
	if (v->output)
		return "#3f8f5b";
	return palette[v->slot % COUNT_OF(palette)];
}

static uint64_t extent(const struct val *v)
{
	return storage_extent(v, v->pitch);
}

static void put_rect(struct picture *p, uint32_t first, uint32_t last, uint64_t low, uint64_t high,
		     const char *style)
{
	double x = x_of(p, first), y = y_of(p, high);

	buf_printf(p->out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" %s", x, y,
		   x_of(p, last + 1) - x, y_of(p, low) - y, style);
}

/* Name inside the box, along its longer side, where it has room for some letters. */
static void put_label(struct picture *p, const struct val *v, double x, double y, double w,
		      double h)
{
	const double letter = 5.6, line = 11;
	bool upright = h > w * 1.5 && w >= line;
	double room = (upright ? h : w) / letter - 1;

	if ((upright ? w : h) < line || room < 4 || !*v->name)
		return;
	x += w / 2;
	y += h / 2;
	buf_printf(p->out, "<text x=\"%.1f\" y=\"%.1f\" class=\"n\"", x, y);
	if (upright)
		buf_printf(p->out, " transform=\"rotate(-90 %.1f %.1f)\"", x, y);
	buf_puts(p->out, ">");
	put_cut(p->out, v->name, (size_t)room);
	buf_puts(p->out, "</text>\n");
}

static bool meet(const struct val *x, const struct val *y)
{
	return x->slot == y->slot && x->off < y->off + extent(y) && y->off < x->off + extent(x);
}

static const struct node *maker(const struct graph *g, const struct val *v)
{
	return v->def ? &g->node[v->def - 1] : NULL;
}

/* The last step at which v is seen: another tensor may be written over it while it is read. */
static uint32_t seen_until(const struct picture *p, const struct val *v)
{
	const struct node *n = v->last < p->g->nnode ? &p->g->node[v->last] : NULL;

	for (uint32_t k = 0; n && v->last > v->first && k < n->nout; k++) {
		const struct val *y = node_out(p->g, n, k);

		if (y && y != v && meet(v, y))
			return v->last - 1;
	}
	return v->last;
}

/* The first step at which v is seen: a view behind the last one of what it shows. */
static uint32_t seen_from(const struct picture *p, const struct val *v)
{
	const struct node *n = maker(p->g, v);

	return n && storage_is_view(p->g, n) ? node_in(p->g, n, 0)->last + 1 : v->first;
}

/* An operand that the tensor has bytes in common with; NULL: none. */
static const struct val *alias_of(const struct picture *p, const struct val *v)
{
	const struct node *n = maker(p->g, v);

	for (uint32_t k = 0; n && k < n->nin; k++)
		if (node_in(p->g, n, k) && meet(node_in(p->g, n, k), v))
			return node_in(p->g, n, k);
	return NULL;
}

static bool is_unwritten(const struct picture *p, const struct val *v)
{
	const struct node *n = maker(p->g, v);

	return n && alias_of(p, v) && (n->op->mem[0].how == SHARE_INTO || storage_is_view(p->g, n));
}

static void put_title(struct picture *p, const struct val *v)
{
	const struct val *under = alias_of(p, v);

	buf_puts(p->out, "<title>");
	put_escaped(p->out, v->name, strlen(v->name));
	buf_printf(p->out, "\n%s%s\n", type_text(p->tmp, &v->type),
		   v->layout == BLOCKED ? " blocked" : "");
	put_number(p->out, extent(v));
	buf_puts(p->out, " bytes at ");
	put_number(p->out, p->g->slot[v->slot].offset + v->off);
	buf_printf(p->out, "\nsteps %u to %u", v->first, v->last);
	if (under) {
		buf_puts(p->out, is_unwritten(p, v) ? "\nholds " : "\nover ");
		put_escaped(p->out, under->name, strlen(under->name));
	}
	buf_puts(p->out, "</title></rect>\n");
}

static void put_tensor(struct picture *p, const struct val *v)
{
	uint64_t low = p->g->slot[v->slot].offset + v->off, high = low + extent(v);
	uint32_t first = seen_from(p, v), last = seen_until(p, v);
	double x = x_of(p, first), y = y_of(p, high);

	if (first > last)
		return;
	if (is_unwritten(p, v)) {
		put_rect(p, first, last, low, high, "");
		buf_printf(p->out, "fill=\"%s\"/>\n", fill_of(v));
	}
	put_rect(p, first, last, low, high, "");
	buf_printf(p->out, "fill=\"%s\" class=\"t\">", is_unwritten(p, v) ? "url(#a)" : fill_of(v));
	put_title(p, v);
	if (alias_of(p, v) && !is_unwritten(p, v))
		buf_printf(p->out, "<path d=\"M%.1f %.1fV%.1f\" class=\"o\"/>\n", x + 1, y,
			   y_of(p, low));
	put_label(p, v, x, y, x_of(p, last + 1) - x, y_of(p, low) - y);
}

static void put_slots(struct picture *p)
{
	const struct graph *g = p->g;

	for (slot_id s = 1; s < g->nslot; s++) {
		const struct slot *slot = &g->slot[s];

		put_rect(p, slot->first, slot->last, slot->offset, slot->offset + slot->size, "");
		buf_puts(p->out, "class=\"s\"/>\n");
	}
	for (val_id v = 1; v < g->nval; v++)
		if (g->val[v].slot)
			put_tensor(p, &g->val[v]);
	for (uint32_t i = 0; i < g->nnode; i++) {
		const struct slot *s = &g->slot[g->node[i].scratch];

		if (!g->node[i].scratch)
			continue;
		put_rect(p, i, i, s->offset, s->offset + s->size, "");
		buf_printf(p->out, "fill=\"url(#h)\" class=\"t\"><title>scratch of %s\n",
			   g->node[i].op->name);
		put_number(p->out, s->size);
		buf_printf(p->out, " bytes\nstep %u</title></rect>\n", i);
	}
}

/* ---- axes, curves, words ---- */

static void put_offsets(struct picture *p)
{
	uint64_t tick = 1, wanted = p->bytes / 6;

	while (tick * 10 <= wanted)
		tick *= 10;
	tick *= wanted >= tick * 5 ? 5 : wanted >= tick * 2 ? 2 : 1;
	for (uint64_t at = 0; at <= p->bytes; at += tick) {
		double y = y_of(p, at);

		buf_printf(p->out,
			   "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\" "
			   "class=\"g\"/><text x=\"%.1f\" y=\"%.1f\" class=\"y\">",
			   LEFT, WIDTH - RIGHT, y, y, LEFT - 8, y + 3.5);
		put_number(p->out, at);
		buf_puts(p->out, "</text>\n");
	}
}

static void put_steps(struct picture *p)
{
	double width = (WIDTH - LEFT - RIGHT) / (double)p->steps, y = HEIGHT - BOTTOM + 12;
	uint32_t every = 1;

	while (width * every < 14)
		every *= every % 3 == 2 ? 5 : 2; /* 1, 2, 10, 20, 100: close enough */
	for (uint32_t i = 0; i < p->g->nnode; i += every) {
		double x = x_of(p, i) + width / 2 + 3;

		buf_printf(p->out,
			   "<text x=\"%.1f\" y=\"%.1f\" class=\"x\" transform=\"rotate(-90 %.1f "
			   "%.1f)\">",
			   x, y, x, y);
		if (every == 1) {
			put_cut(p->out, p->g->node[i].op->name, 10);
			buf_puts(p->out, " ");
		}
		buf_printf(p->out, "%u</text>\n", i);
	}
}

static void put_curve(struct picture *p)
{
	buf_printf(p->out, "<path class=\"l\" d=\"M%.1f %.1f", LEFT, y_of(p, 0));
	for (uint32_t s = 0; s < p->steps; s++)
		buf_printf(p->out, "V%.1fH%.1f", y_of(p, p->live[s]), x_of(p, s + 1));
	buf_printf(p->out, "V%.1f\"/>\n", y_of(p, 0));
	buf_printf(p->out, "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\" class=\"b\"/>\n",
		   LEFT, WIDTH - RIGHT, y_of(p, p->g->lower_bound), y_of(p, p->g->lower_bound));
}

static void put_peak(struct picture *p)
{
	double left = x_of(p, p->peak), right = x_of(p, p->peak + 1), x = (left + right) / 2;
	const char *anchor = x < WIDTH / 4 ? "start" : x > WIDTH * 3 / 4 ? "end" : "middle";

	if (!p->g->nnode)
		return;
	buf_printf(p->out,
		   "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" class=\"p\"/>\n",
		   left, TOP, right - left, HEIGHT - TOP - BOTTOM);
	buf_printf(p->out,
		   "<text x=\"%.1f\" y=\"%.1f\" class=\"k\" text-anchor=\"%s\">peak: step %u, ",
		   anchor[0] == 's'   ? left
		   : anchor[0] == 'e' ? right
				      : x,
		   TOP - 8, anchor, p->peak);
	put_escaped(p->out, p->g->node[p->peak].op->name, strlen(p->g->node[p->peak].op->name));
	buf_puts(p->out, "</text>\n");
}

static void put_key(struct picture *p, double x, const char *fill, const char *word)
{
	buf_printf(p->out,
		   "<rect x=\"%.1f\" y=\"52\" width=\"12\" height=\"12\" rx=\"2\" fill=\"%s\"/>"
		   "<text x=\"%.1f\" y=\"62\" class=\"w\">%s</text>\n",
		   x, fill, x + 18, word);
}

static void put_words(struct picture *p)
{
	const struct graph *g = p->g;

	buf_printf(p->out, "<text x=\"%.1f\" y=\"34\" class=\"h\">", LEFT);
	put_cut(p->out, *g->name ? g->name : "memory plan", 40);
	buf_puts(p->out, "</text>\n");
	buf_printf(p->out,
		   "<text x=\"%.1f\" y=\"34\" class=\"w\" text-anchor=\"end\">arena <tspan "
		   "class=\"e\">",
		   WIDTH - RIGHT);
	put_number(p->out, g->arena_bytes);
	buf_puts(p->out, "</tspan> bytes &#183; lower bound <tspan class=\"e\">");
	put_number(p->out, g->lower_bound);
	buf_printf(p->out, "</tspan> &#183; %s</text>\n", g->certificate ? g->certificate : "");
	put_key(p, LEFT, "#5c6b7a", "graph input");
	put_key(p, LEFT + 104, "#3f8f5b", "graph output");
	put_key(p, LEFT + 218, palette[0], "tensor");
	put_key(p, LEFT + 294, palette[0], "");
	put_key(p, LEFT + 294, "url(#a)", "view, Concat");
	put_key(p, LEFT + 410, "url(#h)", "scratch");
	buf_printf(
		p->out,
		"<path d=\"M%.1f 52v12\" class=\"o\"/><text x=\"%.1f\" y=\"62\" class=\"w\">over "
		"an operand</text>\n",
		LEFT + 494, LEFT + 502);
	buf_printf(p->out,
		   "<path d=\"M%.1f 58h22\" class=\"l\"/><text x=\"%.1f\" y=\"62\" "
		   "class=\"w\">live bytes</text><path d=\"M%.1f 58h22\" class=\"b\"/><text "
		   "x=\"%.1f\" y=\"62\" class=\"w\">lower bound</text>\n",
		   LEFT + 614, LEFT + 642, LEFT + 716, LEFT + 744);
	buf_printf(p->out,
		   "<text x=\"%.1f\" y=\"62\" class=\"w\" text-anchor=\"end\">%u steps</text>\n",
		   WIDTH - RIGHT, g->nnode);
	buf_printf(p->out,
		   "<text x=\"20\" y=\"%.1f\" class=\"w\" text-anchor=\"middle\" "
		   "transform=\"rotate(-90 20 %.1f)\">offset in the arena, bytes</text>\n",
		   (TOP + HEIGHT - BOTTOM) / 2, (TOP + HEIGHT - BOTTOM) / 2);
}

static const char head[] =
	"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 1200 720\" width=\"1200\" "
	"height=\"720\" font-family=\"Inter, Helvetica, Arial, sans-serif\">\n<style>"
	".t{stroke:#fff;stroke-width:.8;fill-opacity:.92}.s{fill:#eef1f4;stroke:#b3bec8;stroke-"
	"width:.8;stroke-dasharray:2 2}"
	".o{stroke:#22303c;stroke-width:2}"
	".n{font-size:9.5px;fill:#fff;text-anchor:middle;dominant-baseline:central}"
	".x,.y{font-size:9.5px;fill:#6b7780;text-anchor:end}.g{stroke:#e8ecef}"
	".l{fill:none;stroke:#22303c;stroke-width:1.4}"
	".b{stroke:#c0392b;stroke-width:1.2;stroke-dasharray:6 4}"
	".p{fill:#c0392b;fill-opacity:.2;stroke:#c0392b;stroke-width:.8}.k{font-size:11px;fill:#"
	"c0392b;font-weight:600}"
	".w{font-size:12px;fill:#4a5763}.e{font-weight:700;fill:#22303c}"
	".h{font-size:20px;font-weight:700;fill:#22303c}</style>\n"
	"<defs><pattern id=\"h\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" "
	"patternTransform=\"rotate(45)\"><rect width=\"6\" height=\"6\" fill=\"#c9d0d6\"/>"
	"<rect width=\"2.5\" height=\"6\" fill=\"#95a0a9\"/></pattern>"
	"<pattern id=\"a\" width=\"7\" height=\"7\" patternUnits=\"userSpaceOnUse\" "
	"patternTransform=\"rotate(45)\"><rect width=\"7\" height=\"7\" fill=\"#22303c\" "
	"fill-opacity=\".12\"/><rect width=\"2\" height=\"7\" fill=\"#fff\" fill-opacity=\".5\"/>"
	"</pattern></defs>\n"
	"<rect width=\"1200\" height=\"720\" fill=\"#fff\"/>\n";

static int by_low(const void *a, const void *b)
{
	const struct place_part *x = a, *y = b;

	return x->low < y->low ? -1 : x->low > y->low;
}

/* Of each slot the bytes that a live part covers. */
static void sum_live(struct picture *p)
{
	const struct place_item *item = plan_items(p->g, p->tmp);

	p->live = NEW(p->tmp, p->steps + 1, uint64_t);
	for (slot_id i = 1; i < p->g->nslot; i++, item++) {
		struct place_part *part =
			arena_copy(p->tmp, item->part, item->nparts * sizeof(*part));

		qsort(part, item->nparts, sizeof(*part), by_low);
		for (uint32_t s = p->g->slot[i].first; s <= p->g->slot[i].last; s++) {
			uint64_t edge = 0;

			for (uint32_t k = 0; k < item->nparts; k++) {
				if (part[k].first > s || part[k].last < s || part[k].high <= edge)
					continue;
				p->live[s] += part[k].high - MAX(part[k].low, edge);
				edge = part[k].high;
			}
		}
	}
	for (uint32_t s = 1; s < p->steps; s++)
		if (p->live[s] > p->live[p->peak])
			p->peak = s;
}

void plan_svg(const struct graph *g, struct buf *out)
{
	struct picture p = {.g = g,
			    .tmp = arena_open(0),
			    .out = out,
			    .steps = MAX(g->nnode, 1),
			    .bytes = MAX(g->arena_bytes, 1)};

	sum_live(&p);
	buf_puts(out, head);
	put_offsets(&p);
	put_slots(&p);
	put_peak(&p);
	put_curve(&p);
	put_steps(&p);
	put_words(&p);
	buf_puts(out, "</svg>\n");
	arena_close(p.tmp);
}
