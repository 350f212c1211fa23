import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Compilation, compileObjects, compileProgram } from '../build/compile.ts';
import { stackOfObjects } from '../build/stack.ts';
import type { Toolchain } from '../build/toolchains.ts';
import { reject } from '../core/diagnostics.ts';
import { must } from '../core/must.ts';
import { baremetalFolder } from '../emit/baremetal.ts';
import { hasFeature } from '../targets/target.ts';
import { type ObjectSize, readElfSize } from './elf.ts';
import { harnessPath } from './golden.ts';
import { checkSymbols } from './symbols.ts';

/** The C files of a bundle on disk. */
export interface BundleSources {
  readonly dir: string;
  readonly prefix: string;
  /** The program's, from `dir`. */
  readonly sources: readonly string[];
  /** Start-up code and library for a harness without an operating system; mostly none. */
  readonly baremetal: readonly string[];
  /** What the harness needs besides itself and these. */
  readonly testSources: readonly string[];
}

/** @throws reject `incomplete-bundle` where the program or its harness is missing */
export async function findSources(dir: string, prefix: string): Promise<BundleSources> {
  const present = async (folder: string): Promise<string[]> => readdir(join(dir, folder)).catch(() => []);
  const [sources, tests, bare] = await Promise.all(['src', 'test', baremetalFolder].map(present));
  if (sources!.includes(`${prefix}.c`) && tests!.includes(`${prefix}_harness.c`)) {
    return {
      dir,
      prefix,
      sources: sources!.filter((name) => /\.[cS]$/.test(name)).map((name) => join('src', name)),
      baremetal: bare!.filter((name) => /\.[cS]$/.test(name)).map((name) => join(baremetalFolder, name)),
      testSources: tests!.filter((name) => name.endsWith('.S')).map((name) => join('test', name)),
    };
  }
  throw reject({
    code: 'incomplete-bundle',
    message: `src/${prefix}.c or ${harnessPath(prefix)} is missing`,
    place: dir,
    hint: 'Generate the bundle again with "neonarrow compile".',
  });
}

/** Compiles the harness with the program in it. Returns the executable's path, in `outDir`, which is made. */
export async function buildHarness(bundle: BundleSources, toolchain: Toolchain, outDir: string): Promise<string> {
  const own = join('src', `${bundle.prefix}.c`);
  const others = bundle.sources.filter((path) => path !== own);
  const sources = [harnessPath(bundle.prefix), ...others, ...bundle.testSources];
  await mkdir(outDir, { recursive: true });
  const compilation = { ...compilationOf(bundle, toolchain, sources), sanitize: toolchain.sanitize, outDir };
  return compileProgram(toolchain.freestanding ? withoutSystem(compilation, bundle) : compilation, 'harness');
}

/** The harness as assembly: the code that `buildHarness` links, but for layers so small that they would be inlined. */
export async function harnessAssembly(bundle: BundleSources, toolchain: Toolchain, outDir: string): Promise<string> {
  await mkdir(outDir, { recursive: true });
  const compilation = compilationOf(bundle, toolchain, [harnessPath(bundle.prefix)]);
  // clang would inline a small layer into its callers, where its name is lost: only what is marked inline then.
  const inlining = toolchain.compiler.kind === 'clang' ? ['-finline-hint-functions'] : [];
  // -S wins over -c.
  const [text] = await compileObjects({ ...compilation, outDir, extraFlags: ['-S', ...inlining] });
  return readFile(must(text, 'assembly'), 'utf8');
}

/** In bytes; the stack is what the deepest calls take, absent where the compiler does not say. */
export interface ProgramMemory extends ObjectSize {
  readonly stack?: number;
}

/**
 * Compiles the sources as a user would and checks what they define and need (`checkSymbols`).
 * @returns what of the memory they take
 */
export async function checkObjects(
  bundle: BundleSources,
  toolchain: Toolchain,
  outDir: string,
): Promise<ProgramMemory> {
  await mkdir(outDir, { recursive: true });
  const compilation = compilationOf(bundle, toolchain, bundle.sources);
  // zig has the option, and loses what it writes.
  const measured = toolchain.compiler.kind !== 'zig';
  const objects = await compileObjects({ ...compilation, outDir, extraFlags: measured ? ['-fstack-usage'] : [] });
  await checkSymbols(objects, bundle.prefix);
  const texts = (await readdir(join(bundle.dir, 'src'))).filter(
    (name) => /\.(c|inc)$/.test(name) && !/_weights/.test(name),
  );
  const sources = texts.map((name) => join(bundle.dir, 'src', name));
  const sizes = await Promise.all(objects.map(async (path) => readElfSize(await readFile(path), path)));
  const sum = (of: (size: ObjectSize) => number): number => sizes.reduce((total, size) => total + of(size), 0);
  return {
    code: sum(({ code }) => code),
    constants: sum(({ constants }) => constants),
    data: sum(({ data }) => data),
    ...(measured && { stack: await stackOfObjects(objects, sources) }),
  };
}

/** The same program with the bundle's own start-up code and library, and none of the compiler's. */
function withoutSystem(compilation: Compilation, { dir, baremetal }: BundleSources): Compilation {
  const { sources, includeDirs = [] } = compilation;
  return {
    ...compilation,
    sources: [...sources, ...baremetal.map((path) => join(dir, path))],
    includeDirs: [...includeDirs, join(dir, baremetalFolder, 'include')],
    linkerScript: join(dir, baremetalFolder, 'link.ld'),
  };
}

function compilationOf(
  { dir, prefix }: BundleSources,
  { compiler, optimization }: Toolchain,
  sources: readonly string[],
): Omit<Compilation, 'outDir'> {
  const plainC = !hasFeature(compiler.target, 'neon');
  return {
    compiler,
    optimization,
    sources: sources.map((path) => join(dir, path)),
    includeDirs: [join(dir, 'include')],
    // An Arm machine's own compiler would take NEON.
    ...(plainC ? { defines: { [`${prefix.toUpperCase()}_PORTABLE`]: true as const } } : {}),
  };
}
