//! The engines under one interface.

pub mod reference;
pub mod wasmi;
pub mod wasmrun;

use crate::case::{Call, Case};
use crate::value::{Ending, State};

/// A store with the instances of a case.
pub trait Guest {
    /// Calls an export.
    fn call(&mut self, call: &Call) -> Ending;

    /// What can be seen from outside.
    fn state(&mut self) -> State;
}

/// All that happened: the ending of instantiation if it failed, else of each call with the state after it.
#[derive(Clone, Debug, Default)]
pub struct History {
    pub refused: Option<Ending>,
    pub steps: Vec<(Ending, State)>,
}

/// Makes the calls of a case.
pub fn play<G: Guest>(case: &Case, guest: Result<G, Ending>) -> History {
    let mut guest = match guest {
        Ok(guest) => guest,
        Err(ending) => {
            return History {
                refused: Some(ending),
                steps: Vec::new(),
            };
        }
    };
    let mut history = History::default();
    for call in &case.calls {
        let ending = guest.call(call);
        // How deep a stack is, is each engine's own choice, and so is what was done until then.
        let over = ending.exhausted() || ending.too_long();
        history.steps.push((ending, guest.state()));
        if over {
            break;
        }
    }
    history
}
