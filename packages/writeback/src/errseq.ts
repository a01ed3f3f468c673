/**
 * errseq_t: an error and whether anybody has seen it, in 32 bits, so that each observer is told of each error once. Kernel document
 * core-api/errseq.
 *
 * Bits 0-11 the errno, bit 12 SEEN, a counter from bit 13 that moves when a new error comes after the last was seen. Errors are given
 * and returned as negative errnos, as in the kernel.
 */

const MAX_ERRNO = 4095;
const SEEN = 4096;
const CTR_INC = 8192;

/** Record an error (-1..-4095; anything else changes nothing). The new value. errseq_set(). */
export function errseqSet(eseq: number, err: number): number {
  if (!(err < 0 && err >= -MAX_ERRNO)) return eseq;
  let next = (eseq & ~(MAX_ERRNO | SEEN)) | -err;
  if ((eseq & SEEN) !== 0) next = (next + CTR_INC) | 0;
  return next >>> 0;
}

/** What a new observer starts from: 0 if the last error has not been seen by anyone, so that it is told. errseq_sample(). */
export function errseqSample(eseq: number): number {
  return (eseq & SEEN) === 0 ? 0 : eseq;
}

/** The error since `since`, 0 if there is none. errseq_check(). */
export function errseqCheck(eseq: number, since: number): number {
  return eseq === since ? 0 : 0 - (eseq & MAX_ERRNO);
}

/** Anything that has a cursor into an errseq. */
export interface ErrseqPair {
  eseq: number;
  since: number;
}

/** Check, mark it seen and bring the cursor up to it: changes both numbers of `p`. errseq_check_and_advance(). */
export function errseqCheckAndAdvance(p: ErrseqPair): number {
  if (p.eseq === p.since) return 0;
  p.eseq = (p.eseq | SEEN) >>> 0;
  p.since = p.eseq;
  return 0 - (p.eseq & MAX_ERRNO);
}
