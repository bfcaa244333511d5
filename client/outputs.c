/* Output files, the run report, the summary. */
#include "client/outputs.h"

#include "base/json.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

void outputs_init(const struct artifact *a, struct outputs *out)
{
	out->count = a->noutputs;
	out->output = mem_alloc(out->count * sizeof(*out->output));
	out->data = mem_alloc(out->count * sizeof(*out->data));
	for (uint32_t i = 0; i < out->count; i++) {
		const struct artifact_tensor *t = &a->outputs[i];
		struct ndarray *x = &out->output[i].array;

		out->data[i] = x->own = mem_alloc(t->bytes);
		x->elem = elem_find(t->dtype);
		x->rank = t->rank;
		memcpy(x->shape, t->shape, sizeof(x->shape));
		x->data = (struct span){x->own, t->bytes};
	}
}

static int write_one(const struct artifact_tensor *t, const char *dir, uint32_t i, struct output *o,
		     struct err *e)
{
	struct buf head = BUF_INIT, path = BUF_INIT;
	bool npy = o->array.elem->npy;
	int ret;

	buf_printf(&path, "%s/output_%u.%s", dir, i, npy ? "npy" : "pb");
	if (npy)
		npy_header(&head, &o->array);
	else
		pb_header(&head, &o->array, t->name);
	o->file = mem_strdup(buf_str(&path));
	ret = fs_write_parts(o->file, (struct span[]){buf_span(&head), o->array.data}, 2, e);
	buf_release(&head);
	buf_release(&path);
	return ret;
}

int outputs_write(const struct artifact *a, const char *dir, struct outputs *out, struct err *e)
{
	for (uint32_t i = 0; i < out->count; i++)
		if (write_one(&a->outputs[i], dir, i, &out->output[i], e) < 0)
			return -1;
	return 0;
}

static void report_outputs(struct json *j, const struct artifact *a, const struct outputs *out)
{
	json_open(j, "outputs", '[');
	for (uint32_t i = 0; i < out->count; i++) {
		json_open(j, NULL, '{');
		json_str(j, "name", a->outputs[i].name);
		if (out->output[i].file)
			json_str(j, "file", out->output[i].file);
		else
			json_raw(j, "file", "null");
		json_str(j, "dtype", a->outputs[i].dtype);
		json_open(j, "shape", '[');
		for (uint32_t k = 0; k < a->outputs[i].rank; k++)
			json_int(j, NULL, a->outputs[i].shape[k]);
		json_close(j, ']');
		json_close(j, '}');
	}
	json_close(j, ']');
}

/* The peak of this program alone: getrusage counts what ran in the process before exec, too. */
static int64_t rss_peak(void)
{
	struct buf status = BUF_INIT;
	struct err e = ERR_INIT;
	long long kib = 0;
	const char *at;

	if (fs_read("/proc/self/status", 65536, &status, &e) == 0) {
		at = strstr(buf_str(&status), "VmHWM:");
		if (!at || sscanf(at, "VmHWM: %lld", &kib) != 1)
			kib = 0;
	}
	buf_release(&status);
	err_release(&e);
	return kib * 1024;
}

int outputs_report(const struct runtime *rt, const struct outputs *out, const char *path,
		   struct err *e)
{
	const struct runtime_stats *s = runtime_stats(rt);
	const struct runtime_info *info = runtime_info(rt);
	struct buf text = BUF_INIT;
	struct json j = json_begin(&text);
	int ret;

	json_open(&j, NULL, '{');
	json_str(&j, "key", runtime_artifact(rt)->key);
	json_str(&j, "device", info->device);
	json_str(&j, "chip", info->chip);
	json_int(&j, "driver", info->driver);
	json_int(&j, "device_bytes_peak", (int64_t)s->device_bytes_peak);
	json_int(&j, "rss_peak", rss_peak());
	json_real(&j, "seconds_load", s->seconds_open + s->seconds_load);
	json_real(&j, "seconds_run", s->seconds_run);
	json_int(&j, "launches", (int64_t)s->launches);
	if (s->timed) {
		json_open(&j, "timed", '{');
		json_int(&j, "runs", s->timed);
		json_real(&j, "ms_least", (double)s->ms_least);
		json_real(&j, "ms_median", (double)s->ms_median);
		json_real(&j, "ms_most", (double)s->ms_most);
		json_close(&j, '}');
	}
	report_outputs(&j, runtime_artifact(rt), out);
	json_close(&j, '}');
	buf_puts(&text, "\n");
	ret = fs_write_atomic(path, buf_span(&text), e);
	buf_release(&text);
	return ret;
}

/* "min -1.5 max 2 mean 0.25"; NaNs are counted apart. */
static void print_values(const struct ndarray *a)
{
	size_t n = a->data.len / a->elem->size, nans = 0;
	double least = INFINITY, most = -INFINITY, sum = 0;

	for (size_t i = 0; i < n; i++) {
		double v = ndarray_value(a, i);

		if (isnan(v)) {
			nans++;
			continue;
		}
		least = fmin(least, v);
		most = fmax(most, v);
		sum += v;
	}
	if (n > nans)
		printf(" min %.6g max %.6g mean %.6g", least, most, sum / (double)(n - nans));
	if (nans)
		printf(" NaN %zu of %zu", nans, n);
}

static void print_memory(const struct runtime *rt)
{
	const struct artifact *a = runtime_artifact(rt);
	struct buf text = BUF_INIT;

	print_bytes(&text, runtime_stats(rt)->device_bytes_peak);
	buf_puts(&text, " of device memory at most (weights ");
	print_bytes(&text, a->weights_bytes);
	buf_puts(&text, ", arena ");
	print_bytes(&text, a->arena_bytes);
	printf("memory   %s)\n", buf_str(&text));
	buf_release(&text);
}

void outputs_print(const struct runtime *rt, const struct outputs *out)
{
	const struct runtime_stats *s = runtime_stats(rt);
	const struct runtime_info *info = runtime_info(rt);

	printf("device   ");
	print_text(stdout, info->device, "");
	printf(" (%s)\n", info->chip);
	print_memory(rt);
	printf("time     load %.3f s, run %.6f s, %" PRIu64 " launches\n",
	       s->seconds_open + s->seconds_load, s->seconds_run, s->launches);
	if (s->timed)
		printf("launches least %.3f ms, median %.3f ms, most %.3f ms, of %u runs by "
		       "events\n",
		       (double)s->ms_least, (double)s->ms_median, (double)s->ms_most, s->timed);
	for (uint32_t i = 0; i < out->count; i++) {
		const struct ndarray *a = &out->output[i].array;
		struct buf type = BUF_INIT;

		print_type(&type, a->elem->name, a->rank, a->shape);
		printf("output   ");
		print_text(stdout, runtime_artifact(rt)->outputs[i].name, "");
		printf(" %s", buf_str(&type));
		print_values(a);
		if (out->output[i].file) {
			printf(" -> ");
			print_text(stdout, out->output[i].file, "");
		}
		printf("\n");
		buf_release(&type);
	}
}

void outputs_release(struct outputs *out)
{
	for (uint32_t i = 0; i < out->count; i++) {
		ndarray_release(&out->output[i].array);
		mem_free(out->output[i].file);
	}
	mem_free(out->output);
	mem_free(out->data);
	*out = (struct outputs){0};
}
