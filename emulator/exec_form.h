/*
 * Rows of the .def files, first as functions (FORM_PASS 1), then as table
 * rows (FORM_PASS 2). OPn(id, name, result, operands..., expression of
 * a, b, c); ALSOn gives a handler another name.
 */
#undef OP1
#undef OP2
#undef OP3
#undef ALSO1
#undef ALSO2
#undef ALSO3
#if FORM_PASS == 1
#define OP1(id, name, D, A, expr)                 \
	HANDLER(id)                               \
	{                                         \
		D##_lane *d_ = AT(D, o->d);       \
		const A##_lane *a_ = AT(A, o->a); \
		LANES                             \
		{                                 \
			READ(A, a, a_);           \
			WRITE(D, d_, expr);       \
		}                                 \
		return o + 1;                     \
	}
#define OP2(id, name, D, A, B, expr)              \
	HANDLER(id)                               \
	{                                         \
		D##_lane *d_ = AT(D, o->d);       \
		const A##_lane *a_ = AT(A, o->a); \
		const B##_lane *b_ = AT(B, o->b); \
		LANES                             \
		{                                 \
			READ(A, a, a_);           \
			READ(B, b, b_);           \
			WRITE(D, d_, expr);       \
		}                                 \
		return o + 1;                     \
	}
#define OP3(id, name, D, A, B, C, expr)           \
	HANDLER(id)                               \
	{                                         \
		D##_lane *d_ = AT(D, o->d);       \
		const A##_lane *a_ = AT(A, o->a); \
		const B##_lane *b_ = AT(B, o->b); \
		const C##_lane *c_ = AT(C, o->c); \
		LANES                             \
		{                                 \
			READ(A, a, a_);           \
			READ(B, b, b_);           \
			READ(C, c, c_);           \
			WRITE(D, d_, expr);       \
		}                                 \
		return o + 1;                     \
	}
#define ALSO1(id, name, D, A)
#define ALSO2(id, name, D, A, B)
#define ALSO3(id, name, D, A, B, C)
#else
#define OP1(id, name, D, A, expr)	{name, SIG_##D SIG_##A, id},
#define OP2(id, name, D, A, B, expr)	{name, SIG_##D SIG_##A SIG_##B, id},
#define OP3(id, name, D, A, B, C, expr) {name, SIG_##D SIG_##A SIG_##B SIG_##C, id},
#define ALSO1(id, name, D, A)		{name, SIG_##D SIG_##A, id},
#define ALSO2(id, name, D, A, B)	{name, SIG_##D SIG_##A SIG_##B, id},
#define ALSO3(id, name, D, A, B, C)	{name, SIG_##D SIG_##A SIG_##B SIG_##C, id},
#endif
