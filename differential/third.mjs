// A third opinion, when wasmi and wasmrun differ: makes the calls of a case under the engine of node.
//
//   wasmrun-differential --seed N --dump --out DIR
//   node --experimental-wasm-multi-memory --experimental-wasm-extended-const third.mjs DIR N
//
// Prints one line for each call, as --dump does. Host functions are those of src/host.rs.
import { readFileSync } from "node:fs";

const [dir, seed] = process.argv.slice(2);
const { units, calls } = JSON.parse(readFileSync(`${dir}/seed-${seed}.json`, "utf8"));
const u64 = (v) => BigInt.asUintN(64, v);
const view = new DataView(new ArrayBuffer(8));
const f32bits = (v) => (Number.isNaN(v) ? 0x7fc00000n : (view.setFloat32(0, v), BigInt(view.getUint32(0))));
const f64bits = (v) => (Number.isNaN(v) ? 0x7ff8000000000000n : (view.setFloat64(0, v), view.getBigUint64(0)));
const mix = (hash, word) => {
  const x = u64((hash ^ word) * 0x9e3779b97f4a7c15n);
  return x ^ (x >> 29n);
};
const bits = {
  i32: (v) => BigInt(v >>> 0),
  i64: u64,
  f32: f32bits,
  f64: f64bits,
  funcref: (v) => (v === null ? 1n : 0n),
  externref: (v) => (v === null ? 0n : BigInt(v) + 1n),
};
const funcs = {
  nothing: [[], []],
  i32: [["i32"], ["i32"]],
  i64: [["i64", "i32"], ["i64"]],
  f32: [["f32", "f32", "f32"], ["f32"]],
  f64: [["f64"], ["f64"]],
  mixed: [["i32", "f64", "i64", "f32"], ["f64"]],
  grows: [["i32"], ["i32", "f64", "i64", "f32", "i32"]],
  shrinks: [["f32", "i64", "f64", "i32", "i32", "i64"], ["i64", "f32"]],
  external: [["externref", "i32"], ["externref"]],
  poke: [["i32"], ["i32"]],
  grow: [[], ["i32"]],
  call_back: [["i32"], ["i32"]],
};
let log = [0n, 0];
let depth = 0;
// The exports of whoever called: known only while there is one module.
let exports = {};

function answer(name, params, results, args) {
  let hash = BigInt(name.length);
  args.forEach((arg, at) => (hash = mix(hash, bits[params[at]](arg))));
  return results.map((type, at) => {
    const b = mix(hash, BigInt(at));
    switch (type) {
      case "i32": return Number(b & 0xfffn);
      case "i64": return BigInt.asIntN(64, b >> (b & 31n));
      case "f32": return Number(BigInt.asIntN(16, b)) / 8;
      case "f64": return Number(BigInt.asIntN(32, b)) / 16;
      default: return args[params.indexOf("externref")];
    }
  });
}

function host(name, [params, results]) {
  return (...args) => {
    log[1] += 1;
    log[0] = mix(log[0], BigInt(name.length));
    args.forEach((arg, at) => (log[0] = mix(log[0], bits[params[at]](arg))));
    let answers;
    if (name === "poke") {
      let old = 0;
      const at = args[0] & 0x7fff;
      if (exports.m0 && at + 4 <= exports.m0.buffer.byteLength) {
        const memory = new DataView(exports.m0.buffer);
        old = memory.getInt32(at, true);
        memory.setInt32(at, (old + ((args[0] >>> 3) | 1)) | 0, true);
      }
      answers = [old];
    } else if (name === "grow") {
      let old = -1;
      try { old = exports.m0 ? exports.m0.grow(1) : -1; } catch { /* it is at its maximum */ }
      answers = [old];
    } else if (name === "call_back") {
      if (!exports.callback || depth >= 3) return 0;
      depth += 1;
      try { answers = [exports.callback(args[0])]; } finally { depth -= 1; }
    } else {
      answers = answer(name, params, results, args);
    }
    return results.length > 1 ? answers : answers[0];
  };
}

const global = (value, mutable, init) => new WebAssembly.Global({ value, mutable }, init);
const imports = {
  host: {
    ...Object.fromEntries(Object.entries(funcs).map(([name, type]) => [name, host(name, type)])),
    memory: new WebAssembly.Memory({ initial: 1, maximum: 3 }),
    table: new WebAssembly.Table({ element: "anyfunc", initial: 10, maximum: 20 }),
    externs: new WebAssembly.Table({ element: "externref", initial: 4, maximum: 8 }, null),
    global_i32: global("i32", true, 7),
    global_i64: global("i64", true, 1n << 40n),
    global_f32: global("f32", true, 1.5),
    global_f64: global("f64", true, -2.5),
    global_extern: global("externref", true, null),
    global_const: global("i32", false, 1000),
  },
};
const instances = units.map((unit) => {
  const module = new WebAssembly.Module(readFileSync(`${dir}/seed-${seed}-${unit}.wasm`));
  const instance = new WebAssembly.Instance(module, imports);
  imports[unit] = instance.exports;
  return instance;
});
const value = ([type, v]) => {
  switch (type) {
    case "i64": return BigInt(v);
    case "f32": return (view.setUint32(0, Number(v)), view.getFloat32(0));
    case "f64": return (view.setBigUint64(0, BigInt(v)), view.getFloat64(0));
    case "funcref": return null;
    default: return v;
  }
};
calls.forEach(([unit, func, args], at) => {
  for (const { exports } of instances) if (exports.fuel) exports.fuel.value = 60;
  ({ exports } = instances[unit]);
  let ending;
  try {
    const results = exports[func](...args.map(value));
    ending = results === undefined ? [] : Array.isArray(results) ? results : [results];
    ending = `Returned(${ending.map((v) => (typeof v === "function" ? "some" : Object.is(v, -0) ? "-0" : v)).join(", ")})`;
  } catch (error) {
    ending = `Trapped(${error.message})`;
  }
  console.log(at, ending, `(${log[0]}, ${log[1]})`);
});
