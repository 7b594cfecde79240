/** What `l2tpctl decode` was asked to do. */
export interface DecodeOptions {
  /** `undefined`, or `-`: standard input. */
  readonly file: string | undefined;
  /** Lines of hex instead of a capture. */
  readonly hex: boolean;
  /** How the datagrams of {@link hex} travelled. */
  readonly encap: "udp" | "ip";
  readonly ports: ReadonlySet<number>;
  /** Octets of the cookie in L2TPv3 data messages; `undefined` when nobody said. */
  readonly cookie: 0 | 4 | 8 | undefined;
  /** The L2-specific sublayer in L2TPv3 data messages; `undefined` when nobody said. */
  readonly l2spec: "none" | "default" | undefined;
  readonly secret: Uint8Array | undefined;
  /** L2TPv3: whether messages have to carry a right digest when there is a secret. */
  readonly authentication: boolean;
  readonly format: "line" | "verbose" | "json";
}

/** What decoding came to. */
export interface Tally {
  /** Packets or datagrams that were printed. */
  readonly printed: number;
  /** Those among them that a receiver has to refuse. */
  readonly malformed: number;
}
