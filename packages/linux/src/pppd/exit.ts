/** Why pppd ended: the table of pppd(8), "EXIT STATUS", with what is likely to help. */

/** How a process ended: with a code, or by a signal. */
export interface ProcessExit {
  readonly code: number | null;
  readonly signal: string | null;
}

/** One row of the table. */
interface ExitStatus {
  readonly meaning: string;
  readonly remedy?: string;
}

/** By exit code; rows that are about serial lines are those of a device that is none here. */
export const PPPD_EXIT_STATUS: readonly ExitStatus[] = [
  { meaning: "it detached, or the link was established and then ended at the peer's request" },
  {
    meaning: "an immediately fatal error: a system call failed, or memory ran out",
    remedy: "its last lines say which; is the module ppp_generic there, and may it open /dev/ppp?",
  },
  {
    meaning: "its options were wrong, such as two that exclude each other",
    remedy: "its last lines name the option: see pppd_args and pppd_options, /etc/ppp/options and pppd(8)",
  },
  { meaning: "it is not setuid-root and was not started by root", remedy: "run as root" },
  {
    meaning: "the kernel does not support PPP",
    remedy: "load the modules: modprobe -a ppp_generic l2tp_ppp (on a pseudo-terminal: ppp_async)",
  },
  { meaning: "it was told to by SIGINT, SIGTERM or SIGHUP" },
  { meaning: "the serial port could not be locked", remedy: 'take "lock" out of its options' },
  { meaning: "the serial port could not be opened", remedy: "take the name of a device out of its options" },
  { meaning: "the connect script failed", remedy: 'the option "connect" is of no use over L2TP' },
  {
    meaning: "the command of the option pty could not be run",
    remedy: 'the option "pty" is of no use over L2TP',
  },
  {
    meaning: "the PPP negotiation failed: no network protocol, such as IP, came up",
    remedy:
      "does the peer run PPP on this session, and do both agree on addresses (LOCAL:REMOTE)? The option debug shows " +
      "the negotiation",
  },
  {
    meaning: "the peer failed to authenticate itself, or refused to",
    remedy:
      'give its secret in /etc/ppp/chap-secrets or pap-secrets, or take "noauth" to do without (Debian\'s ' +
      '/etc/ppp/options says "auth")',
  },
  { meaning: "the link was idle", remedy: 'see the option "idle"' },
  { meaning: "the time limit of the connection was reached", remedy: 'see the option "maxconnect"' },
  { meaning: "callback was negotiated: an incoming call should arrive" },
  {
    meaning: "the peer does not answer echo requests",
    remedy: "is the peer up, and does the tunnel carry? See lcp-echo-interval and lcp-echo-failure",
  },
  { meaning: "the session was hung up: its socket or its interface is gone" },
  {
    meaning: "the negotiation failed because the link is looped back",
    remedy: "do both session IDs lead to the same session? Compare sid and psid of both ends",
  },
  { meaning: "the init script failed", remedy: 'the option "init" is of no use over L2TP' },
  {
    meaning: "we failed to authenticate ourselves to the peer",
    remedy:
      "check the user name (option name or user) and the secret in /etc/ppp/chap-secrets or pap-secrets",
  },
];

/** What an exit means, in one sentence for people. */
export function explainPppdExit({ code, signal }: ProcessExit): string {
  if (code === null) return `pppd was killed by ${signal ?? "a signal"}`;
  const row = PPPD_EXIT_STATUS[code];
  if (row === undefined) return `pppd ended with code ${code}, which pppd(8) does not have`;
  const { meaning, remedy } = row;
  return `pppd ended with code ${code}: ${meaning}${remedy === undefined ? "" : ` (${remedy})`}`;
}
