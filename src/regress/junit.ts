import type { Change } from './compare.ts';
import type { ProgramResult, RegressResults } from './result.ts';

/**
 * The results as JUnit XML, which CI systems show: a suite a bundle, a case for each program and CPU model, and for each
 * program one about what it costs, which fails where `strict` and something is worse.
 */
export function junitXml(results: RegressResults, changes: readonly Change[], strict: boolean): string {
  const bundles = [...new Set(results.programs.map(({ bundle }) => bundle))];
  const suites = bundles.map((bundle) => {
    const own = results.programs.filter((program) => program.bundle === bundle);
    const others = changes.filter((c) => c.bundle === bundle && !own.some(({ build }) => build === c.build));
    const cases = [
      ...own.flatMap((program) => casesOf(program, changes, strict)),
      ...others.map((c) => costCase(c.bundle, c.build, [c], strict)),
    ];
    const failures = cases.filter((text) => text.includes('<failure')).length;
    return `  <testsuite name="${escaped(bundle)}" tests="${cases.length}" failures="${failures}">\n${cases.join('')}  </testsuite>\n`;
  });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="neonarrow regress">\n${suites.join('')}</testsuites>\n`;
}

function casesOf(program: ProgramResult, changes: readonly Change[], strict: boolean): string[] {
  const { bundle, build, runs } = program;
  const own = changes.filter((c) => c.bundle === bundle && c.build === build);
  const replays = runs.map(({ cpu, ok, first, mismatches, vectors }) => {
    const failure = ok ? [] : [`${mismatches} mismatches in ${vectors} vectors`, first ?? ''];
    return testCase(bundle, `${build}, ${cpu}`, failure, '');
  });
  return [...replays, costCase(bundle, build, own, strict)];
}

function costCase(bundle: string, build: string, changes: readonly Change[], strict: boolean): string {
  const lines = changes.map(({ what, text }) => `${what}: ${text}`);
  const worse = changes.filter((c) => c.worse && strict).map(({ what, text }) => `${what}: ${text}`);
  return testCase(
    bundle,
    `${build}, against the last run`,
    worse.length > 0 ? ['worse', ...worse] : [],
    lines.join('\n'),
  );
}

function testCase(bundle: string, name: string, [message, ...details]: readonly string[], output: string): string {
  const head = `    <testcase classname="${escaped(bundle)}" name="${escaped(name)}"`;
  const failure =
    message === undefined
      ? ''
      : `      <failure message="${escaped(message)}">${escaped(details.join('\n'))}</failure>\n`;
  const said = output === '' ? '' : `      <system-out>${escaped(output)}</system-out>\n`;
  return failure + said === '' ? `${head}/>\n` : `${head}>\n${failure}${said}    </testcase>\n`;
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** Text for XML 1.0, which has no place for most control characters. */
function escaped(text: string): string {
  const allowed = text.replaceAll(/\p{Cc}/gu, (char) => (char === '\n' || char === '\t' ? char : '?'));
  return allowed.replaceAll(/[&<>"]/g, (char) => entities[char]!);
}
