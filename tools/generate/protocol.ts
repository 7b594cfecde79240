/** docs/messages.md and docs/avps.md: the tables of @l2tp/protocol, as pages to look things up in. */
import {
  AVP_NAMES,
  type AvpName,
  avpRow,
  definitionFor,
  type Field,
  type LayoutPart,
  type MandatoryRule,
  MESSAGE_NAMES,
  messageRow,
  VENDOR_NAMES,
} from "@l2tp/protocol";

const HEAD =
  "<!-- Generated from packages/protocol by `npm run docs`: change the tables there, not this page. -->\n";

const MANDATORY: Record<MandatoryRule, string> = {
  "1": "must be 1",
  "0": "must be 0",
  "(1)": "should be 1",
  "(0)": "should be 0",
  "*": "sender's choice",
};

/** The files, by their path from the root of the repository. */
export default function generateProtocol(): Record<string, string> {
  return { "docs/messages.md": messagesPage(), "docs/avps.md": avpsPage() };
}

/** GitHub's anchor of a heading. */
const anchor = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^a-z0-9 _-]/g, "")
    .replaceAll(" ", "-");

const headingOf = (name: AvpName): string => {
  const { vendor, type, name: title } = avpRow(name);
  return `${title} (${vendor === 0 ? "" : `${vendor}/`}${type})`;
};

const link = (name: AvpName): string => `[${avpRow(name).name}](avps.md#${anchor(headingOf(name))})`;

function messagesPage(): string {
  const sections = MESSAGE_NAMES.map((name) => {
    const row = messageRow(name);
    const bit = row.mandatory === "0|1" ? "0 (1 allowed)" : String(row.mandatory);
    const intro =
      `## ${name} (${row.type})\n\n${row.longName}. ` +
      `${row.level === "session" ? "Of a session: an error in it is answered with CDN." : "Of the control connection: an error in it is answered with StopCCN."} ` +
      `M bit of its Message Type: ${bit}.\n`;
    const versions = ([2, 3] as const).flatMap((version) => {
      const own = row.versions[version];
      if (!own) return [];
      const line = (title: string, names: readonly AvpName[]) =>
        names.length === 0 ? "" : `- ${title}: ${names.map(link).join(", ")}\n`;
      return [
        `\n**L2TPv${version}** (${own.reference}; ${own.direction})\n\n` +
          `${line("requires", own.requires) || "- requires nothing but the Message Type\n"}` +
          line("allows", own.allows) +
          line("extensions allow", own.extensions),
      ];
    });
    return intro + versions.join("");
  });
  return `${HEAD}
# Control messages

Every control message that the codec knows, with the AVPs it requires and allows. Every message begins with a
[Message Type](avps.md#message-type-0) and may have a [Random Vector](avps.md#random-vector-36); every L2TPv3 message
may have a [Message Digest](avps.md#message-digest-59), an [Extended Vendor ID](avps.md#extended-vendor-id-58) and
Cisco's AVPs. These are not repeated below. A control message without any AVP is a ZLB: an acknowledgement.

Known AVPs in a message that does not list them do no harm: they are kept among its \`extras\`, as unknown ones
without the M bit are.

${sections.join("\n")}`;
}

/** Which messages list an AVP, by version. */
function usersOf(name: AvpName, version: 2 | 3): string {
  const users = MESSAGE_NAMES.flatMap((message) => {
    const own = messageRow(message).versions[version];
    if (!own) return [];
    if (own.requires.includes(name)) return [`**${message}**`];
    return [...own.allows, ...own.extensions].includes(name) ? [message] : [];
  });
  return users.length === 0 ? "any message" : users.join(", ");
}

function lengthOf(field: Field<unknown>): string {
  const { min, max } = field;
  return min === max ? `${min + 6}` : `${min + 6} to ${max + 6}`;
}

function partLine(part: LayoutPart): string {
  const meanings = [
    ...Object.entries(part.values ?? {}).map(([value, text]) => `${value} ${text}`),
    ...Object.entries(part.bits ?? {}).map(([mask, text]) => `0x${Number(mask).toString(16)} ${text}`),
  ];
  // Long lists of numbers have a page of their own in the registry; here they would hide the rest.
  const shown = meanings.length > 0 && meanings.length <= 10 ? `: ${meanings.join("; ")}` : "";
  const name = part.name === undefined ? "" : `\`${part.name}\` `;
  return `- ${name}${part.type}${part.optional ? ", may be left out" : ""}${shown}`;
}

function layoutOf(field: Field<unknown>): string {
  return field.layout.length === 0
    ? "No value: that it is there says it."
    : field.layout.map(partLine).join("\n");
}

function avpSection(name: AvpName): string {
  const row = avpRow(name);
  const table = ([2, 3] as const).flatMap((version) => {
    const definition = definitionFor(row, version);
    if (!definition) return [];
    const { mandatory, hideable, reference } = definition;
    return [
      `| ${version} | ${reference} | ${MANDATORY[mandatory]} | ${hideable ? "yes" : "no"} | ${lengthOf(row.field[version])} | ${usersOf(name, version)} |`,
    ];
  });
  const [two, three] = [row.field[2], row.field[3]];
  const both = two === three || row.definitions.length === 1;
  const layout = both
    ? layoutOf(row.field[row.definitions[0]?.version ?? 2])
    : `In L2TPv2:\n\n${layoutOf(two)}\n\nIn L2TPv3:\n\n${layoutOf(three)}`;
  return `### ${headingOf(name)}

${row.description} In code: \`${name}\`${row.repeatable ? ", an array, as there may be several" : ""}${row.critical ? "; a malformed one is never ignored" : ""}.

| version | defined in | M bit | may be hidden | AVP length | messages |
|---|---|---|---|---|---|
${table.join("\n")}

${layout}
`;
}

function avpsPage(): string {
  const vendors = [...new Set(AVP_NAMES.map((name) => avpRow(name).vendor))];
  const parts = vendors.map((vendor) => {
    const names = AVP_NAMES.filter((name) => avpRow(name).vendor === vendor);
    return `## Vendor ${vendor}: ${VENDOR_NAMES[vendor]}\n\n${names.map(avpSection).join("\n")}`;
  });
  return `${HEAD}
# AVPs

Every AVP that the codec knows. Lengths are those of the whole AVP before hiding, with its 6 octets of header. In the
last column, messages that require the AVP are in bold; extensions' AVPs are listed where their RFC allows them.

Others are kept: an unknown AVP without the M bit stays among the \`extras\` of its message, octet by octet; with the
M bit it ends the session or the control connection (RFC 2661 §4.1, RFC 3931 §5.2).

${parts.join("\n")}`;
}
