//! Carries out one directive of a script after the other.

use std::collections::HashMap;

use wasmrun::{DecodeReason, Engine, Error, Extern, Instance, InterruptHandle, Linker, Module, Store, Val};
use wast::token::Id;
use wast::{QuoteWat, WastDirective, WastExecute, WastInvoke, Wat};

use super::encode::{Malformed, encode, encode_wat};
use super::{Miss, Verdict, failed, skipped, spectest, value};

/// A module definition or an instance, or the reason why it was skipped: what uses it is skipped for the same.
type Slot<T> = Result<T, String>;

/// What a script has built so far.
pub(super) struct State {
    engine: Engine,
    store: Store<()>,
    linker: Linker<()>,
    /// The instance a directive means when it names none.
    current: Option<Slot<Instance>>,
    instances: HashMap<String, Slot<Instance>>,
    /// The definition `(module instance)` means when it names none.
    last_definition: Option<Slot<Module>>,
    definitions: HashMap<String, Slot<Module>>,
    /// Names that importers would find registered, had their module not been skipped; and why it was.
    missing: HashMap<String, String>,
}

/// How an action in a script ended.
type Ended = Result<Vec<Val>, Error>;

impl State {
    pub(super) fn new(engine: Engine) -> Result<State, Error> {
        let mut store = Store::new(&engine, ());
        let mut linker = Linker::new(&engine);
        linker.allow_shadowing(true);
        spectest::define(&mut store, &mut linker)?;
        Ok(State {
            engine,
            store,
            linker,
            current: None,
            instances: HashMap::new(),
            last_definition: None,
            definitions: HashMap::new(),
            missing: HashMap::new(),
        })
    }

    /// With it a directive can be ended.
    pub(super) fn interrupt_handle(&self) -> InterruptHandle {
        self.store.interrupt_handle()
    }

    pub(super) fn carry_out(&mut self, directive: WastDirective<'_>) -> Verdict {
        match directive {
            WastDirective::Module(module) => self.module(module),
            WastDirective::ModuleDefinition(module) => self.define(module),
            WastDirective::ModuleInstance { instance, module, .. } => self.instance_of(instance, module),
            WastDirective::Register { name, module, .. } => self.register(name, module),
            WastDirective::Invoke(invoke) => match self.invoke(&invoke)? {
                Ok(_) => Ok(()),
                Err(error) => failed(format!("expected a return, found: {error}")),
            },
            WastDirective::AssertReturn { exec, results, .. } => match self.execute(exec)? {
                Ok(found) => value::compare(&self.store, &found, &results),
                Err(error) => failed(format!("expected a return, found: {error}")),
            },
            WastDirective::AssertTrap { exec, message, .. } => {
                let ended = self.execute(exec)?;
                assert_trap(ended, message)
            }
            WastDirective::AssertExhaustion { call, message, .. } => {
                let ended = self.invoke(&call)?;
                assert_trap(ended, message)
            }
            WastDirective::AssertInvalid { module, message, .. } => self.assert_invalid(module, message),
            WastDirective::AssertMalformed { module, message, .. } => self.assert_malformed(module, message),
            WastDirective::AssertUnlinkable { module, message, .. } => self.assert_unlinkable(module, message),
            WastDirective::AssertException { exec, .. } => match self.execute(exec)? {
                Err(Error::Exception(_)) => Ok(()),
                Ok(_) => failed("expected an exception, found a return"),
                Err(error) => failed(format!("expected an exception, found: {error}")),
            },
            WastDirective::AssertSuspension { .. } => skipped("stack switching"),
            WastDirective::Thread(_) | WastDirective::Wait { .. } => skipped("threads"),
            WastDirective::AssertInvalidCustom { .. } | WastDirective::AssertMalformedCustom { .. } => {
                skipped("custom annotations")
            }
        }
    }

    fn module(&mut self, module: QuoteWat<'_>) -> Verdict {
        let name = module.name();
        // A module that fails leaves nothing behind for later directives to run on by mistake.
        self.current = Some(Err("its module did not load".to_owned()));
        let instance = match self.load(module).and_then(|module| self.instantiate(&module)) {
            Err(Miss::Skipped(reason)) => Err(reason),
            other => Ok(other?),
        };
        self.keep_instance(name, instance)
    }

    fn define(&mut self, module: QuoteWat<'_>) -> Verdict {
        let name = module.name();
        let definition = match self.load(module) {
            Err(Miss::Skipped(reason)) => Err(reason),
            other => Ok(other?),
        };
        if let Some(name) = name {
            self.definitions.insert(name.name().to_owned(), definition.clone());
        }
        self.last_definition = Some(definition.clone());
        definition.map(drop).map_err(Miss::Skipped)
    }

    fn instance_of(&mut self, name: Option<Id<'_>>, module: Option<Id<'_>>) -> Verdict {
        let definition = match module {
            Some(id) => self.definitions.get(id.name()),
            None => self.last_definition.as_ref(),
        };
        let instance = match definition {
            None => return failed("no such module definition"),
            Some(Err(reason)) => Err(reason.clone()),
            Some(Ok(module)) => {
                let module = module.clone();
                Ok(self.instantiate(&module)?)
            }
        };
        self.keep_instance(name, instance)
    }

    fn keep_instance(&mut self, name: Option<Id<'_>>, instance: Slot<Instance>) -> Verdict {
        if let Some(name) = name {
            self.instances.insert(name.name().to_owned(), instance.clone());
        }
        self.current = Some(instance.clone());
        instance.map(drop).map_err(Miss::Skipped)
    }

    fn register(&mut self, name: &str, module: Option<Id<'_>>) -> Verdict {
        let instance = match self.find(module) {
            Err(Miss::Skipped(reason)) => {
                self.missing.insert(name.to_owned(), reason.clone());
                return skipped(reason);
            }
            other => other?,
        };
        match self.linker.instance(&mut self.store, name, instance) {
            Ok(_) => Ok(()),
            Err(error) => failed(error.to_string()),
        }
    }

    /// Decodes and validates a module that the script says is good.
    fn load(&mut self, mut module: QuoteWat<'_>) -> Result<Module, Miss> {
        match encode(&mut module)? {
            Ok(bytes) => Module::new(&self.engine, bytes).map_err(refused),
            Err(Malformed(reason)) => failed(format!("the text is malformed: {reason}")),
        }
    }

    fn instantiate(&mut self, module: &Module) -> Result<Instance, Miss> {
        self.linker
            .instantiate_in(&mut self.store, module)
            .map_err(|error| self.blame(&error).unwrap_or_else(|| refused(error)))
    }

    /// Whether a link error comes from a module that was skipped.
    fn blame(&self, error: &Error) -> Option<Miss> {
        let Error::Link(link) = error else { return None };
        let reason = link
            .problems
            .iter()
            .find_map(|problem| self.missing.get(&problem.module))?;
        Some(Miss::Skipped(reason.clone()))
    }

    fn find(&self, name: Option<Id<'_>>) -> Result<Instance, Miss> {
        let slot = match name {
            Some(id) => self.instances.get(id.name()),
            None => self.current.as_ref(),
        };
        match slot {
            Some(Ok(instance)) => Ok(*instance),
            Some(Err(reason)) => skipped(reason),
            None => failed("no such module instance"),
        }
    }

    fn execute(&mut self, execute: WastExecute<'_>) -> Result<Ended, Miss> {
        match execute {
            WastExecute::Invoke(invoke) => self.invoke(&invoke),
            WastExecute::Get { module, global, .. } => {
                let instance = self.find(module)?;
                match instance.get(&mut self.store, global) {
                    Some(Extern::Global(global)) => Ok(global.get(&self.store).map(|value| vec![value])),
                    _ => failed(format!("no exported global `{global}`")),
                }
            }
            WastExecute::Wat(mut wat) => {
                let module = self.load_wat(&mut wat)?;
                Ok(self.linker.instantiate_in(&mut self.store, &module).map(|_| Vec::new()))
            }
        }
    }

    fn load_wat(&mut self, wat: &mut Wat<'_>) -> Result<Module, Miss> {
        match encode_wat(wat)? {
            Ok(bytes) => Module::new(&self.engine, bytes).map_err(refused),
            Err(Malformed(reason)) => failed(format!("the text is malformed: {reason}")),
        }
    }

    fn invoke(&mut self, invoke: &WastInvoke<'_>) -> Result<Ended, Miss> {
        let instance = self.find(invoke.module)?;
        let arguments = value::arguments(&invoke.args)?;
        let Some(Extern::Func(func)) = instance.get(&mut self.store, invoke.name) else {
            return failed(format!("no exported function `{}`", invoke.name));
        };
        Ok(func.call(&mut self.store, &arguments))
    }

    /// Validation must refuse the module; its text must be in order.
    fn assert_invalid(&mut self, mut module: QuoteWat<'_>, message: &str) -> Verdict {
        match encode(&mut module)? {
            Err(Malformed(_)) => Ok(()),
            Ok(bytes) => match Module::new(&self.engine, bytes) {
                Err(_) => Ok(()),
                Ok(_) => failed(format!("expected invalid ({message}), found a valid module")),
            },
        }
    }

    /// The text parser or the decoder must refuse the module.
    fn assert_malformed(&mut self, mut module: QuoteWat<'_>, message: &str) -> Verdict {
        match encode(&mut module)? {
            Err(Malformed(_)) => Ok(()),
            Ok(bytes) => match Module::new(&self.engine, bytes) {
                Err(_) => Ok(()),
                Ok(_) => failed(format!("expected malformed ({message}), found a well-formed module")),
            },
        }
    }

    fn assert_unlinkable(&mut self, mut wat: Wat<'_>, message: &str) -> Verdict {
        let module = self.load_wat(&mut wat)?;
        match self.linker.instantiate_in(&mut self.store, &module) {
            Ok(_) => failed(format!("expected unlinkable ({message}), found an instance")),
            Err(Error::Link(error)) if error.to_string().contains(message) => Ok(()),
            Err(error) => {
                let message = format!("expected unlinkable ({message}), found: {error}");
                Err(self.blame(&error).unwrap_or(Miss::Failed(message)))
            }
        }
    }
}

/// A module the script holds to be good was refused: skipped when it needs a feature that is absent or off.
fn refused(error: Error) -> Miss {
    if let Error::Decode(refusal) = &error
        && let DecodeReason::Unsupported { proposal, .. } = refusal.reason
    {
        return Miss::Skipped(proposal.to_owned());
    }
    Miss::Failed(error.to_string())
}

/// The suite's rule: what is expected is a prefix of what the engine says. One script expects `uninitialized element 2`,
/// naming the element; there the engine's words may be the prefix.
fn assert_trap(ended: Ended, message: &str) -> Verdict {
    match ended {
        Ok(_) => failed(format!("expected trap: {message}, found a return")),
        Err(Error::Trap(report)) => {
            let words = report.trap.to_string();
            if words.starts_with(message) || message.starts_with(&words) {
                Ok(())
            } else {
                failed(format!("expected trap: {message}, found trap: {words}"))
            }
        }
        Err(error) => failed(format!("expected trap: {message}, found: {error}")),
    }
}

/// The keyword a directive begins with.
pub(super) fn keyword(directive: &WastDirective<'_>) -> &'static str {
    match directive {
        WastDirective::Module(_) => "module",
        WastDirective::ModuleDefinition(_) => "module definition",
        WastDirective::ModuleInstance { .. } => "module instance",
        WastDirective::AssertMalformed { .. } => "assert_malformed",
        WastDirective::AssertInvalid { .. } => "assert_invalid",
        WastDirective::AssertInvalidCustom { .. } => "assert_invalid_custom",
        WastDirective::AssertMalformedCustom { .. } => "assert_malformed_custom",
        WastDirective::Register { .. } => "register",
        WastDirective::Invoke(_) => "invoke",
        WastDirective::AssertTrap { .. } => "assert_trap",
        WastDirective::AssertReturn { .. } => "assert_return",
        WastDirective::AssertExhaustion { .. } => "assert_exhaustion",
        WastDirective::AssertUnlinkable { .. } => "assert_unlinkable",
        WastDirective::AssertException { .. } => "assert_exception",
        WastDirective::AssertSuspension { .. } => "assert_suspension",
        WastDirective::Thread(_) => "thread",
        WastDirective::Wait { .. } => "wait",
    }
}
