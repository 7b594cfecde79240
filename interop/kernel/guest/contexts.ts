/** Contexts of `@l2tp/node` on the kernel's data plane, with what they told. */
import type { DataPlane } from "@l2tp/dataplane";
import { LinuxDataPlane, type LinuxOptions } from "@l2tp/dataplane-linux";
import { until } from "@l2tp/lab";
import { Context, type ContextEvent, type ContextEventType } from "@l2tp/node";

/** Retries are quick, so that tests are. */
const BACKOFF = { firstMs: 100, maxMs: 1_000 };
const PATIENCE_MS = 60_000;

/** A context, its data plane and its events. */
export class Recorded implements AsyncDisposable {
  readonly context: Context;
  readonly plane: DataPlane;
  readonly events: ContextEvent[] = [];

  private constructor(plane: DataPlane) {
    this.plane = plane;
    const context = new Context({ dataPlane: plane, backoff: BACKOFF });
    this.context = context;
    void (async () => {
      for await (const event of context.events()) {
        if (event.type !== "events-dropped") this.events.push(event);
      }
    })();
  }

  static async open(options: LinuxOptions = {}): Promise<Recorded> {
    return new Recorded(await LinuxDataPlane.create({ stateDirectory: false, ...options }));
  }

  /** Waits for an event of a tunnel, from the `since`-th on. @throws Error with all events, when it does not come */
  async event<T extends ContextEventType>(
    type: T,
    tunnel: string,
    since: number,
  ): Promise<Extract<ContextEvent, { type: T }>> {
    const find = () =>
      this.events
        .slice(since)
        .find((event) => event.type === type && "tunnel" in event && event.tunnel === tunnel);
    await until(() => find() !== undefined, `${type} of ${tunnel}`, PATIENCE_MS).catch((error: unknown) => {
      throw new Error(`no ${type} of ${tunnel} in ${JSON.stringify(this.events.slice(since))}`, {
        cause: error,
      });
    });
    return find() as Extract<ContextEvent, { type: T }>;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.context.close();
    await this.plane[Symbol.asyncDispose]();
  }
}
