//! What a store can be reached through: itself, or the caller a host function gets.

use super::{Store, StoreInner};

/// Proof that a caller is part of this crate.
#[derive(Clone, Copy)]
pub struct Private(());

/// Something through which a store can be read: a [`Store`], or a [`Caller`](crate::Caller) in a host function. Sealed.
pub trait AsStore {
    /// The embedder's data in the store.
    type Data: 'static;

    #[doc(hidden)]
    fn store_ref(&self, _: Private) -> &StoreInner;
}

/// Something through which a store can be changed: a [`Store`], or a [`Caller`](crate::Caller) in a host function.
/// Sealed.
pub trait AsStoreMut: AsStore {
    // With the `&mut StoreInner` a host function could exchange two stores while one of them runs, so nobody outside
    // can call this.
    #[doc(hidden)]
    fn store_mut(&mut self, _: Private) -> &mut StoreInner;
}

impl<T: 'static> AsStore for Store<T> {
    type Data = T;

    fn store_ref(&self, _: Private) -> &StoreInner {
        &self.inner
    }
}

impl<T: 'static> AsStoreMut for Store<T> {
    fn store_mut(&mut self, _: Private) -> &mut StoreInner {
        &mut self.inner
    }
}

impl<S: AsStore + ?Sized> AsStore for &mut S {
    type Data = S::Data;

    fn store_ref(&self, token: Private) -> &StoreInner {
        (**self).store_ref(token)
    }
}

impl<S: AsStoreMut + ?Sized> AsStoreMut for &mut S {
    fn store_mut(&mut self, token: Private) -> &mut StoreInner {
        (**self).store_mut(token)
    }
}

/// The inside of a store, for this crate.
pub(crate) trait Inner {
    fn inner(&self) -> &StoreInner;
}

impl<S: AsStore + ?Sized> Inner for S {
    fn inner(&self) -> &StoreInner {
        self.store_ref(Private(()))
    }
}

/// The inside of a store, for this crate.
pub(crate) trait InnerMut {
    fn inner_mut(&mut self) -> &mut StoreInner;
}

impl<S: AsStoreMut + ?Sized> InnerMut for S {
    fn inner_mut(&mut self) -> &mut StoreInner {
        self.store_mut(Private(()))
    }
}
