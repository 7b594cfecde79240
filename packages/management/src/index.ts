/** The management interface of a running daemon. */
export {};
