/**
 * seals: F_ADD_SEALS and F_GET_SEALS of fcntl(2): what may no longer happen to a memory file, memfd_create(2).
 */

export const F_SEAL_SEAL = 1;
export const F_SEAL_SHRINK = 2;
export const F_SEAL_GROW = 4;
export const F_SEAL_WRITE = 8;
export const F_SEAL_FUTURE_WRITE = 0x10;
export const F_SEAL_EXEC = 0x20;
