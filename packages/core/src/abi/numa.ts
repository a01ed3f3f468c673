/**
 * numa: policies and flags of set_mempolicy(2), mbind(2), get_mempolicy(2), move_pages(2); numa(7).
 */

// Modes.
export const MPOL_DEFAULT = 0;
export const MPOL_PREFERRED = 1;
export const MPOL_BIND = 2;
export const MPOL_INTERLEAVE = 3;
export const MPOL_LOCAL = 4;
export const MPOL_PREFERRED_MANY = 5;
export const MPOL_WEIGHTED_INTERLEAVE = 6;

// Flags or-ed to the mode.
export const MPOL_F_STATIC_NODES = 0x8000;
export const MPOL_F_RELATIVE_NODES = 0x4000;
export const MPOL_F_NUMA_BALANCING = 0x2000;
export const MPOL_MODE_FLAGS = 0xe000;

// get_mempolicy(2)
export const MPOL_F_NODE = 1;
export const MPOL_F_ADDR = 2;
export const MPOL_F_MEMS_ALLOWED = 4;

// mbind(2), move_pages(2)
export const MPOL_MF_STRICT = 1;
export const MPOL_MF_MOVE = 2;
export const MPOL_MF_MOVE_ALL = 4;
export const MPOL_MF_LAZY = 8;
export const MPOL_MF_VALID = 7;
