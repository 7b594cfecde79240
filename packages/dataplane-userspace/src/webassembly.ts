/** WebAssembly as far as this package uses it: it is no part of ES2023, and where code may not be generated it is absent. */

export interface WasmMemory {
  readonly buffer: ArrayBuffer;
}

interface WasmApi {
  readonly Memory: new (pages: { readonly initial: number; readonly maximum: number }) => WasmMemory;
  readonly Module: new (octets: Uint8Array) => object;
  readonly Instance: new (
    module: object,
    imports: { readonly arena: { readonly memory: WasmMemory } },
  ) => { readonly exports: Readonly<Record<string, unknown>> };
}

/** The platform's, or `undefined` (`node --jitless`). */
export const wasm = (globalThis as { readonly WebAssembly?: WasmApi }).WebAssembly;
