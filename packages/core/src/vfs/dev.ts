/**
 * Device numbers as one number, in the encoding that stat(2) shows and mknod(2) takes: 12 bits of major, 20 of minor. makedev(3).
 */

export function mkdev(major: number, minor: number): number {
  return (((minor & 0xff) | ((major & 0xfff) << 8)) + (minor & 0xfff00) * 4096) >>> 0;
}
export function major(dev: number): number {
  return (dev >>> 8) & 0xfff;
}
export function minor(dev: number): number {
  return (dev & 0xff) | ((dev >>> 12) & 0xfff00);
}
