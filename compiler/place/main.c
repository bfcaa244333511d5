/*
 * occamy-plan: the packers as a command, for instances of any origin.
 */
#include "base/fs.h"
#include "compiler/place/csv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FILE_MAX ((size_t)256 << 20)

static const char usage[] =
	"usage: occamy-plan INSTANCE.csv [--capacity BYTES] [--out FILE] [--nodes N]\n"
	"                   [--threads N]\n"
	"       occamy-plan --help\n"
	"\n"
	"INSTANCE: id,lower,upper,size[,alignment][,gaps], a line per buffer; upper is\n"
	"exclusive. Out come the same lines with an offset each, then peak, lower bound,\n"
	"certificate, nodes and CPU seconds, on lines that begin with #. --out: the\n"
	"buffers go to FILE. --nodes: most decisions of the search (default 100000000).\n"
	"--threads: 1 to 16, default 1; the answer is the same.\n"
	"Exit status: 0 it fits (without --capacity: always); 64 usage; 65 it can't fit,\n"
	"or the instance is refused; 66 no such file; 74 reading or writing failed;\n"
	"75 the search gave up.\n";

struct command {
	const char *path, *out;
	struct place_options options;
	bool has_capacity, help;
};

static int set_number(const char *name, const char *value, uint64_t least, uint64_t most,
		      uint64_t *to, struct err *e)
{
	char *end = "?";
	unsigned long long n = 0;

	if (value && *value >= '0' && *value <= '9')
		n = strtoull(value, &end, 10);
	if (*end || n < least || n > most)
		return fail(e, E_USAGE, "%s needs a whole number from %llu to %llu", name,
			    (unsigned long long)least, (unsigned long long)most);
	*to = n;
	return 0;
}

static int parse_option(struct command *c, const char *name, const char *value, struct err *e)
{
	uint64_t threads = 1;

	if (!strcmp(name, "--out")) {
		c->out = value;
		return value ? 0 : fail(e, E_USAGE, "--out needs a file's name");
	}
	if (!strcmp(name, "--nodes"))
		return set_number(name, value, 0, (uint64_t)1 << 62, &c->options.nodes, e);
	if (!strcmp(name, "--capacity")) {
		c->has_capacity = true;
		return set_number(name, value, 0, PLACE_SUM_MAX, &c->options.capacity, e);
	}
	if (strcmp(name, "--threads"))
		return fail(e, E_USAGE, "unknown option %.40s", name);
	if (set_number(name, value, 1, 16, &threads, e) < 0)
		return -1;
	c->options.threads = (uint32_t)threads;
	return 0;
}

static int parse(struct command *c, int argc, char **argv, struct err *e)
{
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
			c->help = true;
			return 0;
		}
		if (!strncmp(argv[i], "--", 2)) {
			if (parse_option(c, argv[i], argv[i + 1], e) < 0)
				return -1;
			i++;
		} else if (c->path) {
			return fail(e, E_USAGE, "one instance at a time: '%.100s' is a second one",
				    argv[i]);
		} else {
			c->path = argv[i];
		}
	}
	if (!c->path) {
		fail(e, E_USAGE, "an instance is needed");
		return err_hint(e, "occamy-plan --help");
	}
	return 0;
}

static double cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void print_lines(const struct place_found *f)
{
	printf("# peak: %llu\n# lower bound: %llu\n", (unsigned long long)f->bytes,
	       (unsigned long long)f->lower_bound);
	if (f->proof == PLACE_MAX_LIVE)
		puts("# certificate: optimal: max-live");
	else if (f->proof == PLACE_EXHAUSTED)
		puts("# certificate: optimal: exhausted");
	else
		printf("# certificate: gap: %.2f %%\n",
		       100.0 * (double)(f->bytes - f->lower_bound) / (double)f->lower_bound);
	printf("# nodes: %llu\n# cpu seconds: %.3f\n", (unsigned long long)f->nodes, cpu_seconds());
}

static int check_fit(const struct command *c, const struct place_found *f, struct err *e)
{
	if (!c->has_capacity || f->bytes <= c->options.capacity)
		return 0;
	if (f->excluded >= c->options.capacity)
		return fail(e, E_BUDGET, "%llu bytes are not enough: proved by %s",
			    (unsigned long long)c->options.capacity,
			    f->lower_bound > c->options.capacity ? "the bytes live at one step"
								 : "a complete search");
	return fail(e, E_GAVE_UP, "nothing within %llu bytes was found in %llu nodes",
		    (unsigned long long)c->options.capacity, (unsigned long long)f->nodes);
}

static int write_rows(const struct command *c, const struct instance *in, struct err *e)
{
	struct buf text = BUF_INIT;
	int ret = 0;

	csv_write(in, &text);
	if (c->out)
		ret = fs_write_atomic(c->out, buf_span(&text), e);
	else if (fwrite(text.data, 1, text.len, stdout) != text.len)
		ret = fail(e, E_IO, "writing to standard output failed");
	buf_release(&text);
	return ret;
}

static int run(const struct command *c, struct arena *a, struct err *e)
{
	struct buf text = BUF_INIT;
	struct instance in;
	struct place_found found;
	int ret = fs_read(c->path, FILE_MAX, &text, e);

	if (ret == 0)
		ret = csv_read(buf_span(&text), a, &in, e);
	if (ret < 0)
		goto done;
	place_with(in.item, in.n, &c->options, &found);
	ret = check_fit(c, &found, e);
	if (ret == 0)
		ret = write_rows(c, &in, e);
	print_lines(&found);
	if (fflush(stdout) && ret == 0)
		ret = fail(e, E_IO, "writing to standard output failed");
done:
	buf_release(&text);
	return ret;
}

int main(int argc, char **argv)
{
	struct arena *a = arena_open(0);
	struct command c = {.options = {.nodes = 100000000, .threads = 1}};
	struct err e = ERR_INIT;
	int ret = parse(&c, argc, argv, &e);

	if (ret == 0 && c.help)
		fputs(usage, stdout);
	else if (ret == 0)
		ret = run(&c, a, &e);
	if (ret < 0)
		err_print(&e, "occamy-plan");
	ret = ret < 0 ? err_exit(e.code) : 0;
	err_release(&e);
	arena_close(a);
	return ret;
}
