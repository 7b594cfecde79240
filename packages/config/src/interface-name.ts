/** Names of interfaces. */

/** IFNAMSIZ of <linux/if.h> is 16, with the NUL at the end. */
export const LONGEST_NAME = 15;
