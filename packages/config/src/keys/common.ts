/** Keys that several tables have, and sorts of keys: each declared once. */
import * as z from "zod";
import { type KeyDeclaration, ours, text } from "./declare.ts";

/** What a key of a sort still has to say of itself. */
type Declaration = Omit<KeyDeclaration, "origin" | "since" | "expects">;

/** A key that names a profile. */
export const profileName = (declaration: Declaration): z.ZodString =>
  ours(text(), { ...declaration, expects: "the name of a profile" });

/** A key that names a file. */
export const filePath = (declaration: Declaration): z.ZodString =>
  ours(text(), { ...declaration, expects: "the path of a file" });

/** `inherits`, of all profiles. */
export const inherits = (): z.ZodString =>
  profileName({
    description: "Profile whose keys hold where this one is silent. All inherit from `default` in the end.",
    default: "`default`",
    example: 'inherits = "default"',
    aliases: ["base", "template", "parent", "extends"],
  });

/** `deny`, of rules and users. @param what - is refused. */
export const denial = (
  what: string,
  reason: string,
  aliases: readonly string[],
): z.ZodUnion<[z.ZodBoolean, z.ZodString]> =>
  ours(z.union([z.boolean(), z.string()]), {
    description: `Refuse ${what}. A text is the reason, for the log.`,
    expects: "true, false or a reason",
    default: "`false`",
    example: `deny = "${reason}"`,
    aliases,
  });

/** The secret that a tunnel's ends share: of a tunnel of ours, and of a caller. */
export const SECRET_KEYS = {
  secret: ours(text(), {
    description:
      "The secret shared with the peer. When there is one the peer is challenged, unless `challenge` says otherwise.",
    default: "none: no authentication",
    standard: "RFC 2661 §5.1.1",
    example: 'secret = "opensesame"',
    secret: true,
    aliases: ["l2tp_secret", "shared_secret", "tunnel_password", "challenge_secret"],
  }),
  secret_file: filePath({
    description: "File that holds the secret: its first line. Only its owner may be able to read it.",
    default: "none",
    example: 'secret_file = "/etc/l2tpd/secret"',
    aliases: ["auth_file", "l2tp_secrets"],
  }),
  old_secret: ours(text(), {
    description:
      "One more secret that is good while the peers change to the new one. A peer that has only this one, and challenges us, refuses our first answer and gets this one at its next attempt.",
    default: "none",
    example: 'old_secret = "sesame"',
    secret: true,
    aliases: ["previous_secret"],
  }),
  old_secret_file: filePath({
    description: "File that holds it.",
    default: "none",
    example: 'old_secret_file = "/etc/l2tpd/old-secret"',
  }),
};
