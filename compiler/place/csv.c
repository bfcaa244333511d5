/*
 * The CSV: a header line names the columns, in any order. Needed are id,
 * lower, upper, size; alignment (1) and gaps may be there. lower is the first
 * step, upper the first after the last; `start`, `begin` mean lower, `end`
 * means an upper that is inclusive. gaps: words A-B (dead from A, alive again
 * at B) or A-B@L:H (only bytes [L, H) are live meanwhile). Times are any
 * numbers below 2^62: only their order counts, so they become steps.
 */
#include "compiler/place/csv.h"

#include <stdlib.h>
#include <string.h>

#define ROWS_MAX   ((uint32_t)1 << 17)
#define NUMBER_MAX ((uint64_t)1 << 62)

enum column { ID, LOWER, UPPER, SIZE, ALIGNMENT, GAPS, COLUMNS };

static const struct {
	const char *name;
	enum column column;
} names[] = {
	{"id", ID},	  {"buffer", ID},	    {"buffer_id", ID}, {"lower", LOWER},
	{"start", LOWER}, {"begin", LOWER},	    {"upper", UPPER},  {"end", UPPER},
	{"size", SIZE},	  {"alignment", ALIGNMENT}, {"gaps", GAPS},
};

struct times { /* of one part, before they become steps */
	uint64_t from, to;
};

struct reader {
	struct arena *arena;
	struct instance *in;
	struct err *e;
	struct span rest;
	uint32_t line, nfields;
	int at[COLUMNS]; /* -1: there is none */
	bool inclusive;	 /* the last step is in the file, not the one after it */
	struct span field[COLUMNS];
	struct place_part *part;
	struct times *times; /* of each part */
	uint32_t nparts;
	uint64_t sum;
};

/* ---- text ---- */

/* What comes before the next `mark`; the mark goes, too. */
static struct span cut(struct span *rest, char mark)
{
	const uint8_t *at = rest->len ? memchr(rest->data, mark, rest->len) : NULL;
	size_t len = at ? (size_t)(at - rest->data) : rest->len;
	struct span found = {rest->data, len};

	rest->data += at ? len + 1 : len;
	rest->len -= at ? len + 1 : len;
	return found;
}

static bool has(struct span s, char mark)
{
	return s.len && memchr(s.data, mark, s.len);
}

static struct span next_line(struct reader *r)
{
	struct span line = cut(&r->rest, '\n');

	r->line++;
	if (line.len && line.data[line.len - 1] == '\r')
		line.len--;
	return line;
}

static bool is_word(struct span s, const char *word)
{
	return s.len == strlen(word) && !memcmp(s.data, word, s.len);
}

static bool number(struct span s, uint64_t *out)
{
	uint64_t value = 0;

	for (size_t i = 0; i < s.len; i++) {
		if (s.data[i] < '0' || s.data[i] > '9')
			return false;
		value = value * 10 + (uint64_t)(s.data[i] - '0');
		if (value > NUMBER_MAX)
			return false;
	}
	*out = value;
	return s.len > 0;
}

/* Quotes the beginning of s, in ASCII. */
static int bad(struct reader *r, const char *what, struct span s)
{
	char quote[61];
	size_t len = MIN(s.len, sizeof(quote) - 1);

	for (size_t i = 0; i < len; i++)
		quote[i] = (char)(s.data[i] >= ' ' && s.data[i] <= '~' ? s.data[i] : '?');
	quote[len] = 0;
	return fail(r->e, E_INPUT_FILE, "line %u: %s, here '%s'", r->line, what, quote);
}

/* ---- header ---- */

static int read_column(struct reader *r, struct span name)
{
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		if (!is_word(name, names[i].name))
			continue;
		if (r->at[names[i].column] >= 0)
			return bad(r, "a column stands twice", name);
		r->at[names[i].column] = (int)r->nfields++;
		r->inclusive |= !strcmp(names[i].name, "end");
		return 0;
	}
	return bad(r, "columns are id, lower, upper, size, alignment, gaps", name);
}

static int read_header(struct reader *r)
{
	struct span line = next_line(r), rest = line;
	bool more;

	if (!line.len)
		return fail(r->e, E_INPUT_FILE, "line 1: a header is needed: id,lower,upper,size");
	r->in->header = line;
	for (int i = 0; i < COLUMNS; i++)
		r->at[i] = -1;
	do {
		more = has(rest, ',');
		if (read_column(r, cut(&rest, ',')) < 0)
			return -1;
	} while (more);
	for (int i = ID; i <= SIZE; i++)
		if (r->at[i] < 0)
			return fail(r->e, E_INPUT_FILE, "line 1: there is no column %s",
				    ((const char *[]){"id", "lower", "upper", "size"})[i]);
	return 0;
}

/* ---- rows ---- */

static int split(struct reader *r, struct span line)
{
	struct span field[COLUMNS], rest = line;
	uint32_t n = 0;
	bool more;

	do {
		if (n == r->nfields)
			return bad(r, "there are more fields than columns", line);
		more = has(rest, ',');
		field[n++] = cut(&rest, ',');
	} while (more);
	if (n < r->nfields)
		return bad(r, "there are fewer fields than columns", line);
	for (int i = 0; i < COLUMNS; i++)
		if (r->at[i] >= 0)
			r->field[i] = field[r->at[i]];
	return 0;
}

static void add_part(struct reader *r, uint64_t low, uint64_t high, uint64_t from, uint64_t to)
{
	struct place_item *it = &r->in->item[r->in->n];

	if (from >= to || low >= high)
		return;
	r->part = GROW(r->arena, r->part, r->nparts);
	r->times = GROW(r->arena, r->times, r->nparts);
	r->part[r->nparts] = (struct place_part){.low = low, .high = high};
	r->times[r->nparts++] = (struct times){from, to};
	it->nparts++;
}

struct gap {
	uint64_t from, to, low, high;
};

static int read_gap(struct reader *r, struct span word, struct gap *g)
{
	struct span window = word, from, to, low;

	to = cut(&window, '@');
	from = cut(&to, '-');
	*g = (struct gap){0};
	if (!number(from, &g->from) || !number(to, &g->to))
		return bad(r, "a gap is FROM-TO or FROM-TO@LOW:HIGH", word);
	g->to += r->inclusive;
	if (from.len + to.len + 1 == word.len)
		return 0;
	low = cut(&window, ':');
	if (!number(low, &g->low) || !number(window, &g->high) || g->low > g->high)
		return bad(r, "a gap is FROM-TO or FROM-TO@LOW:HIGH", word);
	return 0;
}

/* Gaps are in time's order and do not overlap. */
static int read_gaps(struct reader *r, uint64_t lower, uint64_t upper, uint64_t size)
{
	struct span rest = r->at[GAPS] >= 0 ? r->field[GAPS] : (struct span){0};
	uint64_t alive = lower;

	while (rest.len) {
		struct span word = cut(&rest, ' ');
		struct gap g;

		if (!word.len)
			continue;
		if (read_gap(r, word, &g) < 0)
			return -1;
		if (g.from < alive || g.to <= g.from || g.to > upper || g.high > size)
			return bad(r, "gaps are in order, inside the buffer, and not empty", word);
		add_part(r, 0, size, alive, g.from);
		add_part(r, g.low, g.high, g.from, g.to);
		alive = g.to;
	}
	add_part(r, 0, size, alive, upper);
	return 0;
}

static int read_row(struct reader *r, struct span line)
{
	struct instance *in = r->in;
	uint64_t lower, upper, size, align = 1;

	if (in->n == ROWS_MAX)
		return fail(r->e, E_INPUT_FILE, "line %u: at most %u buffers", r->line, ROWS_MAX);
	if (split(r, line) < 0)
		return -1;
	if (!number(r->field[LOWER], &lower) || !number(r->field[UPPER], &upper) ||
	    !number(r->field[SIZE], &size))
		return bad(r, "lower, upper and size are whole numbers from 0 to 2^62", line);
	upper += r->inclusive;
	if (upper <= lower)
		return bad(r, "a buffer lives for one step at least", line);
	if (r->at[ALIGNMENT] >= 0 && (!number(r->field[ALIGNMENT], &align) || !align))
		return bad(r, "an alignment is a whole number from 1 to 2^62", r->field[ALIGNMENT]);
	r->sum += size + align;
	if (size + align > PLACE_SUM_MAX || r->sum > PLACE_SUM_MAX)
		return fail(r->e, E_PLAN_TOO_BIG,
			    "line %u: sizes and alignments are more than 2^62 bytes together",
			    r->line);
	in->item = GROW(r->arena, in->item, in->n);
	in->row = GROW(r->arena, in->row, in->n);
	in->item[in->n] = (struct place_item){.size = size, .align = align};
	in->row[in->n] = line;
	if (read_gaps(r, lower, upper, size) < 0)
		return -1;
	in->n++;
	return 0;
}

/* ---- ids and steps ---- */

struct name {
	struct span text;
	uint32_t row;
};

static int by_text(const void *a, const void *b)
{
	const struct name *x = a, *y = b;
	int order = memcmp(x->text.data, y->text.data, MIN(x->text.len, y->text.len));

	if (order)
		return order;
	if (x->text.len != y->text.len)
		return x->text.len < y->text.len ? -1 : 1;
	return x->row < y->row ? -1 : x->row > y->row;
}

static int check_ids(struct reader *r)
{
	struct name *name = NEW(r->arena, r->in->n, struct name);

	for (uint32_t i = 0; i < r->in->n; i++) {
		r->line = i + 2;
		if (split(r, r->in->row[i]) < 0)
			return -1;
		name[i] = (struct name){r->field[ID], i};
		if (!r->field[ID].len)
			return bad(r, "a buffer needs an id", r->in->row[i]);
	}
	qsort(name, r->in->n, sizeof(*name), by_text);
	for (uint32_t i = 1; i < r->in->n; i++)
		if (name[i].text.len == name[i - 1].text.len &&
		    !memcmp(name[i].text.data, name[i - 1].text.data, name[i].text.len)) {
			r->line = name[i].row + 2;
			return bad(r, "this id stands twice", name[i].text);
		}
	return 0;
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static uint32_t index_of(const uint64_t *edge, uint32_t n, uint64_t value)
{
	const uint64_t *at = bsearch(&value, edge, n, sizeof(*edge), by_number);

	CHECK(at);
	return (uint32_t)(at - edge);
}

static int make_steps(struct reader *r)
{
	uint64_t *edge = NEW(r->arena, 2 * (size_t)r->nparts, uint64_t);
	uint32_t n = 0, done = 0;

	if (r->nparts >= PLACE_STEP_MAX / 2)
		return fail(r->e, E_INPUT_FILE, "at most %u gaps", PLACE_STEP_MAX / 2);
	for (uint32_t i = 0; i < r->nparts; i++) {
		edge[2 * i] = r->times[i].from;
		edge[2 * i + 1] = r->times[i].to;
	}
	qsort(edge, 2 * (size_t)r->nparts, sizeof(*edge), by_number);
	for (uint32_t i = 0; i < 2 * r->nparts; i++)
		if (!i || edge[i] != edge[n - 1])
			edge[n++] = edge[i];
	for (uint32_t i = 0; i < r->nparts; i++) {
		r->part[i].first = index_of(edge, n, r->times[i].from);
		r->part[i].last = index_of(edge, n, r->times[i].to) - 1;
	}
	for (uint32_t i = 0; i < r->in->n; i++) {
		r->in->item[i].part = r->part + done;
		done += r->in->item[i].nparts;
	}
	return 0;
}

/* ---- exported ---- */

int csv_read(struct span text, struct arena *a, struct instance *in, struct err *e)
{
	struct reader r = {.arena = a, .in = in, .e = e, .rest = text};

	*in = (struct instance){0};
	if (read_header(&r) < 0)
		return -1;
	while (r.rest.len) {
		struct span line = next_line(&r);

		if (line.len && read_row(&r, line) < 0)
			return -1;
		if (!line.len && r.rest.len)
			return fail(e, E_INPUT_FILE, "line %u is empty", r.line);
	}
	return check_ids(&r) < 0 ? -1 : make_steps(&r);
}

void csv_write(const struct instance *in, struct buf *out)
{
	buf_append(out, in->header.data, in->header.len);
	buf_puts(out, ",offset\n");
	for (uint32_t i = 0; i < in->n; i++) {
		buf_append(out, in->row[i].data, in->row[i].len);
		buf_printf(out, ",%llu\n", (unsigned long long)in->item[i].offset);
	}
}
