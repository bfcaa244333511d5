/*
 * Forms: how elements of one value are found from storage indices of
 * another. Everything that numpy broadcasting, Transpose, Slice and the two
 * layouts can ask is linear in the storage indices, but for one case: a
 * blocked operand whose channels do not run along the asker's lanes.
 */
#include "compiler/lower/lower.h"

#include <string.h>

void space_of(struct space *s, const struct type *t, enum layout layout)
{
	*s = (struct space){.type = *t};
	if (layout == PLAIN) {
		s->n = t->rank;
		memcpy(s->size, t->dim, sizeof(t->dim));
		return;
	}
	CHECK(t->rank >= 3);
	s->blocked = true;
	s->ragged = t->dim[1] % BLOCK != 0;
	s->n = t->rank + 1;
	memcpy(s->size, t->dim, sizeof(t->dim));
	s->size[1] = div_up(t->dim[1], BLOCK);
	s->size[s->n - 1] = BLOCK;
}

int64_t space_count(const struct space *s)
{
	int64_t n = 1;

	for (int k = 0; k < s->n; k++)
		n *= s->size[k];
	return n;
}

void form_strides(const struct val *v, int64_t stride[RANK_MAX])
{
	const struct type *t = &v->type;
	int64_t run = v->layout == BLOCKED ? BLOCK : 1;

	for (int j = t->rank - 1; j >= 0; j--) {
		stride[j] = run;
		run *= j == 1 && v->layout == BLOCKED ? div_up(t->dim[j], BLOCK) : t->dim[j];
	}
	if (t->rank && !val_is_const(v))
		stride[0] = v->pitch;
}

/* Adds step * (logical coordinate axis) * stride. */
static void add_axis(struct form *f, const struct space *to, int axis, int64_t step)
{
	f->coef[axis] += to->blocked && axis == 1 ? step * BLOCK : step;
	if (to->blocked && axis == 1) {
		f->coef[to->n - 1] += step;
		f->guard |= to->ragged;
	}
}

struct step { /* how one input axis is read: coordinate = start + by * out[axis] */
	int axis;
	int64_t start, by;
};

/* Numpy's rule where no access is given. */
static struct step step_of(const struct space *to, const struct type *t, const struct access *a,
			   int j)
{
	struct step s = {to->type.rank - t->rank + j, 0, 1};

	if (a)
		s = (struct step){a->axis[j], a->start[j], a->step[j]};
	if (t->dim[j] == 1) /* one element is read at 0, whatever the access names */
		return (struct step){-1, 0, 0};
	if (s.axis >= 0 && (to->type.dim[s.axis] == 1 || s.by == 0))
		s.axis = -1;
	return s;
}

static void add_channel(struct form *f, const struct space *to, const struct step *s, int64_t plane)
{
	if (s->axis < 0) {
		f->base += s->start / BLOCK * plane + s->start % BLOCK;
	} else if (to->blocked && s->axis == 1 && s->by == 1 && s->start % BLOCK == 0) {
		f->base += s->start / BLOCK * plane;
		f->coef[1] += plane;
		f->coef[to->n - 1] += 1;
	} else {
		f->lanes = true;
		f->axis = s->axis;
		f->start = s->start;
		f->step = s->by;
		f->plane = plane;
		f->guard |= to->ragged && s->axis == 1;
	}
}

void form_of(struct form *f, const struct space *to, const struct val *v, const struct access *a)
{
	int64_t stride[RANK_MAX];

	*f = (struct form){0};
	form_strides(v, stride);
	for (int j = 0; j < v->type.rank; j++) {
		struct step s = step_of(to, &v->type, a, j);

		if (v->layout == BLOCKED && j == 1) {
			add_channel(f, to, &s, stride[1]);
			continue;
		}
		f->base += s.start * stride[j];
		if (s.axis >= 0)
			add_axis(f, to, s.axis, s.by * stride[j]);
	}
}

void form_own(struct form *f, const struct space *s, const struct val *v)
{
	int64_t run = 1;

	*f = (struct form){0};
	for (int k = s->n - 1; k >= 0; k--) {
		f->coef[k] = run;
		run *= s->size[k];
	}
	if (s->n)
		f->coef[0] = v->pitch;
}

bool form_is_dense(const struct form *f, const struct space *s)
{
	int64_t run = 1;

	if (f->base || f->lanes || f->guard)
		return false;
	for (int k = s->n - 1; k >= 0; k--) {
		if (s->size[k] != 1 && f->coef[k] != run)
			return false;
		run *= s->size[k];
	}
	return true;
}

bool form_is_wide(const struct form *f, const struct space *s, uint64_t off)
{
	int last = s->n - 1;

	if (f->lanes || f->guard || f->base % 4 || off % 16 || last < 0 || s->size[last] % 4 ||
	    f->coef[last] != 1)
		return false;
	for (int k = 0; k < last; k++)
		if (s->size[k] != 1 && f->coef[k] % 4)
			return false;
	return true;
}

/* ---- constants ---- */

/* Element of the row-major constant that storage index idx reads; -1: a lane that is no channel. */
static int64_t source_at(const struct space *to, const struct val *v, const struct access *a,
			 const int64_t *idx)
{
	int64_t at = 0, stride = 1;

	for (int j = v->type.rank - 1; j >= 0; j--) {
		struct step s = step_of(to, &v->type, a, j);
		int64_t c = s.axis < 0 ? 0 : idx[s.axis];

		if (to->blocked && s.axis == 1) {
			c = idx[1] * BLOCK + idx[to->n - 1];
			if (c >= to->type.dim[1])
				return -1;
		}
		at += (s.start + s.by * c) * stride;
		stride *= v->type.dim[j];
	}
	return at;
}

static void mark_used(const struct space *to, const struct val *v, const struct access *a,
		      bool *used)
{
	for (int j = 0; j < v->type.rank; j++) {
		struct step s = step_of(to, &v->type, a, j);

		if (s.axis < 0)
			continue;
		used[s.axis] = true;
		if (to->blocked && s.axis == 1)
			used[to->n - 1] = true;
	}
}

const void *form_pack(struct form *f, const struct space *to, const struct val *v,
		      const struct access *a, struct arena *mem, int64_t *count)
{
	bool used[AXES_MAX] = {false};
	int64_t idx[AXES_MAX] = {0}, n = 1, size = (int64_t)dtype_size(v->type.dt);
	char *out;

	*f = (struct form){0};
	mark_used(to, v, a, used);
	for (int k = to->n - 1; k >= 0; k--)
		if (used[k]) {
			f->coef[k] = n;
			n *= to->size[k];
		}
	out = NEW(mem, n * size, char);
	for (int64_t i = 0; i < n; i++) {
		int64_t at = source_at(to, v, a, idx);

		if (at >= 0)
			memcpy(out + i * size, (const char *)v->data + at * size, (size_t)size);
		for (int k = to->n - 1; k >= 0; k--) {
			if (!used[k])
				continue;
			if (++idx[k] < to->size[k])
				break;
			idx[k] = 0;
		}
	}
	*count = n;
	return out;
}

/* ---- text ---- */

void space_decode(const struct space *s, const char *off, struct buf *out)
{
	int outer = 0;

	while (outer < s->n - 1 && s->size[outer] == 1)
		outer++;
	buf_printf(out, "\tunsigned t = %s;\n", off);
	for (int k = s->n - 1; k >= 0; k--) {
		unsigned long long size = (unsigned long long)s->size[k];

		if (size == 1)
			continue;
		if (k == outer)
			buf_printf(out, "\tconst unsigned i%d = t;\n", k);
		else
			buf_printf(out, "\tconst unsigned i%d = t %% %lluu;\n\tt /= %lluu;\n", k,
				   size, size);
	}
}

/* Index k, plus the lane where it is the last one. */
static void put_index(const struct space *s, int k, const char *lane, struct buf *out)
{
	if (k == s->n - 1 && *lane)
		buf_printf(out, "(i%d + %s)", k, lane);
	else
		buf_printf(out, "i%d", k);
}

void space_coordinate(const struct space *s, int axis, const char *lane, struct buf *out)
{
	bool channel = s->blocked && axis == 1;

	if (channel && s->size[1] != 1) {
		buf_puts(out, "(i1 * 8u + ");
		put_index(s, s->n - 1, lane, out);
		buf_puts(out, ")");
	} else if (channel || s->size[axis] != 1) {
		put_index(s, channel ? s->n - 1 : axis, lane, out);
	} else {
		buf_puts(out, "0u");
	}
}

static void put_channel(const struct form *f, const struct space *s, const char *lane,
			struct buf *out)
{
	struct buf c = BUF_INIT;

	buf_printf(&c, "(%uu + %uu * ", (unsigned)f->start, (unsigned)f->step);
	space_coordinate(s, f->axis, lane, &c);
	buf_puts(&c, ")");
	buf_printf(out, " + %s / 8u * %uu + %s %% 8u", buf_str(&c), (unsigned)f->plane,
		   buf_str(&c));
	buf_release(&c);
}

void form_text(const struct form *f, const struct space *s, const char *lane, struct buf *out)
{
	buf_printf(out, "%uu", (unsigned)f->base);
	for (int k = 0; k < s->n; k++) {
		if (!f->coef[k] || s->size[k] == 1)
			continue;
		buf_puts(out, " + ");
		put_index(s, k, lane, out);
		if (f->coef[k] != 1)
			buf_printf(out, " * %uu", (unsigned)f->coef[k]);
	}
	if (f->lanes)
		put_channel(f, s, lane, out);
}

void form_function(const struct form *f, const struct space *s, const char *name, struct buf *out)
{
	buf_printf(out, "INLINE unsigned %s(unsigned off)\n{\n", name);
	space_decode(s, "off", out);
	buf_puts(out, "\treturn ");
	form_text(f, s, "", out);
	buf_puts(out, ";\n}\n");
}
