/* What the exec_*.c files of one instruction set give each other; EXEC_ISA is base, v3 or v4. */
#ifndef EMULATOR_EXEC_ISA_H
#define EMULATOR_EXEC_ISA_H

#include "emulator/exec_lane.h"

extern const struct form ISA(int_forms)[], ISA(float_forms)[], ISA(cvt_forms)[], ISA(pred_forms)[],
	ISA(half_forms)[];

const struct op *ISA(masked32)(struct warp *w, const struct op *o);
const struct op *ISA(masked64)(struct warp *w, const struct op *o);
op_fn ISA(memory_handler)(const char *name);
op_fn ISA(control_handler)(const char *name);
const struct op *ISA(fma_run)(struct warp *w, const struct op *o);
const struct op *ISA(masked_fma)(struct warp *w, const struct op *o);

#endif
