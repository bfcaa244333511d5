/* occamy-client: one table of verbs. Every failure ends with the problem object on stderr. */
#include "client/client.h"

#include <errno.h>
#include <string.h>

static int cmd_help(int argc, char **argv, struct err *e);
static int cmd_version(int argc, char **argv, struct err *e);

static const struct {
	const char *name, *usage, *what;
	int (*run)(int argc, char **argv, struct err *e);
} commands[] = {
	{"run",
	 "run FILE|URL [--input NAME=FILE]... [--random SEED] [--output-dir DIR]\n"
	 "      [--device auto|cuda|emulator] [--report FILE.json] [--repeat N]\n"
	 "      [--compare REF.npz [--all-tensors] [--rtol R] [--atol A]]",
	 "run an artifact once", cmd_run},
	{"inspect", "inspect FILE [--json] [--metadata KEY]", "print what its manifest says",
	 cmd_inspect},
	{"verify", "verify FILE", "check every digest and bound, and prove the plan", cmd_verify},
	{"help", "help", "print this", cmd_help},
	{"--help", NULL, NULL, cmd_help},
	{"-h", NULL, NULL, cmd_help},
	{"--version", "--version", "print the version", cmd_version},
};

static int cmd_help(int argc, char **argv, struct err *e)
{
	(void)argc, (void)argv, (void)e;
	printf("usage: " PROGRAM " COMMAND ...\n\n");
	for (size_t i = 0; i < COUNT_OF(commands); i++)
		if (commands[i].usage)
			printf("  %s\n      %s\n", commands[i].usage, commands[i].what);
	printf("\nInputs are .npy files or ONNX TensorProto files (.pb); outputs are\n"
	       "DIR/output_N.npy, .pb for types that .npy lacks.\n\n"
	       "exit codes: 0 done, 64 usage, 65 the artifact, an input or the device's memory\n"
	       "does not fit, 66 no such file, 69 no device or no network, 70 a bug or a device\n"
	       "error, 74 reading or writing failed, 75 try again later, 76 a tensor is not what\n"
	       "--compare's reference says\n");
	return 0;
}

static int cmd_version(int argc, char **argv, struct err *e)
{
	(void)argc, (void)argv, (void)e;
	printf(PROGRAM " " VERSION "\n");
	return 0;
}

static int dispatch(int argc, char **argv, struct err *e)
{
	if (argc < 2) {
		fail(e, E_USAGE, "a command is missing");
		return err_hint(e, PROGRAM " help lists them");
	}
	for (size_t i = 0; i < COUNT_OF(commands); i++)
		if (!strcmp(commands[i].name, argv[1]))
			return commands[i].run(argc - 1, argv + 1, e);
	fail(e, E_USAGE, "%s: no such command", argv[1]);
	return err_hint(e, PROGRAM " help lists them");
}

int main(int argc, char **argv)
{
	struct err e = ERR_INIT;
	int ret = dispatch(argc, argv, &e);

	if (ret == 0 && fflush(stdout) != 0)
		ret = fail(&e, E_IO, "standard output: %s", strerror(errno));
	if (ret < 0) {
		fflush(stdout);
		err_print(&e, PROGRAM);
		ret = err_exit(e.code);
	}
	err_release(&e);
	return ret;
}
