/*
 * The runtime's C API as an application uses it: one load, several runs on
 * the caller's buffers, each with its own values; a run allocates nothing on
 * the device. On the recording driver ($OCCAMY_EMULATOR_LIB).
 */
#include "runtime/runtime.h"
#include "tests/00unit/artifact_sample.h"

#include <stdio.h>
#include <unistd.h>

static int failed;

#define EXPECT(cond, ...)                                    \
	do {                                                 \
		if (!(cond)) {                               \
			printf("%d: %s: ", __LINE__, #cond); \
			printf(__VA_ARGS__);                 \
			printf("\n");                        \
			failed = 1;                          \
		}                                            \
	} while (0)

static int count(const char *log, const char *call)
{
	struct buf text = BUF_INIT;
	struct err e = ERR_INIT;
	int n = 0;

	CHECK(fs_read(log, 1 << 20, &text, &e) == 0);
	for (const char *p = buf_str(&text); (p = strstr(p, call)); p++)
		n++;
	buf_release(&text);
	return n;
}

static void test_runs(struct runtime *rt, const char *log)
{
	float w[16], x[16], y[16];
	int allocations = count(log, "cuMemAlloc_v2");
	struct err e = ERR_INIT;

	for (int i = 0; i < 64; i++)
		((uint8_t *)w)[i] = (uint8_t)i; /* as artifact_sample.h has them */
	for (int run = 0; run < 3; run++) {
		for (int i = 0; i < 16; i++)
			x[i] = (float)(i * run + 1);
		EXPECT(runtime_run(rt, (const void *[]){x}, (void *[]){y}, &e) == 0, "%s",
		       e.detail);
		for (int i = 0; i < 16; i++)
			EXPECT(y[i] == x[i] + w[i], "run %d, element %d: %g", run, i, (double)y[i]);
	}
	EXPECT(allocations == 2, "%d", allocations);
	EXPECT(count(log, "cuMemAlloc_v2") == allocations, "a run allocates");
	EXPECT(count(log, "cuLaunchKernel") == 3, "launches");
	EXPECT(runtime_stats(rt)->launches == 1, "launches of the last run");
	EXPECT(runtime_stats(rt)->device_bytes_peak == 576, "peak");
	EXPECT(runtime_stats(rt)->seconds_run > 0, "seconds");
	err_release(&e);
}

static void test_describe(const struct runtime *rt)
{
	const struct artifact *a = runtime_artifact(rt);

	EXPECT(runtime_find_input(rt, "x") == 0 && runtime_find_input(rt, "y") == -1, "inputs");
	EXPECT(a->noutputs == 1 && a->outputs[0].bytes == 64, "outputs");
	EXPECT(!strcmp(a->key, SAMPLE_KEY), "key");
}

int main(void)
{
	char dir[] = "/tmp/test_api.XXXXXX", path[64], log[64];
	struct runtime *rt = NULL;
	struct err e = ERR_INIT;

	CHECK(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/a.occ", dir);
	snprintf(log, sizeof(log), "%s/log", dir);
	setenv("FAKE_LOG", log, 1);
	CHECK(sample_write(path, NULL, &e) == 0);
	EXPECT(runtime_open(path, &rt, &e) == 0, "%s", e.detail);
	EXPECT(access(log, F_OK) != 0, "runtime_open called the driver");
	if (!failed)
		test_describe(rt);
	EXPECT(!failed && runtime_load(rt, RUNTIME_EMULATOR, &e) == 0, "%s", e.detail);
	if (!failed) {
		EXPECT(!strcmp(runtime_info(rt)->chip, "sm_75"), "chip");
		EXPECT(!runtime_info(rt)->notice, "a notice without a reason");
		test_runs(rt, log);
	}
	runtime_close(rt);
	runtime_close(NULL);
	EXPECT(count(log, "with memory in use") == 0 && count(log, "cuMemFree_v2") == 2, "close");
	err_release(&e);
	unlink(path);
	unlink(log);
	rmdir(dir);
	return failed;
}
