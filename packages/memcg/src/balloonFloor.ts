/** The least memory a balloon driver leaves a guest of `pages` pages (4 KiB), in pages: Hyper-V's table. */
export function computeBalloonFloor(pages: number): number {
  const mib = (n: number): number => n * 256;
  if (pages < mib(128)) return mib(8) + (pages >> 1);
  if (pages < mib(512)) return mib(40) + (pages >> 2);
  if (pages < mib(2048)) return mib(104) + (pages >> 3);
  if (pages < mib(8192)) return mib(232) + (pages >> 4);
  return mib(488) + (pages >> 5);
}
