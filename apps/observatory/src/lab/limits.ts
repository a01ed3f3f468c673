/** Bounds that page and lab both know. */

/** The fastest speed: as fast as it goes. */
export const MAX_SPEED = 1e9;
