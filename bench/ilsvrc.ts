import process from 'node:process';
import { writeIlsvrc } from './ilsvrc/write.ts';

/**
 * `npm run ilsvrc -- DIR`: AlexNet at full size with seeded weights, and generated pictures in the place of ILSVRC2012's, to try
 * the command lines of docs/search.md on.
 */

const [folder] = process.argv.slice(2).filter((word) => word !== '--');
if (folder === undefined) {
  process.stderr.write('usage: npm run ilsvrc -- DIR\n');
  process.exit(2);
}
await writeIlsvrc(folder, { train: 48, val: 32 });
process.stdout.write(`wrote ${folder}: alexnet.onnx, alexnet.json, synsets.txt, 48 pictures in train, 32 in val\n`);
