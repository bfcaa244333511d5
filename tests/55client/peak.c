/*
 * peak PROGRAM ARGS...: runs it and prints "PEAK BYTES" of its resident
 * memory as the last line of standard error. A small program of its own,
 * since the kernel counts what the process held before exec.
 */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct rusage use;
	int status = 0;
	pid_t child = argc > 1 ? fork() : -1;

	if (child == 0) {
		execv(argv[1], argv + 1);
		_exit(127);
	}
	if (child < 0 || wait4(child, &status, 0, &use) != child)
		return 1;
	fprintf(stderr, "PEAK %ld\n", use.ru_maxrss * 1024);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
