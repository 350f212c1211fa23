import { failed } from '../core/diagnostics.ts';

/** A symbol of an object file. */
export interface ElfSymbol {
  readonly name: string;
  /** Visible to other object files. */
  readonly global: boolean;
  /** False for what the object file needs from elsewhere. */
  readonly defined: boolean;
}

const symbolTable = 2; // SHT_SYMTAB
const writable = 1; // SHF_WRITE
const allocated = 2; // SHF_ALLOC
const executable = 4; // SHF_EXECINSTR

/**
 * The named symbols of a little-endian ELF object, of 32 or 64 bits. Read here, not by `nm`, because the host's nm knows
 * no foreign objects. Source: System V ABI, chapter 4.
 * @throws failed `not-an-object` for anything else
 */
export function readElfSymbols(file: Uint8Array, place: string): readonly ElfSymbol[] {
  return readElf(file, place, symbolsOf);
}

/** Bytes that an object file takes in the memory of the program that it is linked into. */
export interface ObjectSize {
  readonly code: number;
  readonly constants: number;
  /** Variables, initialized or not. */
  readonly data: number;
}

/** @throws failed `not-an-object` */
export function readElfSize(file: Uint8Array, place: string): ObjectSize {
  return readElf(file, place, (elf) => {
    const bytes = (wanted: (flags: number) => boolean): number =>
      elf.sections.reduce((sum, s) => sum + ((s.flags & allocated) !== 0 && wanted(s.flags) ? s.size : 0), 0);
    return {
      code: bytes((flags) => (flags & executable) !== 0),
      constants: bytes((flags) => (flags & (executable | writable)) === 0),
      data: bytes((flags) => (flags & writable) !== 0),
    };
  });
}

function readElf<T>(file: Uint8Array, place: string, read: (elf: Elf) => T): T {
  try {
    return read(openElf(file));
  } catch (error) {
    throw failed(
      { code: 'not-an-object', message: 'the compiler wrote no ELF object that neonarrow can read', place },
      error,
    );
  }
}

interface Elf {
  readonly file: Uint8Array;
  readonly view: DataView;
  readonly wide: boolean;
  readonly sections: readonly Section[];
}

function openElf(file: Uint8Array): Elf {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (view.getUint32(0, false) !== 0x7f454c46 || file[5] !== 1) throw new Error('no little-endian ELF file');
  const wide = file[4] === 2;
  const word = (at: number): number => (wide ? Number(view.getBigUint64(at, true)) : view.getUint32(at, true));
  return { file, view, wide, sections: sectionsOf(view, wide, word) };
}

function symbolsOf({ file, view, wide, sections }: Elf): readonly ElfSymbol[] {
  const tables = sections.filter((s) => s.type === symbolTable);
  return tables.flatMap((table) => {
    const names = sections[table.link]!;
    const size = wide ? 24 : 16;
    // The first entry is always empty.
    return Array.from({ length: table.size / size - 1 }, (_, i) => {
      const at = table.offset + (i + 1) * size;
      const info = view.getUint8(at + (wide ? 4 : 12));
      return {
        name: textAt(file, names.offset + view.getUint32(at, true)),
        global: info >> 4 !== 0,
        defined: view.getUint16(at + (wide ? 6 : 14), true) !== 0,
      };
    }).filter(({ name }) => name !== '');
  });
}

interface Section {
  readonly type: number;
  readonly flags: number;
  readonly offset: number;
  readonly size: number;
  /** For a symbol table, the section of its names. */
  readonly link: number;
}

function sectionsOf(view: DataView, wide: boolean, word: (at: number) => number): readonly Section[] {
  const start = word(wide ? 40 : 32);
  const size = view.getUint16(wide ? 58 : 46, true);
  const count = view.getUint16(wide ? 60 : 48, true);
  return Array.from({ length: count }, (_, i) => {
    const at = start + i * size;
    return {
      type: view.getUint32(at + 4, true),
      flags: word(at + 8),
      offset: word(at + (wide ? 24 : 16)),
      size: word(at + (wide ? 32 : 20)),
      link: view.getUint32(at + (wide ? 40 : 24), true),
    };
  });
}

function textAt(file: Uint8Array, start: number): string {
  return new TextDecoder().decode(file.subarray(start, file.indexOf(0, start)));
}
