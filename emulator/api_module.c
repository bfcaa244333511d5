/* Driver calls: modules, functions, launches. */
#include "emulator/device.h"

#include <stdio.h>
#include <string.h>

#define PTX_NEWEST     90u
#define SHARED_DEFAULT 49152u
#define THREADS_MOST   1024u

static const uint8_t elf_magic[4] = {0x7f, 'E', 'L', 'F'},
		     fatbin_magic[4] = {0x50, 0xed, 0x55, 0xba};

/* Variables of the module get host memory of their own; it draws on nothing. */
static void place_data(struct ptx_module *m)
{
	for (struct ptx_var *v = m->vars; v; v = v->next)
		if (v->space == SPACE_GLOBAL || v->space == SPACE_CONST) {
			uint8_t *p = arena_alloc(m->arena, v->size + v->align);

			p = (uint8_t *)round_up((uintptr_t)p, v->align);
			if (v->ninit)
				memcpy(p, v->init, v->ninit);
			v->offset = (uint64_t)(uintptr_t)p;
		}
}

static int add_kernels(struct device *d, struct CUmod_st *m, struct err *e)
{
	struct CUfunc_st **at = &m->funcs;
	uint32_t mode =
		(d->stats ? DECODE_COUNTED : 0u) | (d->config.sanitize ? DECODE_SANITIZED : 0u);

	for (const struct ptx_func *f = m->ptx->funcs; f; f = f->next) {
		struct CUfunc_st *k = NEW(m->arena, 1, struct CUfunc_st);

		if (decode_kernel(d->exec, m->ptx, f, mode, &k->kernel, e) < 0)
			return -1;
		if (k->kernel.shared_bytes > SHARED_DEFAULT)
			return fail(e, E_PTX,
				    "line %u: %s: more than 48 KiB of static shared memory",
				    f->line, f->name);
		k->module = m;
		k->dynamic_most = SHARED_DEFAULT - k->kernel.shared_bytes;
		k->counters =
			d->stats ? mem_alloc((k->kernel.nblocks + 1) * sizeof(uint64_t)) : NULL;
		*at = k;
		at = &k->next;
	}
	return 0;
}

/* What a driver answers to PTX that is fine but not for this device. */
static CUresult fits(const struct device *d, const struct ptx_module *m)
{
	uint32_t sm = d->chip->sm;
	bool ok = m->target <= sm;

	if (m->target_suffix == 'a')
		ok = m->target == sm;
	if (m->target_suffix == 'f')
		ok = m->target <= sm && m->target / 10 == sm / 10;
	if (!ok)
		return CUDA_ERROR_NO_BINARY_FOR_GPU;
	return m->version > PTX_NEWEST ? CUDA_ERROR_UNSUPPORTED_PTX_VERSION : CUDA_SUCCESS;
}

static void discard(struct CUmod_st *m)
{
	for (struct CUfunc_st *f = m->funcs; f; f = f->next)
		mem_free(f->counters);
	arena_close(m->arena);
	mem_free(m);
}

static CUresult load(struct device *d, const char *text, CUmodule *out)
{
	struct CUmod_st *m = mem_alloc(sizeof(*m));
	struct err e = ERR_INIT;
	CUresult r = CUDA_SUCCESS;

	m->arena = arena_open(0);
	if (ptx_parse(m->arena, text, &m->ptx, &e) < 0) {
		r = CUDA_ERROR_INVALID_PTX;
	} else if (!(r = fits(d, m->ptx))) {
		place_data(m->ptx);
		if (add_kernels(d, m, &e) < 0)
			r = CUDA_ERROR_INVALID_PTX;
	}
	if (e.code)
		fprintf(stderr, "occ_emulator: ptx %s\n", e.detail);
	err_release(&e);
	if (r) {
		discard(m);
		return r;
	}
	m->number = d->nmodules++;
	m->next = d->modules;
	d->modules = m;
	*out = m;
	return CUDA_SUCCESS;
}

CUresult cuModuleLoadData(CUmodule *m, const void *image)
{
	struct device *d;
	CUresult r = device_enter(&d);

	if (r)
		return r;
	if (!m || !image)
		r = CUDA_ERROR_INVALID_VALUE;
	else if (!memcmp(image, elf_magic, 4) || !memcmp(image, fatbin_magic, 4))
		r = CUDA_ERROR_NO_BINARY_FOR_GPU;
	else
		r = load(d, image, m);
	return device_leave(d, r);
}

static bool known(const struct device *d, const struct CUmod_st *m)
{
	for (const struct CUmod_st *k = d->modules; k; k = k->next)
		if (k == m)
			return true;
	return false;
}

CUresult cuModuleUnload(CUmodule m)
{
	struct device *d;
	CUresult r = device_enter(&d);

	if (r)
		return r;
	if (!known(d, m))
		return device_leave(d, CUDA_ERROR_INVALID_HANDLE);
	device_unload(d, m);
	return device_leave(d, CUDA_SUCCESS);
}

CUresult cuModuleGetFunction(CUfunction *f, CUmodule m, const char *name)
{
	struct device *d;
	CUresult r = device_enter(&d);

	if (r)
		return r;
	if (!f || !name || !known(d, m))
		return device_leave(d, f && name ? CUDA_ERROR_INVALID_HANDLE
						 : CUDA_ERROR_INVALID_VALUE);
	for (struct CUfunc_st *k = m->funcs; k; k = k->next)
		if (!strcmp(k->kernel.func->name, name)) {
			*f = k;
			return device_leave(d, CUDA_SUCCESS);
		}
	return device_leave(d, CUDA_ERROR_NOT_FOUND);
}

CUresult cuFuncGetAttribute(int *value, int attribute, CUfunction f)
{
	struct device *d;
	CUresult r = device_enter(&d);

	if (r)
		return r;
	if (!value || !f)
		return device_leave(d, f ? CUDA_ERROR_INVALID_VALUE : CUDA_ERROR_INVALID_HANDLE);
	switch (attribute) {
	case CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK:
		*value = (int)(f->kernel.func->max_threads ? f->kernel.func->max_threads
							   : THREADS_MOST);
		break;
	case CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES:
		*value = (int)f->kernel.shared_bytes;
		break;
	case CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES:
		*value = (int)f->kernel.local_bytes;
		break;
	case CU_FUNC_ATTRIBUTE_NUM_REGS:
		*value = (int)MIN(f->kernel.registers, 255);
		break;
	case CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES:
		*value = (int)f->dynamic_most;
		break;
	default:
		r = CUDA_ERROR_INVALID_VALUE;
	}
	return device_leave(d, r);
}

CUresult cuFuncSetAttribute(CUfunction f, int attribute, int value)
{
	struct device *d;
	CUresult r = device_enter(&d);

	if (r)
		return r;
	if (!f)
		return device_leave(d, CUDA_ERROR_INVALID_HANDLE);
	if (attribute != CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES || value < 0 ||
	    (uint32_t)value + f->kernel.shared_bytes > d->chip->shared_optin)
		return device_leave(d, CUDA_ERROR_INVALID_VALUE);
	f->dynamic_most = (uint32_t)value;
	return device_leave(d, CUDA_SUCCESS);
}

static bool shape_ok(const struct launch *l)
{
	static const uint32_t grid_most[3] = {INT32_MAX, 65535, 65535},
			      dim_most[3] = {1024, 1024, 64};
	uint64_t threads = 1;

	for (int i = 0; i < 3; i++) {
		if (!l->grid[i] || l->grid[i] > grid_most[i] || !l->dim[i] ||
		    l->dim[i] > dim_most[i])
			return false;
		threads *= l->dim[i];
	}
	return threads <= THREADS_MOST;
}

static CUresult launch_ok(const struct CUfunc_st *f, const struct launch *l, void **params)
{
	const struct ptx_func *p = f->kernel.func;

	if (!shape_ok(l) || l->dynamic_bytes > f->dynamic_most || (p->nparams && !params))
		return CUDA_ERROR_INVALID_VALUE;
	if (p->max_threads && l->dim[0] * l->dim[1] * l->dim[2] > p->max_threads)
		return CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES;
	return CUDA_SUCCESS;
}

static CUresult fault_code(enum fault f)
{
	switch (f) {
	case FAULT_NONE:
		return CUDA_SUCCESS;
	case FAULT_ALIGN:
		return CUDA_ERROR_MISALIGNED_ADDRESS;
	case FAULT_BARRIER:
	case FAULT_LANES:
	case FAULT_TRAP:
	case FAULT_UNWRITTEN:
	case FAULT_RACE:
	case FAULT_CLASH:
	case FAULT_SHARED_UNWRITTEN:
	case FAULT_SHARED_RACE:
		return CUDA_ERROR_LAUNCH_FAILED;
	default:
		return CUDA_ERROR_ILLEGAL_ADDRESS;
	}
}

/* Tags that no launch before had; where they are used up, they begin again. */
static void take_tags(struct device *d, struct launch *l)
{
	l->tags = (uint32_t)MIN(l->total, 1u << 31);
	if (UINT32_MAX - d->tag <= l->tags + TAG_FIRST_BLOCK) {
		for (size_t i = 0; i < d->vram.nblocks; i++)
			shadow_restart(d->vram.blocks[i].shadow);
		d->tag = 1;
	}
	l->tag = d->tag;
	d->tag += l->tags + TAG_FIRST_BLOCK;
}

static CUresult launch(struct device *d, struct CUfunc_st *f, struct launch *l, void **params)
{
	struct block report;
	uint8_t *values = mem_alloc(f->kernel.func->param_bytes + 16u);
	size_t k = 0;

	for (const struct ptx_var *p = f->kernel.func->params; p; p = p->next, k++)
		memcpy(values + p->offset, params[k], p->size);
	l->params = values;
	l->kernel = &f->kernel;
	l->exec = d->exec;
	l->counters = f->counters;
	l->total = (uint64_t)l->grid[0] * l->grid[1] * l->grid[2];
	l->sanitize = d->config.sanitize;
	l->seed = d->config.seed ? d->config.seed + d->nlaunches++ : 0;
	if (l->sanitize)
		take_tags(d, l);
	l->plan = d->plan;
	if (d->plan && !plan_before(d->plan, l, &d->vram)) {
		mem_free(values);
		return d->sticky = CUDA_ERROR_LAUNCH_FAILED;
	}
	check_extents(l, &d->vram, f->module->ptx);
	pool_run(d->pool, l, &report);
	f->launches++;
	if (report.fault)
		check_report(l, &report);
	else if (d->plan)
		plan_after(d->plan);
	mem_free(l->extents);
	mem_free(values);
	d->sticky = fault_code(report.fault);
	return d->sticky;
}

CUresult cuLaunchKernel(CUfunction f, unsigned gx, unsigned gy, unsigned gz, unsigned bx,
			unsigned by, unsigned bz, unsigned shared, CUstream s, void **params,
			void **extra)
{
	struct device *d;
	struct launch l = {.grid = {gx, gy, gz}, .dim = {bx, by, bz}, .dynamic_bytes = shared};
	CUresult r = device_enter(&d);

	(void)s;
	if (r)
		return r;
	if (!f)
		r = CUDA_ERROR_INVALID_HANDLE;
	else if (extra)
		r = CUDA_ERROR_NOT_SUPPORTED;
	else if (!(r = launch_ok(f, &l, params)))
		r = launch(d, f, &l, params);
	return device_leave(d, r);
}
