import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Optimization } from '../../src/build/compile.ts';
import { compileProgram } from '../../src/build/compile.ts';
import { findCompiler } from '../../src/build/compiler.ts';
import { runProgram } from '../../src/build/run.ts';
import { withTempDir } from '../../src/build/temp.ts';
import { emulators } from '../../src/build/toolchains.ts';
import type { Bundle } from '../../src/emit/bundle.ts';
import { emitBundle } from '../../src/emit/bundle.ts';
import type { Graph } from '../../src/graph/types.ts';
import { type Selections, selectKernels } from '../../src/kernels/select.ts';
import { planMemory } from '../../src/plan/plan.ts';
import { armv7Neon } from '../../src/targets/armv7-neon.ts';
import { armv8a } from '../../src/targets/armv8-a.ts';
import { portable } from '../../src/targets/portable.ts';
import type { CompilerKind, Target } from '../../src/targets/target.ts';
import { evaluate, randomInputs } from './quantized-graph.ts';

export interface Case {
  readonly name: string;
  readonly graph: Graph;
  /** Instead of what `selectKernels` chooses. */
  readonly selections?: Selections;
  /** Instead of random ones. */
  readonly inputs?: readonly Int8Array[];
}

/** NEON under QEMU by both compilers, Armv7's, and the portable bodies on this machine with sanitizers. */
export const toolchains = [
  { name: 'gcc, NEON', kind: 'gcc', target: armv8a, optimization: '-O2' },
  { name: 'clang, NEON', kind: 'clang', target: armv8a, optimization: '-O3' },
  { name: 'gcc, Armv7', kind: 'gcc', target: armv7Neon, optimization: '-O2' },
  { name: 'host, portable', kind: 'gcc', target: portable, optimization: '-O1' },
] as const satisfies readonly TestToolchain[];

export interface TestToolchain {
  readonly name: string;
  readonly kind: CompilerKind;
  readonly target: Target;
  readonly optimization: Optimization;
}

/** @param target that the bundle is generated for */
export function bundleOf({ name, graph, selections }: Case, target: Target = armv8a): Bundle {
  const plan = planMemory(graph, selections ?? selectKernels(graph, target));
  return emitBundle({ graph, plan, target, name, modelHash: '0', toolVersion: '0.0.0' });
}

/**
 * Compiles every case into one program with all warnings as errors and runs it on random inputs.
 * @param generatedFor the target of the bundles, which the toolchain's compiler may be another of
 * @returns what differs from the reference, one line for each case; empty where nothing does
 */
export async function runCases(
  cases: readonly Case[],
  toolchain: TestToolchain,
  generatedFor: Target = toolchain.target === portable ? armv8a : toolchain.target,
): Promise<string> {
  return withTempDir(async (dir) => {
    const bundles = cases.map((c) => bundleOf(c, generatedFor));
    const files = bundles.flatMap((bundle) => bundle.files);
    const main = bundles.map((bundle, i) => testFunction(bundle, cases[i]!)).join('\n');
    await write(dir, 'main.c', mainText(main, bundles));
    // In one file, the compiler reads <arm_neon.h> once: hundreds of bundles take seconds. No two may share a name for that.
    const sources = files.map((file) => file.path).filter((path) => path.endsWith('.c'));
    await write(dir, 'all.c', sources.map((path) => `#include "${path}"\n`).join(''));
    for (const { path, contents } of files) {
      // Each bundle's own files differ by name, but for those of the build.
      if (path.endsWith('.c') || path.endsWith('.h')) await write(dir, path, contents);
    }
    const compiler = await findCompiler(toolchain.kind, toolchain.target);
    const program = await compileProgram(
      {
        compiler,
        optimization: toolchain.optimization,
        sources: [join(dir, 'main.c'), join(dir, 'all.c')],
        outDir: dir,
        includeDirs: [join(dir, 'include'), dir],
        sanitize: toolchain.target === portable,
        extraFlags: ['-Wconversion'],
      },
      'cases',
    );
    const runner = toolchain.target === portable ? undefined : (await emulators(toolchain.target))[0];
    const { stdout } = await runProgram({ runner: runner ?? { kind: 'native' }, program });
    return new TextDecoder().decode(stdout);
  });
}

async function write(dir: string, path: string, contents: string | Uint8Array): Promise<void> {
  await mkdir(dirname(join(dir, path)), { recursive: true });
  await writeFile(join(dir, path), contents);
}

/** Guard bytes around arena and outputs must survive. */
function testFunction({ prefix, ports, arenaBytes }: Bundle, { graph, inputs = randomInputs(graph, 7) }: Case): string {
  const values = evaluate(graph, inputs);
  const bytes = (data: Int8Array) => `{${data.join(',')}}`;
  const inputNames = inputs.map((_, i) => `${prefix}_in${i}`);
  const outputs = graph.outputs.map((port) => values.get(port.tensor)!);
  const outputNames = outputs.map((_, i) => `${prefix}_out${i}`);
  const checks = outputs.map(
    (data, i) =>
      `  check("${prefix} ${ports[inputs.length + i]!.name}", ${outputNames[i]}, ${prefix}_want${i}, ${data.length});`,
  );
  return [
    ...inputs.map((data, i) => `static const int8_t ${inputNames[i]}[] = ${bytes(data)};`),
    ...outputs.map((data, i) => `static const int8_t ${prefix}_want${i}[] = ${bytes(data)};`),
    ...outputs.map((data, i) => `static int8_t ${outputNames[i]}[${data.length}];`),
    `static _Alignas(16) int8_t ${prefix}_arena[${arenaBytes} + 64];`,
    `static void test_${prefix}(void) {`,
    `  memset(${prefix}_arena, 0x5a, sizeof ${prefix}_arena);`,
    `  if (${prefix}_run(${[...inputNames, ...outputNames].join(', ')}, ${prefix}_arena) != 0) puts("${prefix} fails");`,
    ...checks,
    `  for (int i = 0; i < 64; i++) if (${prefix}_arena[${arenaBytes} + i] != 0x5a) puts("${prefix}: arena overrun");`,
    '}',
  ].join('\n');
}

function mainText(tests: string, bundles: readonly Bundle[]): string {
  return `#include <stdint.h>
#include <stdio.h>
#include <string.h>
${bundles.map(({ prefix }) => `#include "${prefix}.h"`).join('\n')}
static void check(const char *name, const int8_t *have, const int8_t *want, int n) {
  for (int i = 0; i < n; i++) {
    if (have[i] != want[i]) {
      printf("%s[%d]: %d instead of %d\\n", name, i, have[i], want[i]);
      return;
    }
  }
}
${tests}
int main(void) {
${bundles.map(({ prefix }) => `  test_${prefix}();`).join('\n')}
  return 0;
}
`;
}
