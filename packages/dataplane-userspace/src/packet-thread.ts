/** What a worker thread of a wire runs: the receiving or the sending loop, until it is told to stop. */
import { parentPort, workerData } from "node:worker_threads";
import { addressOf } from "@l2tp/linux";
import { Arena } from "./arena.ts";
import { bestChecksum } from "./packet/checksum.ts";
import type { Report, WorkerStart } from "./worker/messages.ts";
import { Receiver, receiverArena } from "./worker/receiver.ts";
import { Sender, senderArena } from "./worker/sender.ts";

const start = workerData as WorkerStart;
if (parentPort === null) throw new Error("packet-thread is the worker of a wire, not a program");
const arena = new Arena(
  start.role === "send" ? senderArena(start.rows) : receiverArena(start.rows),
  addressOf,
);
const checksum = bestChecksum(arena.memory, arena.u8, start.checksum);
const loop =
  start.role === "send"
    ? new Sender(start, arena, parentPort, checksum)
    : new Receiver(start, arena, parentPort, checksum);
parentPort.postMessage({ type: "ready", checksum: checksum.using } satisfies Report);
loop.run();
