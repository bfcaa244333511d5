/* The one emulated device of the process, its lock, its primary context's end. */
#include "emulator/device.h"

#include <stdio.h>
#include <string.h>

/* The driver ABI has no handle for the device, so this state is the process's. */
static struct device the_device = {.lock = PTHREAD_MUTEX_INITIALIZER};

struct device *device_get(void)
{
	return &the_device;
}

void device_unload(struct device *d, struct CUmod_st *m)
{
	struct CUmod_st **at = &d->modules;

	while (*at != m)
		at = &(*at)->next;
	*at = m->next;
	if (d->stats)
		stats_add(d->stats, m);
	for (struct CUfunc_st *f = m->funcs; f; f = f->next)
		mem_free(f->counters);
	arena_close(m->arena);
	mem_free(m);
}

CUresult device_leave(struct device *d, CUresult r)
{
	pthread_mutex_unlock(&d->lock);
	return r;
}
