/** An instruction-set extension that a kernel may need. */
export type Feature = 'neon' | 'dotprod' | 'i8mm';

/** Their command lines differ where a target is named; zig is a clang with C libraries. */
export type CompilerKind = 'gcc' | 'clang' | 'zig';

/** The emulators which run a target's test programs. */
export type Emulator = 'qemu-aarch64' | 'qemu-arm';

/** A processor that code can be generated for: what its kernels may use, and how its programs are compiled and run. */
export interface Target {
  /** The value of `--target`. */
  readonly name: string;
  /** One line for `--target help`. */
  readonly description: string;
  readonly features: readonly Feature[];
  /** How many 128-bit vector registers a kernel's tile may fill; 0 without vector instructions. */
  readonly vectorRegisters: number;
  /**
   * How long the vector units are busy with a multiplication of 16 bytes by 16 (`vmlaq_s8`), in units of one of 8 by 8
   * (`vmlal_s8`): 2 where both do 8 products a cycle.
   */
  readonly byteMultiplySlots: number;
  /** The GNU triple of the cross tools, or `host`: the compiler of the machine that neonarrow runs on. */
  readonly triple: string;
  /** The flags that make a compiler generate code for this target, e.g. `-march=…`. */
  cflags(compiler: CompilerKind): readonly string[];
  /** Runs the test programs of a cross target; absent where they run natively. */
  readonly qemu?: Emulator;
  /** The `-cpu` models on which `verify` runs; empty where programs run natively. */
  readonly cpus: readonly string[];
}

/**
 * How many of `most` pixels a tile takes that was made for 32 vector registers; plain C has none, and is told nothing.
 */
export function pixelsFor({ vectorRegisters }: Target, most: number): number {
  return vectorRegisters === 0 ? most : Math.max(1, Math.floor((most * vectorRegisters) / 32));
}

export function hasFeature(target: Target, feature: Feature): boolean {
  return target.features.includes(feature);
}
