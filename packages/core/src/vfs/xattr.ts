/** Placeholder header replaced below. */
