import type { BundleLayout } from './layout.ts';
import { plainText } from './text.ts';
import type { FileHead } from './types.ts';

/** @param model prefix of all symbols */
export function fileHead(model: string, version: string, { license, copyright }: BundleLayout): FileHead {
  const legal = [
    ...(license === undefined ? [] : [`SPDX-License-Identifier: ${plainText(license)}`]),
    ...(copyright === undefined ? [] : [`SPDX-FileCopyrightText: ${plainText(copyright)}`]),
  ];
  return { model, MODEL: model.toUpperCase(), version, legal };
}
