//! Where time and space went: what `wasmrun exec --stats` prints.

use std::time::Duration;

/// How long the parts of loading took.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct LoadTimes {
    pub decoding: Duration,
    pub validation: Duration,
}

/// What loading a module took, and what has been translated of it so far.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct ModuleStats {
    /// Wall time of reading its sections, with their validation.
    pub decoding: Duration,
    /// Wall time of validating its function bodies.
    pub validation: Duration,
    /// Functions it defines.
    pub functions: usize,
    /// Bytes of the binary.
    pub bytes: usize,
    /// What has been translated.
    pub translated: Translations,
}

/// Functions that have been translated, which happens on the first call of each.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct Translations {
    /// How many.
    pub functions: usize,
    /// Bytes of their bodies in the module.
    pub body_bytes: usize,
    /// Bytes of the internal code made of them.
    pub code_bytes: usize,
    /// Time it took.
    pub time: Duration,
}

#[cfg(feature = "stats")]
pub use execution::{Executed, ExecutionStats};

#[cfg(feature = "stats")]
mod execution {
    use crate::engine::code::Place;
    use crate::engine::store::{Inner as _, Store, StoreInner};
    use crate::engine::translate;
    use std::collections::HashMap;

    /// How often the internal instructions were executed, by form: the operation and where its operands live.
    #[derive(Debug, Clone, Default)]
    #[non_exhaustive]
    pub struct ExecutionStats {
        /// Instructions executed.
        pub total: u64,
        /// The operations alone, most frequent first, as the next three.
        pub operations: Vec<Executed>,
        /// Forms.
        pub forms: Vec<Executed>,
        /// Two forms in a row.
        pub pairs: Vec<Executed>,
        /// Three in a row.
        pub triples: Vec<Executed>,
    }

    /// What was executed, and how often.
    pub type Executed = (String, u64);

    impl<T: Send + 'static> Store<T> {
        /// How often which instructions were executed in this store. Only with the feature `stats`.
        pub fn execution_stats(&self) -> ExecutionStats {
            stats(self.inner())
        }
    }

    #[allow(unsafe_code)]
    fn stats(store: &StoreInner) -> ExecutionStats {
        let mut names = Names::default();
        let (mut forms, mut operations) = (HashMap::new(), HashMap::new());
        let (mut pairs, mut triples) = (HashMap::new(), HashMap::new());
        let mut total = 0;
        // SAFETY: only the thread that has the store touches the profile.
        let profile = unsafe { &(*store.context()).profile };
        for (ips, count) in profile.triples() {
            let [a, b, c] = ips.map(|ip| names.form(store, ip));
            total += count;
            let operation = c.split(' ').next().unwrap_or_default().to_owned();
            *operations.entry(operation).or_insert(0) += count;
            *pairs.entry(format!("{b}  |  {c}")).or_insert(0) += count;
            *triples.entry(format!("{a}  |  {b}  |  {c}")).or_insert(0) += count;
            *forms.entry(c).or_insert(0) += count;
        }
        ExecutionStats {
            total,
            operations: sorted(operations),
            forms: sorted(forms),
            pairs: sorted(pairs),
            triples: sorted(triples),
        }
    }

    fn sorted(counts: HashMap<String, u64>) -> Vec<Executed> {
        let mut list: Vec<Executed> = counts.into_iter().collect();
        list.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        list
    }

    /// The forms of the functions met so far, by instance and function.
    #[derive(Default)]
    struct Names(HashMap<(usize, u32), Vec<(u32, String)>>);

    impl Names {
        fn form(&mut self, store: &StoreInner, ip: usize) -> String {
            let found = store.instances.iter().enumerate().find_map(|(at, instance)| {
                let module = &instance.module.inner;
                module.code.find(ip as *const u64).map(|place| (at, module, place))
            });
            let Some((at, module, Place { defined, word, .. })) = found else {
                return "-".to_owned();
            };
            let forms = self
                .0
                .entry((at, defined))
                .or_insert_with(|| translate::listing(module, defined).forms);
            match forms.binary_search_by_key(&word, |&(start, _)| start) {
                Ok(found) => forms[found].1.clone(),
                Err(_) => "?".to_owned(),
            }
        }
    }
}
