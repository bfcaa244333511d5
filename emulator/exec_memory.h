/* Bits of op.x of memory operations, shared by decoder and handlers. */
#ifndef EMULATOR_EXEC_MEMORY_H
#define EMULATOR_EXEC_MEMORY_H

#define MEM_BYTES(x)   ((x)&15)	       /* of one element */
#define MEM_COUNT(x)   ((x) >> 4 & 15) /* elements */
#define MEM_SIGNED     0x100u	       /* sign-extend into the register */
#define MEM_ADDRESS64  0x200u	       /* the address register has 64 bits */
#define MEM_DATA64     0x400u	       /* the data registers have 64 bits */
#define MEM_NO_RESULT  0x800u	       /* red: d is not written */
#define MEM_CONSTANT   0x1000u	       /* ld.global.nc: nobody writes there during the launch */
#define MEM_ATOM_SHIFT 16	       /* the atomic operation: enum mem_atom */

enum mem_atom {
	ATOM_ADD,
	ATOM_MIN_U,
	ATOM_MAX_U,
	ATOM_MIN_S,
	ATOM_MAX_S,
	ATOM_AND,
	ATOM_OR,
	ATOM_XOR,
	ATOM_EXCH,
	ATOM_CAS,
	ATOM_INC,
	ATOM_DEC,
	ATOM_ADD_F32,
	ATOM_ADD_F64,
	ATOM_MIN_F32,
	ATOM_MAX_F32
};

#endif
