import { canCountInstructions } from '../../src/build/plugin.ts';

/**
 * Whether tests that count instructions run: where QEMU has plugins, which Debian 13's has not. In CI always, so that a plugin
 * that is missing there is a failure.
 */
export const countsInstructions = process.env['CI'] !== undefined || (await canCountInstructions());
