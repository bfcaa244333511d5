/*
 * Blocks over threads. A thread takes blocks in order and runs each to its
 * end: every warp up to its next barrier, again and again, in odd blocks the
 * last warp first, so that a lost barrier shows whichever warp it was for.
 * With a seed both orders are drawn from it. The caller's thread is one of
 * them; the others sleep between launches.
 */
#include "emulator/sched.h"
#include "emulator/sanitize.h"

#include <pthread.h>
#include <string.h>

#define POISON	   0xff
#define MOST_WARPS 32

struct pool {
	pthread_mutex_t lock;
	pthread_cond_t work, done;
	pthread_t *threads;
	uint32_t nthreads; /* without the caller */
	struct launch *launch;
	uint64_t round; /* counts launches */
	uint32_t joined, busy;
	bool closing;
	struct memory {
		uint8_t *p;
		size_t size;
	} * memory; /* what blocks live in, one per thread and the caller */
};

static void write_constants(const struct kernel *k, uint8_t *regs)
{
	memset(regs + k->true_pred, 0xff, 4);
	memset(regs + k->true_pred + 4, 0, 4);
	for (uint32_t i = 0; i < k->nconstants; i++) {
		const struct constant *c = &k->constants[i];

		for (uint32_t lane = 0; lane < WARP_LANES; lane++)
			if (c->wide)
				memcpy(regs + c->offset + lane * 8, &c->bits, 8);
			else
				memcpy(regs + c->offset + lane * 4, &c->bits, 4);
	}
}

/* Cuts one piece off the thread's memory; with p NULL it only counts. */
static void *cut(uint8_t *p, size_t *at, size_t bytes)
{
	void *r = p ? p + *at : NULL;

	*at += round_up(bytes, 128);
	return r;
}

static size_t carve(const struct launch *l, struct block *b, uint8_t *p, uint8_t **regs)
{
	const struct kernel *k = l->kernel;
	size_t at = 0, lanes = (size_t)b->nwarps * WARP_LANES;

	*regs = cut(p, &at, (size_t)b->nwarps * k->regs_bytes);
	b->shared = cut(p, &at, b->shared_bytes);
	if (l->sanitize) {
		struct shared_shadow *s = &b->shadow;

		s->state = cut(p, &at, s->units);
		s->seen = cut(p, &at, s->units);
		s->reader = cut(p, &at, s->units);
	}
	b->local = cut(p, &at, lanes * b->local_bytes);
	b->warps = cut(p, &at, b->nwarps * sizeof(struct warp));
	b->cache = cut(p, &at, k->nmem * sizeof(struct extent_cache));
	b->counters = cut(p, &at, k->nblocks * sizeof(uint64_t));
	for (int i = 0; i < 3; i++)
		b->tid[i] = cut(p, &at, lanes * 4);
	return at;
}

/* Everything that stays the same for all blocks of a launch. */
static void prepare(const struct launch *l, struct block *b, struct memory *m)
{
	const struct kernel *k = l->kernel;
	uint8_t *regs;
	size_t need;

	*b = (struct block){.launch = l,
			    .shared_bytes = k->shared_bytes + l->dynamic_bytes,
			    .dynamic_bytes = l->dynamic_bytes,
			    .local_bytes = k->local_bytes,
			    .params = l->params,
			    .param_bytes = k->func->param_bytes};
	memcpy(b->grid, l->grid, sizeof(b->grid));
	memcpy(b->dim, l->dim, sizeof(b->dim));
	b->threads = l->dim[0] * l->dim[1] * l->dim[2];
	b->nwarps = (b->threads + WARP_LANES - 1) / WARP_LANES;
	b->shadow.shift = (uint32_t)__builtin_ctz(k->shared_unit);
	b->shadow.units = (b->shared_bytes + k->shared_unit - 1) >> b->shadow.shift;
	b->alone = b->nwarps == 1 || k->splits;
	need = carve(l, b, NULL, &regs) + 4096;
	if (m->size < need) {
		mem_free(m->p);
		m->p = mem_alloc(need);
		m->size = need;
	}
	carve(l, b, (uint8_t *)round_up((uintptr_t)m->p, 4096), &regs);
	memset(b->warps, 0, b->nwarps * sizeof(struct warp));
	memset(b->cache, 0, k->nmem * sizeof(struct extent_cache));
	memset(b->counters, 0, k->nblocks * sizeof(uint64_t));
	memset(regs, POISON, (size_t)b->nwarps * k->regs_bytes);
	for (uint32_t i = 0; i < b->nwarps; i++) {
		b->warps[i].regs = regs + (size_t)i * k->regs_bytes;
		b->warps[i].index = i;
		b->warps[i].block = b;
		write_constants(k, b->warps[i].regs);
	}
	for (uint32_t t = 0; t < b->nwarps * WARP_LANES; t++) {
		b->tid[0][t] = t % l->dim[0];
		b->tid[1][t] = t / l->dim[0] % l->dim[1];
		b->tid[2][t] = t / (l->dim[0] * l->dim[1]);
	}
}

/* Scrambles 64 bits: every answer belongs to one question. */
static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

/*
 * The block whose turn it is: in a random order a permutation of the numbers
 * below the next power of two, again and again until one below the total comes.
 */
static uint64_t place(const struct launch *l, uint64_t turn)
{
	uint32_t bits = l->total > 1 ? 64 - (uint32_t)__builtin_clzll(l->total - 1) : 1;
	uint64_t mask = bits < 64 ? ((uint64_t)1 << bits) - 1 : UINT64_MAX;

	if (!l->seed || l->total < 2)
		return turn;
	do {
		for (uint64_t round = 0; round < 4; round++) {
			turn = (turn * (mix(l->seed + round) | 1) + mix(~l->seed + round)) & mask;
			turn ^= turn >> (bits + 1) / 2;
		}
	} while (turn >= l->total);
	return turn;
}

static void begin_block(struct block *b, uint64_t number)
{
	const struct launch *l = b->launch;

	b->index[0] = (uint32_t)(number % l->grid[0]);
	b->index[1] = (uint32_t)(number / l->grid[0] % l->grid[1]);
	b->index[2] = (uint32_t)(number / ((uint64_t)l->grid[0] * l->grid[1]));
	memset(b->shared, POISON, b->shared_bytes);
	b->tag = l->tag + TAG_FIRST_BLOCK + (l->tags ? (uint32_t)(number % l->tags) : 0);
	b->random = mix(l->seed + mix(number));
	if (l->sanitize)
		sanitize_block(b);
	if (b->local_bytes)
		memset(b->local, POISON, (size_t)b->nwarps * WARP_LANES * b->local_bytes);
	for (uint32_t i = 0; i < b->nwarps; i++) {
		struct warp *w = &b->warps[i];
		uint32_t left = b->threads - i * WARP_LANES;

		w->mask = w->live = left >= WARP_LANES ? FULL_MASK : (1u << left) - 1;
		w->partial = w->mask != FULL_MASK;
		w->depth = w->barrier = 0;
		w->join = NULL;
		w->pc = l->kernel->ops;
	}
}

/* The warps' turns up to their next barrier. */
static void order_warps(struct block *b, bool backwards, uint8_t *order)
{
	for (uint32_t i = 0; i < b->nwarps; i++)
		order[i] = (uint8_t)(backwards ? b->nwarps - 1 - i : i);
	for (uint32_t i = b->nwarps; b->launch->seed && i > 1; i--) {
		uint32_t k = (uint32_t)((b->random = mix(b->random)) % i);
		uint8_t last = order[i - 1];

		order[i - 1] = order[k];
		order[k] = last;
	}
}

/* Lets go the warps of every complete barrier; false: there is none. */
static bool release(struct block *b)
{
	uint32_t waiting[17] = {0};
	bool any = false;

	for (uint32_t i = 0; i < b->nwarps; i++)
		waiting[b->warps[i].barrier] += b->warps[i].barrier != 0;
	for (uint32_t i = 0; i < b->nwarps; i++) {
		struct warp *w = &b->warps[i];
		uint32_t want = (w->barrier_threads + WARP_LANES - 1) / WARP_LANES;

		if (!w->barrier || waiting[w->barrier] < (want ? want : b->nwarps))
			continue;
		w->barrier = 0;
		any = true;
	}
	return any;
}

static void run_block(struct block *b, bool backwards)
{
	const struct launch *l = b->launch;
	uint8_t order[MOST_WARPS];

	for (;;) {
		const struct warp *stuck = NULL;

		order_warps(b, backwards, order);
		for (uint32_t i = 0; i < b->nwarps; i++) {
			struct warp *w = &b->warps[order[i]];

			if (!w->barrier && w->live)
				l->exec->run(w);
			if (b->fault)
				return;
			if (l->sanitize)
				sanitize_pause(b, w);
			if (w->barrier && !stuck)
				stuck = w;
		}
		if (!stuck)
			return;
		if (!release(b)) {
			exec_fault(&b->warps[stuck->index], stuck->pc - 1, FAULT_BARRIER, 0, 0);
			return;
		}
		if (l->sanitize)
			sanitize_barrier(b);
	}
}

static void run_thread(struct launch *l, uint32_t thread, struct memory *m)
{
	struct block *b = &l->blocks[thread];

	prepare(l, b, m);
	while (!atomic_load(&l->stop)) {
		uint64_t number = atomic_fetch_add(&l->next, 1);

		if (number >= l->total)
			return;
		number = place(l, number);
		begin_block(b, number);
		run_block(b, number & 1);
		if (b->fault)
			atomic_store(&l->stop, true);
	}
}

static void *helper(void *arg)
{
	struct pool *p = arg;
	uint64_t seen = 0;

	pthread_mutex_lock(&p->lock);
	for (;;) {
		struct launch *l;
		uint32_t number;

		while (!p->closing && (p->round == seen || !p->launch))
			pthread_cond_wait(&p->work, &p->lock);
		if (p->closing)
			break;
		seen = p->round;
		l = p->launch;
		if (p->joined == l->nthreads)
			continue;
		number = p->joined++;
		p->busy++;
		pthread_mutex_unlock(&p->lock);
		run_thread(l, number, &p->memory[number]);
		pthread_mutex_lock(&p->lock);
		if (!--p->busy)
			pthread_cond_signal(&p->done);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

struct pool *pool_open(uint32_t threads)
{
	struct pool *p = mem_alloc(sizeof(*p));

	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->work, NULL);
	pthread_cond_init(&p->done, NULL);
	p->threads = mem_alloc(threads * sizeof(*p->threads));
	p->memory = mem_alloc(threads * sizeof(*p->memory));
	while (p->nthreads + 1 < threads &&
	       !pthread_create(&p->threads[p->nthreads], NULL, helper, p))
		p->nthreads++;
	return p;
}

void pool_close(struct pool *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->closing = true;
	pthread_cond_broadcast(&p->work);
	pthread_mutex_unlock(&p->lock);
	for (uint32_t i = 0; i < p->nthreads; i++)
		pthread_join(p->threads[i], NULL);
	for (uint32_t i = 0; i <= p->nthreads; i++)
		mem_free(p->memory[i].p);
	mem_free(p->memory);
	mem_free(p->threads);
	pthread_cond_destroy(&p->work);
	pthread_cond_destroy(&p->done);
	pthread_mutex_destroy(&p->lock);
	mem_free(p);
}

void pool_run(struct pool *p, struct launch *l, struct block *report)
{
	l->nthreads = (uint32_t)MIN(l->total, p->nthreads + 1);
	l->blocks = mem_alloc(l->nthreads * sizeof(*l->blocks));
	pthread_mutex_lock(&p->lock);
	p->launch = l;
	p->round++;
	p->joined = 1;
	if (l->nthreads > 1)
		pthread_cond_broadcast(&p->work);
	pthread_mutex_unlock(&p->lock);
	run_thread(l, 0, &p->memory[0]);
	pthread_mutex_lock(&p->lock);
	p->launch = NULL;
	l->nthreads = p->joined;
	while (p->busy)
		pthread_cond_wait(&p->done, &p->lock);
	pthread_mutex_unlock(&p->lock);
	*report = (struct block){.fault = FAULT_NONE};
	for (uint32_t i = 0; i < l->nthreads; i++) {
		const struct block *b = &l->blocks[i];

		if (b->fault && !report->fault)
			*report = *b;
		for (uint32_t k = 0; l->counters && k < l->kernel->nblocks; k++)
			l->counters[k] += b->counters[k];
	}
	mem_free(l->blocks);
}
