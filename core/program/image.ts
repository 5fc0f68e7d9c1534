export type Architecture = "x86_64" | "aarch64";
export interface Instruction {
  readonly nr: number;
  readonly policy: number;
  readonly save: number;
  readonly errno: number;
  readonly jump: number;
  readonly log: number;
  readonly kinds: number;
  readonly args: readonly (number | bigint)[];
}
export const POLICY = {
  FAIL: 0,
  IGNORE_ANY: 1,
  IGNORE_ERRNO: 2,
  JUMP_ON_ERRNO: 3,
  JUMP_ON_ANY: 4,
  JUMP_IF_ZERO: 5,
  FAIL_IF_ZERO: 6,
} as const;
export const PSEUDO = { JUMP: 0x1000, STORE32: 0x1001, LOAD32: 0x1002, MOVE: 0x1003, JUMP_IF_EQUAL: 0x1004 } as const;
export const REGISTERS = 64, SOCKET_REGISTER = 1;
export const MESSAGE = { FAILED: 1, LOG: 2, ASK: 16 } as const;
const CODE = Uint8Array.from(
  "41bc0014510041bd00105100410fb75c240c4d8d7c2410bd00125100b906000000498b0789da83e203740a83fa017405498b44c500488945004883c5084983c708c1eb02ffc975d9418b0424498bbd00020000498bb508020000498b95100200004d8b95180200004d8b85200200004d8b8d280200003d0010000072340f84ab0000003d0110000074193d0210000074163d0310000074144839f70f848d000000eb38893eeb34486307eb384889f8eb330f05410fb64c2404483d01f0ffff7330410fb6542405498944d5004885c0750a83f905745883f90674684983c440e928ffffff410fb6542405498944d500ebea83f8fc0f844effffff83f90174e583f904741f410fb754240648f7da83f90275074839d074cdeb2a83f90375254839d07520410fb6542405498944d500418b44240848c1e0064c8da000145100e9c9fefffff7d8418985080200004c89e14881e90014510048c1e90641898d0402000041c7850002000001000000410fb65c240e85db743d31c0498b7cdd00498db534020000ba800100000f054885c07e2341c7853002000002000000488d5004b801000000498b7d08498db5300200000f05ebc3b801000000498b7d08498db500020000ba0c0000000f05b8e7000000bf010000000f05"
    .match(/../g)!,
  (h) => parseInt(h, 16),
);
const DATA = 0x511000n, HEAD = 0x400;
export function buildImage(
  _arch: Architecture,
  instructions: readonly Instruction[],
  data: Uint8Array,
  relocations: readonly number[],
  socket: number,
): Uint8Array<ArrayBuffer> {
  const blobs = HEAD + 64 * instructions.length, size = 0x1000 + blobs + data.length;
  const out = new Uint8Array(new ArrayBuffer(size));
  const h = new DataView(out.buffer);
  out.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0]);
  h.setUint16(16, 2, true);
  h.setUint16(18, 62, true);
  h.setUint32(20, 1, true);
  h.setBigUint64(24, 0x400100n, true);
  h.setBigUint64(32, 64n, true);
  h.setUint16(52, 64, true);
  h.setUint16(54, 56, true);
  h.setUint16(56, 3, true);
  const ph = (n: number, t: number, f: number, o: number, va: bigint, fs: number) => {
    const b = 64 + 56 * n;
    h.setUint32(b, t, true);
    h.setUint32(b + 4, f, true);
    h.setBigUint64(b + 8, BigInt(o), true);
    h.setBigUint64(b + 16, va, true);
    h.setBigUint64(b + 24, va, true);
    h.setBigUint64(b + 32, BigInt(fs), true);
    h.setBigUint64(b + 40, BigInt(fs), true);
    h.setBigUint64(b + 48, 0x10000n, true);
  };
  ph(0, 1, 5, 0, 0x400000n, 0x100 + CODE.length);
  ph(1, 1, 6, 0x1000, DATA, blobs + data.length);
  ph(2, 0x6474e551, 6, 0, 0n, 0);
  out.set(CODE, 0x100);
  out.set(data, 0x1000 + blobs);
  h.setBigUint64(0x1008, BigInt(socket), true);
  const base = DATA + BigInt(blobs);
  instructions.forEach((i, n) => {
    const o = 0x1000 + HEAD + 64 * n;
    h.setUint32(o, i.nr, true);
    h.setUint8(o + 4, i.policy);
    h.setUint8(o + 5, i.save);
    h.setUint16(o + 6, i.errno, true);
    h.setUint32(o + 8, i.jump, true);
    h.setUint16(o + 12, i.kinds, true);
    h.setUint8(o + 14, i.log);
    i.args.forEach((x, k) =>
      h.setBigUint64(
        o + 16 + 8 * k,
        BigInt.asUintN(64, BigInt(x) + (((i.kinds >> (2 * k)) & 3) === 1 ? base : 0n)),
        true,
      )
    );
  });
  for (const r of relocations) {
    h.setBigUint64(0x1000 + blobs + r, h.getBigUint64(0x1000 + blobs + r, true) + base, true);
  }
  return out;
}

/** The whole pages that hold nothing but the first `count` instructions. */
export function spentInstructions(count: number): { from: number; length: number } {
  const PAGE = 4096, start = Number(DATA) + HEAD, end = start + 64 * count;
  const from = Math.ceil(start / PAGE) * PAGE;
  return { from, length: Math.max(0, Math.floor(end / PAGE) * PAGE - from) };
}
