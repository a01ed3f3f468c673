/**
 * reboot: magic numbers and commands of reboot(2), unsigned 32-bit numbers.
 */

export const LINUX_REBOOT_MAGIC1 = 0xfee1dead;
export const LINUX_REBOOT_MAGIC2 = 0x28121969;
export const LINUX_REBOOT_MAGIC2A = 0x5121996;
export const LINUX_REBOOT_MAGIC2B = 0x16041998;
export const LINUX_REBOOT_MAGIC2C = 0x20112000;

export const LINUX_REBOOT_CMD_RESTART = 0x1234567;
export const LINUX_REBOOT_CMD_HALT = 0xcdef0123;
export const LINUX_REBOOT_CMD_CAD_ON = 0x89abcdef;
export const LINUX_REBOOT_CMD_CAD_OFF = 0x0;
export const LINUX_REBOOT_CMD_POWER_OFF = 0x4321fedc;
export const LINUX_REBOOT_CMD_RESTART2 = 0xa1b2c3d4;
export const LINUX_REBOOT_CMD_SW_SUSPEND = 0xd000fce2;
export const LINUX_REBOOT_CMD_KEXEC = 0x45584543;
