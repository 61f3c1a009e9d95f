-- Tables, strings, closures, metatables and the garbage collector; raises no errors, uses no coroutines.
local scale = tonumber((...)) or 1

local function checksum(sum, value)
  return (sum * 31 + value) % 4294967291
end

-- Objects with a metatable and virtual methods.
local Shape = {}
Shape.__index = Shape
function Shape.new(w, h) return setmetatable({ w = w, h = h }, Shape) end
function Shape:area() return self.w * self.h end
function Shape.__add(a, b) return Shape.new(a.w + b.w, a.h + b.h) end

local function objects(n)
  local sum, acc = 0, Shape.new(0, 0)
  for i = 1, n do
    local s = Shape.new(i % 17, i % 23)
    acc = acc + s
    sum = checksum(sum, s:area())
  end
  return checksum(sum, acc:area())
end

-- The n queens, by backtracking over arrays.
local function queens(n)
  local columns, up, down, solutions = {}, {}, {}, 0
  local function place(row)
    if row > n then
      solutions = solutions + 1
      return
    end
    for c = 1, n do
      if not columns[c] and not up[row + c] and not down[row - c + n] then
        columns[c], up[row + c], down[row - c + n] = true, true, true
        place(row + 1)
        columns[c], up[row + c], down[row - c + n] = nil, nil, nil
      end
    end
  end
  place(1)
  return solutions
end

-- Words counted in a hash table, then sorted by a comparator.
local function words(n)
  local seed, counts, order = 7, {}, {}
  for _ = 1, n do
    seed = (seed * 16807) % 2147483647
    local word = string.format("w%x", seed % 997)
    if not counts[word] then
      counts[word] = 0
      order[#order + 1] = word
    end
    counts[word] = counts[word] + 1
  end
  table.sort(order, function(a, b)
    if counts[a] ~= counts[b] then return counts[a] > counts[b] end
    return a < b
  end)
  local sum = 0
  for i, word in ipairs(order) do
    sum = checksum(sum, counts[word] * i + #word)
  end
  return sum
end

-- Patterns and concatenation.
local function strings(n)
  local parts = {}
  for i = 1, n do
    parts[#parts + 1] = ("key%d=%d;"):format(i, i * i % 1000)
  end
  local text, sum = table.concat(parts), 0
  for key, value in text:gmatch("(%w+)=(%d+);") do
    sum = checksum(sum, #key + tonumber(value))
  end
  local replaced = text:gsub("%d+", function(d) return #d > 2 and "x" or d end)
  return checksum(sum, #replaced + replaced:upper():byte(#replaced // 2))
end

-- Floats in nested arrays.
local function matrix(n)
  local a, b = {}, {}
  for i = 1, n do
    a[i], b[i] = {}, {}
    for j = 1, n do
      a[i][j] = (i * j % 7) / 7
      b[i][j] = (i + j) % 5 / 5
    end
  end
  local trace = 0.0
  for i = 1, n do
    local row = a[i]
    for j = 1, n do
      local s = 0.0
      for k = 1, n do s = s + row[k] * b[k][j] end
      if i == j then trace = trace + s end
    end
  end
  return trace
end

for _ = 1, scale do
  print("objects", objects(60000))
  print("queens", queens(8))
  print("words", words(30000))
  print("strings", strings(8000))
  print("matrix", string.format("%.6f", matrix(70)))
end
