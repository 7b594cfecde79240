/**
 * Raw sockets of protocol 115 have no port to keep them apart: two on one address each get every message. So a
 * process has one wire per address; another process, or the kernel's own L2TP, cannot be kept out.
 */
import { PlaneError } from "@l2tp/dataplane";
import { type NamespaceId, namespaceId, parseIp, sameNamespace } from "@l2tp/linux";
import type { SocketAddress } from "@l2tp/protocol";

interface Claim {
  readonly namespace: NamespaceId;
  readonly family: 4 | 6;
  /** Octets of the address as text; `*` for all addresses. */
  readonly address: string;
}

const claims = new Set<Claim>();

/**
 * Claims an address in the calling thread's network namespace.
 *
 * @returns gives it back.
 * @throws PlaneError `address-in-use`
 */
export function claimRaw(local: SocketAddress): () => void {
  const { octets, scope } = parseIp(local.address);
  const address = octets.every((octet) => octet === 0) ? "*" : `${octets.join(".")}%${scope ?? ""}`;
  const claim: Claim = { namespace: namespaceId(), family: local.family, address };
  for (const other of claims) {
    if (other.family !== claim.family || !sameNamespace(other.namespace, claim.namespace)) continue;
    if (other.address !== address && other.address !== "*" && address !== "*") continue;
    throw new PlaneError(
      "address-in-use",
      `IP protocol 115 on ${local.address}: this process has a wire there already, and without ports the two would ` +
        "get each other's messages; close the other, or bind each to an address of its own",
    );
  }
  claims.add(claim);
  return () => claims.delete(claim);
}
