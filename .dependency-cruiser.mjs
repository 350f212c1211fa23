// The house rule of docs and DESIGN §2: imports point down only. Reads as a list from the bottom to the top; a folder may
// import its own level and the levels below it.
const levels = [
  ['core', 'numeric'],
  ['graph'],
  ['ops'],
  ['proof'],
  ['onnx', 'passes', 'interpret', 'data', 'quantize'],
  ['targets', 'kernels'],
  ['plan'],
  ['emit'],
  ['build'],
  ['verify', 'bench'],
  ['report', 'regress'],
  ['stages'],
  ['pipeline.ts'],
  ['cli'],
  ['main.ts'],
];

const pathOf = (level) => `^src/(${level.map((name) => (name.endsWith('.ts') ? name : `${name}/`)).join('|')})`;

const downwards = levels.slice(0, -1).map((level, index) => ({
  name: `${level.join('-')}-imports-down-only`,
  severity: 'error',
  comment: `${level.join(', ')} must not import from a level above (DESIGN §2).`,
  from: { path: pathOf(level) },
  to: { path: pathOf(levels.slice(index + 1).flat()) },
}));

/** Only these folders may import that npm package: one place to change when it is replaced. */
const keptIn = (packageName, ...folders) => ({
  name: `${packageName}-only-in-${folders.join('-').replaceAll('/', '')}`,
  severity: 'error',
  comment: `Only src/${folders.join(', src/')} may import ${packageName}.`,
  from: { path: '^src/', pathNot: `^src/(${folders.join('|')})` },
  to: { path: `(^|/)node_modules/${packageName}/` },
});

export default {
  forbidden: [
    ...downwards,
    {
      name: 'core-imports-nothing',
      severity: 'error',
      comment: 'core is the floor: it must not import from any other folder, numeric included.',
      from: { path: '^src/core/' },
      to: { path: '^src/', pathNot: '^src/core/' },
    },
    {
      name: 'interpret-is-independent',
      severity: 'error',
      comment:
        'Bit-exactness is evidence only while the reference shares no code with kernels and emit, even indirectly.',
      from: { path: '^src/interpret/' },
      to: { path: '^src/(kernels|emit|plan)/', reachable: true },
    },
    {
      name: 'no-cycles',
      severity: 'error',
      comment: 'Modules that need each other are one module, or miss a third.',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-unknown-folder',
      severity: 'error',
      comment: 'Every folder of src has its level in .dependency-cruiser.mjs.',
      from: { path: '^src/', pathNot: pathOf(levels.flat()) },
      to: {},
    },
    {
      name: 'not-to-test',
      severity: 'error',
      comment: 'The product must not import its tests.',
      from: { path: '^src/' },
      to: { path: '^(test|bench|examples)/' },
    },
    {
      name: 'not-unresolvable',
      severity: 'error',
      comment: 'An import that resolves to nothing escapes every other rule.',
      from: { path: '^src/' },
      to: { couldNotResolve: true },
    },
    {
      name: 'not-a-dev-dependency',
      severity: 'error',
      comment: 'A package that only development installs is missing for users.',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg'], dependencyTypesNot: ['type-only'] },
    },
    keptIn('handlebars', 'emit/'),
    keptIn('onnx-proto', 'onnx/'),
    // Whoever loads it elsewhere could load it before its telemetry is off.
    keptIn('onnxruntime-node', 'onnx/runtime.ts'),
    keptIn('execa', 'build/'),
    keptIn('commander', 'cli/', 'main.ts'),
    keptIn('cli-progress', 'cli/'),
    keptIn('cli-table3', 'cli/'),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    // Type imports count: a type from above is knowledge of what is above.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
