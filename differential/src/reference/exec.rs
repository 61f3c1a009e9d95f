//! Instructions that are not numeric. Spec: exec/instructions.html

use std::rc::Rc;

use wasmparser::{BlockType, MemArg, MemArgTarget, Operator};

use super::{Body, Cell, Code, Host, Item, Store, numeric};
use crate::value::Trap;

/// Calls in calls. How deep a stack is, is each engine's own choice.
const MAX_DEPTH: u32 = 3000;
/// Instructions of all calls of a case together: some functions call themselves so often that no engine would end.
const MAX_STEPS: u64 = 30_000_000;

/// Where a branch goes and what it takes along.
struct Label {
    /// Height of the stack below its values.
    height: usize,
    arity: usize,
    /// Where it goes on.
    target: usize,
    is_loop: bool,
}

/// How a body ended.
enum Ended {
    Returned,
    /// With the arguments on the stack.
    TailCall(usize),
}

/// A range of a memory or table.
fn range(at: u32, count: u32, len: usize, trap: Trap) -> Result<std::ops::Range<usize>, Trap> {
    let (at, end) = (at as usize, at as usize + count as usize);
    if end > len { Err(trap) } else { Ok(at..end) }
}

impl<'m> Store<'m> {
    fn pop(&mut self) -> Cell {
        self.stack.pop().expect("validated: an operand is there")
    }

    fn pop_u32(&mut self) -> u32 {
        self.pop() as u32
    }

    /// Calls a function whose arguments are on the stack; its results replace them.
    pub(super) fn invoke(&mut self, host: &mut dyn Host<'m>, mut func: usize) -> Result<(), Trap> {
        if self.depth == MAX_DEPTH {
            return Err(Trap::StackExhausted);
        }
        self.depth += 1;
        let caller = self.running;
        loop {
            let params = self.funcs[func].signature.params.len();
            let args = self.stack.split_off(self.stack.len() - params);
            let code = match &self.funcs[func].body {
                &Body::Host(index) => {
                    let results = host.call(self, index, &args)?;
                    self.stack.extend(results);
                    break;
                }
                Body::Code(code) => Rc::clone(code),
            };
            self.running = code.instance;
            match self.body(host, func, &code, args)? {
                Ended::Returned => break,
                Ended::TailCall(next) => func = next,
            }
        }
        self.running = caller;
        self.depth -= 1;
        Ok(())
    }

    fn body(
        &mut self,
        host: &mut dyn Host<'m>,
        func: usize,
        code: &Code<'m>,
        mut locals: Vec<Cell>,
    ) -> Result<Ended, Trap> {
        locals.resize(locals.len() + code.locals, 0);
        let results = self.funcs[func].signature.results.len();
        let end = code.operators.len();
        let mut labels = vec![Label {
            height: self.stack.len(),
            arity: results,
            target: end,
            is_loop: false,
        }];
        let mut at = 0;
        while at < end {
            let operator = &code.operators[at];
            at += 1;
            self.steps += 1;
            if self.steps > MAX_STEPS {
                return Err(Trap::TooLong);
            }
            if let Some(done) = numeric::execute(operator, &mut self.stack) {
                done?;
                continue;
            }
            let depth = match operator {
                Operator::Block { blockty } => {
                    let (params, results) = self.arity(code, *blockty);
                    let height = self.stack.len() - params;
                    labels.push(Label {
                        height,
                        arity: results,
                        target: code.ends[at - 1].1 + 1,
                        is_loop: false,
                    });
                    continue;
                }
                Operator::Loop { blockty } => {
                    let (params, _) = self.arity(code, *blockty);
                    let height = self.stack.len() - params;
                    labels.push(Label {
                        height,
                        arity: params,
                        target: at,
                        is_loop: true,
                    });
                    continue;
                }
                Operator::If { blockty } => {
                    let holds = self.pop_u32() != 0;
                    let (params, results) = self.arity(code, *blockty);
                    let (middle, end) = code.ends[at - 1];
                    let height = self.stack.len() - params;
                    labels.push(Label {
                        height,
                        arity: results,
                        target: end + 1,
                        is_loop: false,
                    });
                    if !holds {
                        // To the `end` itself where there is no `else`.
                        at = if middle > 0 { middle + 1 } else { end };
                    }
                    continue;
                }
                Operator::Else => {
                    at = code.ends[at - 1].1;
                    continue;
                }
                Operator::End => {
                    labels.pop();
                    continue;
                }
                Operator::Br { relative_depth } => *relative_depth,
                Operator::BrIf { relative_depth } => {
                    if self.pop_u32() == 0 {
                        continue;
                    }
                    *relative_depth
                }
                Operator::BrTable { targets } => {
                    let index = self.pop_u32();
                    let chosen = targets.targets().nth(index as usize);
                    chosen.map_or(targets.default(), |target| target.expect("validated: br_table"))
                }
                Operator::Return => labels.len() as u32 - 1,
                Operator::ReturnCall { function_index } => {
                    let callee = self.instances[code.instance].funcs[*function_index as usize];
                    return Ok(self.tail_call(callee, &labels[0]));
                }
                Operator::ReturnCallIndirect {
                    type_index,
                    table_index,
                } => {
                    let callee = self.indirect(code.instance, *type_index, *table_index)?;
                    return Ok(self.tail_call(callee, &labels[0]));
                }
                Operator::Call { function_index } => {
                    let callee = self.instances[code.instance].funcs[*function_index as usize];
                    self.invoke(host, callee)?;
                    continue;
                }
                Operator::CallIndirect {
                    type_index,
                    table_index,
                } => {
                    let callee = self.indirect(code.instance, *type_index, *table_index)?;
                    self.invoke(host, callee)?;
                    continue;
                }
                Operator::LocalGet { local_index } => {
                    self.stack.push(locals[*local_index as usize]);
                    continue;
                }
                Operator::LocalSet { local_index } => {
                    locals[*local_index as usize] = self.pop();
                    continue;
                }
                Operator::LocalTee { local_index } => {
                    locals[*local_index as usize] = *self.stack.last().expect("validated: an operand is there");
                    continue;
                }
                other => {
                    self.simple(code.instance, other)?;
                    continue;
                }
            };
            // A branch.
            let to = labels.len() - 1 - depth as usize;
            let label = &labels[to];
            at = label.target;
            self.keep(label.height, label.arity);
            labels.truncate(if label.is_loop { to + 1 } else { to });
        }
        Ok(Ended::Returned)
    }

    /// Drops what is above `height` but the last `count`.
    fn keep(&mut self, height: usize, count: usize) {
        let from = self.stack.len() - count;
        self.stack.drain(height..from);
    }

    fn tail_call(&mut self, callee: usize, own: &Label) -> Ended {
        let params = self.funcs[callee].signature.params.len();
        self.keep(own.height, params);
        Ended::TailCall(callee)
    }

    fn arity(&self, code: &Code<'m>, ty: BlockType) -> (usize, usize) {
        match ty {
            BlockType::Empty => (0, 0),
            BlockType::Type(_) => (0, 1),
            BlockType::FuncType(index) => {
                let ty = &self.instances[code.instance].types[index as usize];
                (ty.params.len(), ty.results.len())
            }
        }
    }

    /// The function an indirect call means.
    fn indirect(&mut self, instance: usize, ty: u32, table: u32) -> Result<usize, Trap> {
        let index = self.pop_u32() as usize;
        let instance = &self.instances[instance];
        let elements = &self.tables[instance.tables[table as usize]].elements;
        let func = *elements.get(index).ok_or(Trap::TableOutOfBounds)?;
        let func = func.checked_sub(1).ok_or(Trap::NullElement)? as usize;
        if self.funcs[func].signature != instance.types[ty as usize] {
            return Err(Trap::WrongSignature);
        }
        Ok(func)
    }

    /// What neither jumps nor calls nor touches locals.
    fn simple(&mut self, instance: usize, operator: &Operator<'_>) -> Result<(), Trap> {
        use Operator::*;
        let item = |kind: fn(usize) -> Item, index: u32| {
            let instance = &self.instances[instance];
            let index = index as usize;
            match kind(0) {
                Item::Memory(_) => instance.memories[index],
                Item::Table(_) => instance.tables[index],
                Item::Global(_) => instance.globals[index],
                Item::Func(_) => instance.funcs[index],
            }
        };
        match *operator {
            Unreachable => return Err(Trap::Unreachable),
            Nop => {}
            Drop => drop(self.pop()),
            Select | TypedSelect { .. } => {
                let (holds, b, a) = (self.pop_u32() != 0, self.pop(), self.pop());
                self.stack.push(if holds { a } else { b });
            }
            GlobalGet { global_index } => self.stack.push(self.globals[item(Item::Global, global_index)]),
            GlobalSet { global_index } => {
                let global = item(Item::Global, global_index);
                self.globals[global] = self.pop();
            }
            RefNull { .. } => self.stack.push(0),
            RefIsNull => {
                let null = self.pop() == 0;
                self.stack.push(null as Cell);
            }
            RefFunc { function_index } => {
                let func = item(Item::Func, function_index);
                self.stack.push(func as Cell + 1);
            }

            I32Load { memarg } | F32Load { memarg } | I64Load32U { memarg } => {
                self.load(instance, memarg, |bytes: [u8; 4]| u32::from_le_bytes(bytes) as Cell)?;
            }
            I64Load { memarg } | F64Load { memarg } => self.load(instance, memarg, u64::from_le_bytes)?,
            I32Load8U { memarg } | I64Load8U { memarg } => self.load(instance, memarg, |[byte]| byte as Cell)?,
            I32Load8S { memarg } => self.load(instance, memarg, |[byte]| byte as i8 as i32 as u32 as Cell)?,
            I64Load8S { memarg } => self.load(instance, memarg, |[byte]| byte as i8 as Cell)?,
            I32Load16U { memarg } | I64Load16U { memarg } => {
                self.load(instance, memarg, |bytes| u16::from_le_bytes(bytes) as Cell)?;
            }
            I32Load16S { memarg } => {
                self.load(instance, memarg, |bytes| {
                    i16::from_le_bytes(bytes) as i32 as u32 as Cell
                })?;
            }
            I64Load16S { memarg } => self.load(instance, memarg, |bytes| i16::from_le_bytes(bytes) as Cell)?,
            I64Load32S { memarg } => self.load(instance, memarg, |bytes| i32::from_le_bytes(bytes) as Cell)?,
            I32Store { memarg } | F32Store { memarg } | I64Store32 { memarg } => self.store::<4>(instance, memarg)?,
            I64Store { memarg } | F64Store { memarg } => self.store::<8>(instance, memarg)?,
            I32Store8 { memarg } | I64Store8 { memarg } => self.store::<1>(instance, memarg)?,
            I32Store16 { memarg } | I64Store16 { memarg } => self.store::<2>(instance, memarg)?,
            MemorySize { mem } => {
                let pages = self.memories[item(Item::Memory, mem)].bytes.len() >> 16;
                self.stack.push(pages as Cell);
            }
            MemoryGrow { mem } => {
                let memory = item(Item::Memory, mem);
                let delta = self.pop_u32();
                let old = self.memories[memory].grow(delta);
                self.stack.push(old.unwrap_or(u32::MAX) as Cell);
            }
            MemoryFill { mem } => {
                let memory = item(Item::Memory, mem);
                let (count, value, to) = (self.pop_u32(), self.pop() as u8, self.pop_u32());
                let bytes = &mut self.memories[memory].bytes;
                let range = range(to, count, bytes.len(), Trap::MemoryOutOfBounds)?;
                bytes[range].fill(value);
            }
            MemoryCopy { dst_mem, src_mem } => {
                let (target, source) = (item(Item::Memory, dst_mem), item(Item::Memory, src_mem));
                let (count, from, to) = (self.pop_u32(), self.pop_u32(), self.pop_u32());
                let from = range(from, count, self.memories[source].bytes.len(), Trap::MemoryOutOfBounds)?;
                let to = range(to, count, self.memories[target].bytes.len(), Trap::MemoryOutOfBounds)?;
                let copied = self.memories[source].bytes[from].to_vec();
                self.memories[target].bytes[to].copy_from_slice(&copied);
            }
            MemoryInit { data_index, mem } => {
                let (count, from, to) = (self.pop_u32(), self.pop_u32(), self.pop_u32());
                self.memory_init(instance, data_index as usize, mem, to, from, count)?;
            }
            DataDrop { data_index } => self.instances[instance].datas[data_index as usize].clear(),

            TableGet { table } => {
                let table = item(Item::Table, table);
                let index = self.pop_u32() as usize;
                let element = *self.tables[table].elements.get(index).ok_or(Trap::TableOutOfBounds)?;
                self.stack.push(element);
            }
            TableSet { table } => {
                let table = item(Item::Table, table);
                let (value, index) = (self.pop(), self.pop_u32() as usize);
                *self.tables[table]
                    .elements
                    .get_mut(index)
                    .ok_or(Trap::TableOutOfBounds)? = value;
            }
            TableSize { table } => {
                let len = self.tables[item(Item::Table, table)].elements.len();
                self.stack.push(len as Cell);
            }
            TableGrow { table } => {
                let table = item(Item::Table, table);
                let (count, value) = (self.pop_u32(), self.pop());
                let table = &mut self.tables[table];
                let old = table.elements.len();
                let fits = old as u64 + count as u64 <= table.max;
                if fits {
                    table.elements.resize(old + count as usize, value);
                }
                self.stack.push(if fits { old as Cell } else { u32::MAX as Cell });
            }
            TableFill { table } => {
                let table = item(Item::Table, table);
                let (count, value, to) = (self.pop_u32(), self.pop(), self.pop_u32());
                let elements = &mut self.tables[table].elements;
                let range = range(to, count, elements.len(), Trap::TableOutOfBounds)?;
                elements[range].fill(value);
            }
            TableCopy { dst_table, src_table } => {
                let (target, source) = (item(Item::Table, dst_table), item(Item::Table, src_table));
                let (count, from, to) = (self.pop_u32(), self.pop_u32(), self.pop_u32());
                let from = range(from, count, self.tables[source].elements.len(), Trap::TableOutOfBounds)?;
                let to = range(to, count, self.tables[target].elements.len(), Trap::TableOutOfBounds)?;
                let copied = self.tables[source].elements[from].to_vec();
                self.tables[target].elements[to].copy_from_slice(&copied);
            }
            TableInit { elem_index, table } => {
                let (count, from, to) = (self.pop_u32(), self.pop_u32(), self.pop_u32());
                self.table_init(instance, elem_index as usize, table, to, from, count)?;
            }
            ElemDrop { elem_index } => self.instances[instance].elems[elem_index as usize].clear(),
            ref other => unreachable!("no module here has {other:?}"),
        }
        Ok(())
    }

    // ---- memory --------------------------------------------------------------------------------------------------

    /// The bytes an access touches: its address is on top of the stack.
    fn place(&mut self, instance: usize, memarg: MemArg, bytes: u64) -> Result<(usize, usize), Trap> {
        let MemArgTarget::Memory(memory) = memarg.target else {
            unreachable!("no module here has arrays")
        };
        let memory = self.instances[instance].memories[memory as usize];
        let at = self.pop_u32() as u64 + memarg.offset;
        if at + bytes > self.memories[memory].bytes.len() as u64 {
            return Err(Trap::MemoryOutOfBounds);
        }
        Ok((memory, at as usize))
    }

    fn load<const N: usize>(
        &mut self,
        instance: usize,
        memarg: MemArg,
        value: impl Fn([u8; N]) -> Cell,
    ) -> Result<(), Trap> {
        let (memory, at) = self.place(instance, memarg, N as u64)?;
        let bytes = self.memories[memory].bytes[at..at + N].try_into().expect("N bytes");
        self.stack.push(value(bytes));
        Ok(())
    }

    fn store<const N: usize>(&mut self, instance: usize, memarg: MemArg) -> Result<(), Trap> {
        let value = self.pop();
        let (memory, at) = self.place(instance, memarg, N as u64)?;
        self.memories[memory].bytes[at..at + N].copy_from_slice(&value.to_le_bytes()[..N]);
        Ok(())
    }

    pub(super) fn memory_init(
        &mut self,
        instance: usize,
        segment: usize,
        memory: u32,
        to: u32,
        from: u32,
        count: u32,
    ) -> Result<(), Trap> {
        let instance = &self.instances[instance];
        let data = &instance.datas[segment];
        let bytes = &mut self.memories[instance.memories[memory as usize]].bytes;
        let from = range(from, count, data.len(), Trap::MemoryOutOfBounds)?;
        let to = range(to, count, bytes.len(), Trap::MemoryOutOfBounds)?;
        bytes[to].copy_from_slice(&data[from]);
        Ok(())
    }

    pub(super) fn table_init(
        &mut self,
        instance: usize,
        segment: usize,
        table: u32,
        to: u32,
        from: u32,
        count: u32,
    ) -> Result<(), Trap> {
        let instance = &self.instances[instance];
        let cells = &instance.elems[segment];
        let elements = &mut self.tables[instance.tables[table as usize]].elements;
        let from = range(from, count, cells.len(), Trap::TableOutOfBounds)?;
        let to = range(to, count, elements.len(), Trap::TableOutOfBounds)?;
        elements[to].copy_from_slice(&cells[from]);
        Ok(())
    }
}
