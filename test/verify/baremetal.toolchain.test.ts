import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { compileProgram } from '../../src/build/compile.ts';
import { execute } from '../../src/build/execute.ts';
import { type Runner, runProgram } from '../../src/build/run.ts';
import { bareToolchains, type Toolchain } from '../../src/build/toolchains.ts';
import { armv8a } from '../../src/targets/armv8-a.ts';
import type { VerifiedProgram } from '../../src/verify/program.ts';
import { buildHarness, findSources } from '../../src/verify/programs.ts';
import { verifyProgram } from '../../src/verify/verify.ts';
import { convGraph } from '../helpers/reductions.ts';
import { writeTestBundle } from './bundle.ts';

/** Programs without an operating system, on QEMU's board. */

let root: string;
let dir: string;
let program: VerifiedProgram;
let toolchains: readonly Toolchain[];
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'neonarrow-bare-'));
  dir = join(root, 'bare');
  const graph = convGraph('bare', { height: 5, width: 6, channels: 16, outputs: 9, kernel: [3, 3] });
  program = await writeTestBundle(dir, graph, [], { runtime: 'baremetal', weights: 'binary', arena: 'static' });
  toolchains = await bareToolchains(armv8a);
});
afterAll(() => rm(root, { recursive: true }));

test('a bundle verifies, compiled with gcc and with clang', async () => {
  const result = await verifyProgram(dir, program, { samples: [], budget: 2e6, toolchains });
  expect(result).toMatchObject({ verified: true, mismatches: 0 });
  expect(result.runs.map(({ cpu }) => cpu)).toContain('cortex-a53 (bare metal)');
});

test('its Makefile replays the golden vectors, and a changed vector fails', async () => {
  const check = (): ReturnType<typeof execute> => {
    const args = ['-s', '-C', dir, 'check-baremetal', 'CROSS_COMPILE=aarch64-linux-gnu-'];
    return execute({ command: 'make', args, timeoutMs: 120_000 });
  };
  const good = await check();
  expect(good, good.stderr).toMatchObject({ exitCode: 0 });
  expect(text(good.stdout)).toMatch(/^vectors 2 bytes \d+ mismatches 0\n$/);
  // The vectors' own checksum would find it first.
  const source = join(dir, 'src', 'bare.c');
  const original = await readFile(source, 'utf8');
  await writeFile(
    source,
    original.replace(/ {2}return BARE_OK(?![\s\S]*return BARE_OK)/, '  output[1] ^= 1;\n  return BARE_OK'),
  );
  const bad = await check();
  expect(bad.exitCode).not.toBe(0);
  expect(text(bad.stdout)).toMatch(/^mismatch vector 0 output 0 differs.*\nvectors 2 bytes \d+ mismatches [1-9]/);
  await writeFile(source, original);
});

test.each(['virt', 'virt,virtualization=on', 'virt,secure=on', 'virt,secure=on,virtualization=on'])(
  'starts on -M %s: from EL1, EL2 and EL3',
  async (machine) => {
    const path = await buildHarness(await findSources(dir, 'bare'), toolchains[0]!, join(root, 'levels'));
    const semihosting = `enable=on,target=native,chardev=console,arg=bare,arg=${dir}/test/bare.vectors`;
    const { tool } = toolchains[0]!.runners[0] as Extract<Runner, { kind: 'board' }>;
    const board = [
      '-M',
      machine,
      '-cpu',
      'cortex-a53',
      '-m',
      '256M',
      '-display',
      'none',
      '-serial',
      'none',
      '-nic',
      'none',
    ];
    const host = [
      '-monitor',
      'none',
      '-chardev',
      'stdio,id=console',
      '-semihosting-config',
      semihosting,
      '-kernel',
      path,
    ];
    const outcome = await execute({ command: tool.command, args: [...board, ...host], timeoutMs: 60_000 });
    expect(text(outcome.stdout)).toContain('mismatches 0');
    expect(outcome.exitCode).toBe(0);
  },
);

test.each([
  ['gives the exit code', "return argc == 3 && argv[2][0] == 'x' ? 7 : 1;", 7, ''],
  [
    'stops at an address that is not there',
    '*(volatile int *)(argc + 0x9000000000) = 1; return 0;',
    3,
    'exception: ESR_EL1 ',
  ],
  [
    'prints what the harness prints',
    'printf("%s %d %zu %08x %lu|%d\\n", argv[0] ? "a" : "", -2147483647 - 1, (size_t)12, 0xbeefu, 18446744073709551615ul, 0); return 0;',
    0,
    'a -2147483648 12 0000beef 18446744073709551615|0\n',
  ],
  [
    'moves memory',
    `static char a[40]; for (int i = 0; i < 40; i++) a[i] = (char)i;
     memmove(a + 3, a, 30); int bad = a[3] != 0 || a[32] != 29; memmove(a, a + 3, 30); bad += a[29] != 29 || a[0] != 0;
     memset(a + 1, 7, 21); bad += a[0] != 0 || a[1] != 7 || a[21] != 7 || a[22] != 22;
     memcpy(a + 2, a + 13, 17); bad += a[10] != 7 || a[11] != 22 || a[18] != 29;
     return bad + (memcmp(a + 11, a + 22, 8) != 0) + (memcmp("ab", "ac", 2) >= 0);`,
    0,
    '',
  ],
])('the runtime %s', async (name, body, exitCode, printed) => {
  const main = join(root, 'main.c');
  const head =
    '#include <stdio.h>\n#include <string.h>\nint main(int argc, char **argv)\n{\n  (void)argc; (void)argv;\n';
  await writeFile(main, `${head}${body}\n}\n`);
  const folder = join(dir, 'baremetal');
  const own = (await readdir(folder)).filter((file) => /\.[cS]$/.test(file)).map((file) => join(folder, file));
  const { compiler, runners } = toolchains[1]!;
  const path = await compileProgram(
    {
      compiler,
      optimization: '-O2',
      sources: [main, ...own],
      includeDirs: [join(folder, 'include')],
      outDir: root,
      linkerScript: join(folder, 'link.ld'),
    },
    'main',
  );
  const seen = await runProgram({ runner: runners[0]!, program: path, args: ['a', 'x'] });
  expect({ name, exitCode: seen.exitCode }).toEqual({ name, exitCode });
  expect(text(seen.stdout) + seen.stderr).toContain(printed);
});
