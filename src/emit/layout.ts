/** Where a bundle's constants are: C text, a file that the assembler includes, or a file that the program loads. */
export type WeightsForm = 'c' | 'incbin' | 'binary';

/** How a bundle is laid out. What its kernels compute is the same in every layout. */
export interface BundleLayout {
  /** The arena is the caller's, an argument of `<model>_run`, or static in the generated code. */
  readonly arena: 'caller' | 'static';
  /** `auto`: C, or where that makes compilers slow, the long arrays with `.incbin`. */
  readonly weights: 'auto' | WeightsForm;
  /** `baremetal` adds what runs the harness without an operating system. */
  readonly runtime: 'hosted' | 'baremetal';
  /** Longer C files are cut into parts that they include. */
  readonly maxFileBytes?: number;
  /** Of the generated files: an SPDX expression, e.g. `MIT`. */
  readonly license?: string;
  /** Of the generated files, e.g. `2026 Example Ltd.`. */
  readonly copyright?: string;
}

export const defaultLayout: BundleLayout = { arena: 'caller', weights: 'auto', runtime: 'hosted' };
