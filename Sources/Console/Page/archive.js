// SPDX-License-Identifier: Apache-2.0
// A zip of a folder's files, made in the browser: stored, not compressed.

const table = new Uint32Array(256).map((_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value >>> 0;
});

function checksum(bytes) {
  let value = 0xffffffff;
  for (const byte of bytes) value = table[(value ^ byte) & 255] ^ (value >>> 8);
  return (value ^ 0xffffffff) >>> 0;
}

/** Files as `<input webkitdirectory>` gives them, by their paths below the folder; what editors and tools leave is left out. */
export function inFolder(files) {
  return [...files]
    .map((file) => ({ path: file.webkitRelativePath.split("/").slice(1).join("/") || file.name, file }))
    .filter(({ path }) => !path.split("/").some((part) => [".git", "__pycache__", ".DS_Store", ".venv"].includes(part)));
}

function header(size, signature) {
  const view = new DataView(new ArrayBuffer(size));
  view.setUint32(0, signature, true);
  return view;
}

// 1980-01-01: an archive of the same files has the same bytes.
const day = 0x21;

/** The archive's bytes. Every file may be executed, as the browser does not say which may. */
export async function zip(entries) {
  if (entries.length > 65_535) throw new Error("A folder may have 65,535 files.");
  const parts = [];
  const directory = [];
  let offset = 0;
  let directorySize = 0;
  for (const { path, file } of entries) {
    const name = new TextEncoder().encode(path);
    const bytes = new Uint8Array(await file.arrayBuffer());
    const sum = checksum(bytes);
    const local = header(30, 0x04034b50);
    local.setUint16(4, 20, true);
    // Names are in UTF-8.
    local.setUint16(6, 0x0800, true);
    local.setUint16(12, day, true);
    local.setUint32(14, sum, true);
    local.setUint32(18, bytes.length, true);
    local.setUint32(22, bytes.length, true);
    local.setUint16(26, name.length, true);
    parts.push(new Uint8Array(local.buffer), name, bytes);
    const central = header(46, 0x02014b50);
    // Made on Unix: permissions are those of the external attributes.
    central.setUint16(4, (3 << 8) | 20, true);
    central.setUint16(6, 20, true);
    central.setUint16(8, 0x0800, true);
    central.setUint16(14, day, true);
    central.setUint32(16, sum, true);
    central.setUint32(20, bytes.length, true);
    central.setUint32(24, bytes.length, true);
    central.setUint16(28, name.length, true);
    central.setUint32(38, 0o100755 * 65_536, true);
    central.setUint32(42, offset, true);
    directory.push(new Uint8Array(central.buffer), name);
    offset += 30 + name.length + bytes.length;
    directorySize += 46 + name.length;
  }
  const end = header(22, 0x06054b50);
  end.setUint16(8, entries.length, true);
  end.setUint16(10, entries.length, true);
  end.setUint32(12, directorySize, true);
  end.setUint32(16, offset, true);
  const archive = new Blob([...parts, ...directory, new Uint8Array(end.buffer)]);
  return new Uint8Array(await archive.arrayBuffer());
}
