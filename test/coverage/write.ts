import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { operatorsPage } from './page.ts';

writeFileSync(join(import.meta.dirname, '../../docs/operators.md'), operatorsPage());
