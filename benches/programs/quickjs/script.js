// Objects, closures, strings, regular expressions, typed arrays and the garbage collector.
"use strict";
const scale = Number(scriptArgs[0] ?? 1);

const checksum = (sum, value) => (Math.imul(sum, 31) + value) | 0;

// Classes with inheritance: a small rope of tasks.
class Task {
  constructor(id, cost) { this.id = id; this.cost = cost; this.done = 0; }
  step() { this.done++; return this.done >= this.cost; }
}
class Slow extends Task {
  step() { return super.step() && (this.id & 1) === 0 || this.done > 2 * this.cost; }
}

function scheduler(n) {
  let queue = [], sum = 0;
  for (let i = 0; i < n; i++) queue.push(i % 3 ? new Task(i, i % 13 + 1) : new Slow(i, i % 7 + 1));
  while (queue.length > 0) {
    const next = [];
    for (const task of queue) {
      if (task.step()) sum = checksum(sum, task.id * task.done);
      else next.push(task);
    }
    queue = next;
  }
  return sum;
}

// Maps, sets and sorting by a comparator.
function collections(n) {
  const counts = new Map(), seen = new Set();
  let seed = 7;
  for (let i = 0; i < n; i++) {
    seed = seed * 16807 % 2147483647;
    const key = "k" + (seed % 997).toString(16);
    counts.set(key, (counts.get(key) ?? 0) + 1);
    seen.add(seed & 255);
  }
  const order = [...counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
  return order.reduce((sum, [key, count], i) => checksum(sum, count * i + key.length), seen.size);
}

// Strings, regular expressions, JSON.
function texts(n) {
  const records = [];
  for (let i = 0; i < n; i++) records.push({ id: i, name: `item-${i * 7919 % 1000}`, tags: [i % 3, i % 5] });
  const text = JSON.stringify(records);
  let sum = 0;
  for (const match of text.matchAll(/"name":"(\w+)-(\d+)"/g)) sum = checksum(sum, match[1].length + Number(match[2]));
  const upper = text.replace(/item/g, (word) => word.toUpperCase());
  const back = JSON.parse(upper);
  for (const { id, name, tags: [a, b] } of back) sum = checksum(sum, id + name.charCodeAt(0) + a * b);
  return checksum(sum, upper.length);
}

// A typed array as a grid: the game of life.
function life(size, generations) {
  let grid = new Uint8Array(size * size), next = new Uint8Array(size * size);
  for (let i = 0; i < grid.length; i++) grid[i] = i * 7 % 11 < 4 ? 1 : 0;
  for (let g = 0; g < generations; g++) {
    for (let y = 0; y < size; y++) {
      const up = ((y + size - 1) % size) * size, here = y * size, down = ((y + 1) % size) * size;
      for (let x = 0; x < size; x++) {
        const l = (x + size - 1) % size, r = (x + 1) % size;
        const n = grid[up + l] + grid[up + x] + grid[up + r] + grid[here + l] + grid[here + r] +
          grid[down + l] + grid[down + x] + grid[down + r];
        next[here + x] = n === 3 || (n === 2 && grid[here + x] === 1) ? 1 : 0;
      }
    }
    [grid, next] = [next, grid];
  }
  return grid.reduce((sum, cell, i) => checksum(sum, cell * i), 0);
}

// Closures and generators.
function* numbers(limit) { for (let i = 0; i < limit; i++) yield i; }
function closures(n) {
  const compose = (...fs) => (x) => fs.reduce((v, f) => f(v), x);
  const f = compose((x) => x + 1, (x) => Math.imul(x, 3), (x) => x ^ 0x55);
  let sum = 0;
  for (const i of numbers(n)) sum = checksum(sum, f(i));
  return sum;
}

for (let i = 0; i < scale; i++) {
  print("scheduler", scheduler(6000));
  print("collections", collections(20000));
  print("texts", texts(2000));
  print("life", life(64, 12));
  print("closures", closures(15000));
}
